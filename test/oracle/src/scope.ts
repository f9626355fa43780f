import type { Context } from './context.ts';
import type { SourcePerson, SourceSite } from './source.ts';
import { nameKey } from './text.ts';

/** One tab of include and exclude lists: names, e-mails or ids. */
interface Tab {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The four tabs of an integration's filters (semantics §5). */
export interface Tabs {
  readonly users: Tab;
  readonly departments: Tab;
  readonly jobProfiles: Tab;
  readonly permissions: Tab;
}

const key = (text: string): string => text.trim().toLowerCase();
const isBlank = ({ include, exclude }: Tab): boolean => include.length + exclude.length === 0;

/**
 * True for who is left alone by the filters: any exclude wins; else in scope when all include lists are empty or any entry
 * of any of them matches. By what the rows say now; units and security groups (Ziik departments) of all memberships, roles
 * of the first one.
 */
export function isOutOfScope(context: Context, person: SourcePerson): boolean {
  const { filters } = context.options;
  if (!filters || Object.values(filters).every(isBlank)) return false;
  const words = wordsOf(context, person);
  let isOpen = true;
  let isIncluded = false;
  for (const tab of ['users', 'departments', 'jobProfiles', 'permissions'] as const) {
    const { include, exclude } = filters[tab];
    const named = new Set(words[tab].map(key).filter((word) => word !== ''));
    if (exclude.some((entry) => named.has(key(entry)))) return true;
    isOpen &&= include.every((entry) => key(entry) === '');
    isIncluded ||= include.some((entry) => named.has(key(entry)));
  }
  return !isOpen && !isIncluded;
}

interface Index {
  readonly units: ReadonlyMap<string, SourceSite['units'][number]>;
  readonly roles: ReadonlyMap<string, SourceSite['roles'][number]>;
}
const indexes = new WeakMap<SourceSite, Index>();

function indexOf(source: SourceSite): Index {
  let index = indexes.get(source);
  if (!index) {
    const units = new Map(source.units.map((unit) => [unit.id, unit]));
    index = { units, roles: new Map(source.roles.map((role) => [role.id, role])) };
    indexes.set(source, index);
  }
  return index;
}

function wordsOf(context: Context, person: SourcePerson): Readonly<Record<keyof Tabs, readonly string[]>> {
  const { source, state } = context;
  const { units, roles } = indexOf(source);
  const memberships = person.memberships.filter(({ unitId }) => units.get(unitId)?.deleted !== true);
  const roleIds = memberships[0]?.roleIds ?? [];
  const held = roleIds.flatMap((id) => {
    const role = roles.get(id);
    return role && !role.deleted ? [{ id, name: role.name ?? '' }] : [];
  });
  const profile = held.flatMap(({ id, name }) => {
    const match = state.jobProfiles.find((one) => nameKey(one.name) === nameKey(name));
    return match ? [[id, name, `${match.id}`]] : [];
  })[0];
  return {
    users: [person.id, person.email ?? '', `${person.firstName ?? ''} ${person.lastName ?? ''}`],
    departments: memberships
      .flatMap(({ unitId, departmentId }) => [unitId, departmentId ?? ''])
      .flatMap((id) => [id, units.get(id)?.name ?? '']),
    jobProfiles: profile ?? held.flatMap(({ id, name }) => [id, name]),
    permissions: roleIds.flatMap((id) => [id, roles.get(id)?.name ?? '']),
  };
}
