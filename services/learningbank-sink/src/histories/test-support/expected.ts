import { type Source, top } from './source.ts';

/** The settings that histories edit. */
export interface Standing {
  readonly uniqueUnits: boolean;
  /** E-mails or ids of people who are left alone. */
  readonly excluded: readonly string[];
}

/** What a person must look like at the target. */
export type Wanted =
  | { readonly is: 'untouched' }
  | { readonly is: 'inactive'; readonly mustExist: boolean }
  | {
      readonly is: 'active';
      readonly firstName: unknown;
      readonly lastName: unknown;
      readonly email: unknown;
      /** Units, the first one first; empty = the platform's default department. */
      readonly units: readonly string[];
      readonly roles: readonly string[];
    };

export interface Expected {
  /** Path of each mirrored unit below the top department. */
  readonly units: ReadonlyMap<string, string>;
  readonly roles: ReadonlyMap<string, string>;
  readonly people: ReadonlyMap<string, Wanted>;
}

/**
 * What the target must hold, from scratch: docs/rules.md applied to what the source says now. Written without looking at the
 * planner; it knows no history, no links and no calls.
 */
export function expected(source: Source, standing: Standing, nowMs: number): Expected {
  const units = new Map<string, string>();
  for (const { id } of source.all('unit')) {
    const path = pathOf(source, id, standing);
    if (path !== undefined) units.set(id, path);
  }
  const roles = new Map(source.all('role').map(({ id, fields }) => [id, String(fields['name'])]));
  const people = new Map(
    [...source.addresses.keys()].map((id) => [id, wanted(source, id, { units, standing, nowMs })] as const),
  );
  return { units, roles, people };
}

function pathOf(source: Source, id: string, standing: Standing): string | undefined {
  if (id === top) return '';
  const fields = source.get('unit', id);
  if (!fields) return undefined;
  const above = pathOf(source, String(fields['parentId']), standing);
  const name = standing.uniqueUnits ? `${String(fields['name'])} (${id})` : String(fields['name']);
  return above === undefined ? undefined : `${above}/${name}`;
}

function wanted(
  source: Source,
  id: string,
  rest: { readonly units: ReadonlyMap<string, string>; readonly standing: Standing; readonly nowMs: number },
): Wanted {
  const person = source.get('person', id);
  const { excluded } = rest.standing;
  if (!person) {
    // A deletion carries no address: who was left alone under any of theirs may have been left alone at the end.
    const alone = excluded.includes(id) || excluded.some((entry) => source.addresses.get(id)?.has(entry));
    return alone ? { is: 'untouched' } : { is: 'inactive', mustExist: false };
  }
  if (excluded.includes(id) || excluded.includes(String(person['email']))) return { is: 'untouched' };
  const expiresAt = (person['expiresAtMs'] as number | null | undefined) ?? Infinity;
  if (person['active'] === false || expiresAt <= rest.nowMs)
    return { is: 'inactive', mustExist: person['active'] === false };
  const memberships = membershipsOf(source, id).filter(({ unitId }) => rest.units.has(unitId));
  const [first] = memberships;
  return {
    is: 'active',
    firstName: person['firstName'],
    lastName: person['lastName'],
    email: person['email'],
    units: [...new Set(memberships.map(({ unitId }) => unitId))],
    roles: first ? rolesOf(source, first.id) : [],
  };
}

/** By position, then id. */
function membershipsOf(source: Source, personId: string): readonly { readonly id: string; readonly unitId: string }[] {
  return source
    .all('membership')
    .filter(({ fields }) => fields['personId'] === personId)
    .toSorted((a, b) => Number(a.fields['ordinal']) - Number(b.fields['ordinal']) || (a.id < b.id ? -1 : 1))
    .map(({ id, fields }) => ({ id, unitId: String(fields['unitId']) }));
}

const rolesOf = (source: Source, membershipId: string): readonly string[] =>
  source
    .all('assignment')
    .filter(({ fields }) => fields['membershipId'] === membershipId)
    .map(({ fields }) => String(fields['roleId']))
    .filter((role) => source.get('role', role) !== undefined);
