import type { World } from './world.ts';

/**
 * Whether a person is in scope, from the facts and semantics.md §5 alone; shares no code with the planner. Undefined for
 * who is gone: a deletion carries no names, so that depends on what was known before.
 */
export function scopeFromScratch(world: World, personId: string): boolean | undefined {
  const person = world.people.get(personId);
  if (!person || person.deleted || person.anonymised) return undefined;
  const memberships = [...world.memberships.values()]
    .filter((one) => one.personId === personId)
    .sort((a, b) => a.ordinal! - b.ordinal! || Number(a.id) - Number(b.id));
  const units = memberships.flatMap(({ unitId, departmentId }) => [unitId!, ...(departmentId ? [departmentId] : [])]);
  const roles = memberships[0]?.assignments.map(({ roleId }) => roleId!) ?? [];
  const named = (facts: ReadonlyMap<string, { readonly name: string | null }>, ids: readonly string[]): string[] =>
    ids.flatMap((id) => [id, facts.get(id)?.name ?? '']);
  const texts = {
    users: [personId, person.email ?? '', `${person.firstName} ${person.lastName}`],
    departments: named(world.units, units),
    permissions: named(world.roles, roles),
    jobProfiles: [],
  };
  const { filters } = world.settings;
  let isOpen = true;
  let isIncluded = false;
  for (const tab of ['users', 'departments', 'permissions', 'jobProfiles'] as const) {
    const has = texts[tab].map((text) => text.toLowerCase().trim());
    if (filters[tab].exclude.some((entry) => has.includes(entry.toLowerCase().trim()))) return false;
    isOpen &&= filters[tab].include.length === 0;
    isIncluded ||= filters[tab].include.some((entry) => has.includes(entry.toLowerCase().trim()));
  }
  return isOpen || isIncluded;
}
