import { tenant } from './clean-scene.ts';
import type { SourceSite } from './source.ts';
import type { PlatformState } from './state.ts';
import type { Draft } from './clean-scene.ts';

/**
 * What Learningbank holds after a first sync of a well-behaved site (no equal siblings, no shared addresses, one row
 * each): built forwards from the rows, unlike the comparison, so that tests can hold one against the other.
 */
export function mirror(site: SourceSite): Draft<PlatformState> {
  const units = site.units.filter((unit) => !unit.deleted && unit.unitType === 'unit');
  const departmentId = (unitId: string) => 1_000_000 + Number(unitId);
  const typeId = (roleId: string) => 2_000_000 + Number(roleId);
  const topId = departmentId(units.find((unit) => unit.parentId === null)?.id ?? '0');
  const isLeaver = (expiresAt: Date | null) => expiresAt !== null && expiresAt < new Date();
  return {
    defaults: { departmentId: topId },
    departments: units.map((unit) => ({
      id: departmentId(unit.id),
      name: unit.parentId === null ? 'Top' : (unit.name ?? ''),
      parentId: unit.parentId === null ? null : departmentId(unit.parentId),
      isTop: unit.parentId === null,
      externalId: unit.parentId === null ? null : `${tenant}:unit:${unit.id}`,
    })),
    permissionTypes: site.roles.map((role) => ({
      id: typeId(role.id),
      name: role.name ?? '',
      externalId: `${tenant}:role:${role.id}`,
      isSystem: false,
    })),
    jobProfiles: [],
    users: site.people
      .filter((person) => person.email !== null)
      .map((person) => ({
        id: Number(person.id),
        email: person.email,
        firstName: person.firstName ?? '',
        lastName: person.lastName ?? '',
        language: person.language ?? 'da',
        isActive: person.active && !isLeaver(person.expiresAt),
        externalId: `${tenant}:person:${person.id}`,
        departmentIds: person.memberships.map((membership) => departmentId(membership.unitId)),
        jobProfileId: null,
        permissionTypeIds: (person.memberships[0]?.roleIds ?? []).map(typeId),
      })),
  };
}
