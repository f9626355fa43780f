import type { SimPlatform } from '../../reconcile/fixture.ts';
import type { Expected, Wanted } from './expected.ts';
import { tenant, top } from './source.ts';

type State = Awaited<ReturnType<SimPlatform['state']>>;
type User = State['users'][number];

/** What holds before the first history begins and must hold after it. */
export interface Foreign {
  readonly departments: readonly unknown[];
  readonly permissionTypes: readonly unknown[];
  readonly users: readonly unknown[];
  readonly topName: string;
}

const marked = <T extends { readonly externalId: string | null }>(all: readonly T[], kind: string, id: string): T[] =>
  all.filter(({ externalId }) => externalId === `${tenant}:${kind}:${id}`);

const visible = ({ id, email, firstName, lastName, isActive, departmentIds, permissionTypeIds }: User) => ({
  id,
  email,
  firstName,
  lastName,
  isActive,
  departmentIds,
  permissionTypeIds,
});

/** What is not ours at the target. */
export function foreignOf({ departments, permissionTypes, users }: State): Foreign {
  const name = ({ id, name: called }: { id: number; name: string }) => ({ id, name: called });
  return {
    departments: departments
      .filter((one) => one.externalId === null && !one.isTop)
      .map((one) => ({ ...name(one), parentId: one.parentId })),
    permissionTypes: permissionTypes.filter(({ externalId }) => externalId === null).map(name),
    users: users.filter(({ externalId }) => externalId === null).map(visible),
    topName: departments.find(({ isTop }) => isTop)!.name,
  };
}

export const userOf = (state: State, person: string): User | undefined => marked(state.users, 'person', person)[0];

interface Known {
  readonly defaultDepartmentId: number;
  /** People whom an operator's decision keeps as they are. */
  readonly held: ReadonlySet<string>;
}

/** Every difference between what must be and what is, in words. */
export function differences(want: Expected, state: State, known: Known): readonly string[] {
  return [...departments(want, state, known), ...permissionTypes(want, state, known), ...users(want, state, known)];
}

function departments({ units, people }: Expected, state: State, { held }: Known): readonly string[] {
  const found: string[] = [];
  const byId = new Map(state.departments.map((one) => [one.id, one]));
  const path = (id: number | null): string => {
    const one = id === null ? undefined : byId.get(id);
    return !one || one.isTop ? '' : `${path(one.parentId)}/${one.name}`;
  };
  for (const [id, wantedPath] of units) {
    if (id === top) continue;
    const ours = marked(state.departments, 'unit', id);
    if (ours.length !== 1) found.push(`unit ${id}: ${ours.length} departments`);
    else if (path(ours[0]!.id) !== wantedPath) found.push(`unit ${id}: at ${path(ours[0]!.id)}, not ${wantedPath}`);
  }
  for (const one of state.departments) {
    const id = /:unit:(.*)$/.exec(one.externalId ?? '')?.[1];
    if (id === undefined || units.has(id)) continue;
    // Somebody who is left alone, or held as he is, is not moved: the department that has him stays (D12).
    const stays = new Set([one.id]);
    for (let size = 0; size !== stays.size;) {
      size = stays.size;
      for (const child of state.departments) if (stays.has(child.parentId ?? -1)) stays.add(child.id);
    }
    const keeper = state.users.some(({ departmentIds, externalId }) => {
      const person = /:person:(.*)$/.exec(externalId ?? '')?.[1] ?? '';
      const kept = people.get(person)?.is === 'untouched' || held.has(person);
      return kept && departmentIds.some((department) => stays.has(department));
    });
    if (!keeper) found.push(`unit ${id}: gone, its department is still there`);
  }
  return found;
}

function permissionTypes({ roles }: Expected, state: State, { held }: Known): readonly string[] {
  const found: string[] = [];
  for (const [id, name] of roles) {
    const ours = marked(state.permissionTypes, 'role', id).map((one) => one.name);
    if (ours.join() !== name) found.push(`role ${id}: permission types [${ours.join()}], not ${name}`);
  }
  for (const { id: type, externalId } of state.permissionTypes) {
    const id = /:role:(.*)$/.exec(externalId ?? '')?.[1];
    if (id === undefined || roles.has(id)) continue;
    // Who is held as he is keeps it: deleting it would take it from him.
    const keeper = state.users.some(
      (one) => held.has(/:person:(.*)$/.exec(one.externalId ?? '')?.[1] ?? '') && one.permissionTypeIds.includes(type),
    );
    if (!keeper) found.push(`role ${id}: gone, its permission type is still there`);
  }
  return found;
}

function users({ people }: Expected, state: State, known: Known): readonly string[] {
  const found: string[] = [];
  for (const [id, want] of people) {
    const ours = marked(state.users, 'person', id);
    if (ours.length > 1) found.push(`person ${id}: ${ours.length} users`);
    if (!known.held.has(id)) found.push(...user(id, { want, one: ours[0], state, known }));
  }
  for (const { externalId } of state.users) {
    const id = /:person:(.*)$/.exec(externalId ?? '')?.[1];
    if (id !== undefined && !people.has(id)) found.push(`person ${id}: has a user, and nobody knows them`);
  }
  return found;
}

interface Look {
  readonly want: Wanted;
  readonly one: User | undefined;
  readonly state: State;
  readonly known: Known;
}

function user(id: string, { want, one, state, known }: Look): readonly string[] {
  if (want.is === 'untouched') return [];
  if (want.is === 'inactive') {
    if (one?.isActive) return [`person ${id}: has left, the user is active`];
    return one || !want.mustExist ? [] : [`person ${id}: inactive, has no user`];
  }
  if (!one) return [`person ${id}: has no user`];
  const is = {
    active: one.isActive,
    firstName: one.firstName,
    lastName: one.lastName,
    email: one.email,
    departments: one.departmentIds,
    permissionTypes: one.permissionTypeIds
      .flatMap(
        (type) => /:role:(.*)$/.exec(state.permissionTypes.find((t) => t.id === type)?.externalId ?? '')?.[1] ?? [],
      )
      .toSorted(),
  };
  const idOf = (unit: string): number =>
    unit === top
      ? state.departments.find(({ isTop }) => isTop)!.id
      : (marked(state.departments, 'unit', unit)[0]?.id ?? -1);
  const must = {
    active: true,
    firstName: want.firstName,
    lastName: want.lastName,
    email: want.email,
    departments: want.units.length > 0 ? want.units.map(idOf) : [known.defaultDepartmentId],
    permissionTypes: want.roles.toSorted(),
  };
  return Object.keys(must)
    .filter((field) => JSON.stringify(must[field as 'email']) !== JSON.stringify(is[field as 'email']))
    .map(
      (field) =>
        `person ${id}: ${field} ${JSON.stringify(is[field as 'email'])}, not ${JSON.stringify(must[field as 'email'])}`,
    );
}
