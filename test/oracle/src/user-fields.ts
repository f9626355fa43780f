import type { Context } from './context.ts';
import type { MappedUnits } from './departments.ts';
import { ownId } from './marker.ts';
import type { MappedRoles } from './permission-types.ts';
import type { SourcePerson } from './source.ts';
import type { TargetUser } from './state.ts';
import type { Mismatch } from './findings.ts';
import { emailKey, nameKey } from './text.ts';

/** A field that is not as the rules want it. */
export type Difference = Pick<Mismatch, 'field' | 'expected' | 'actual' | 'rule'>;

interface Pair {
  readonly person: SourcePerson;
  readonly user: TargetUser;
  readonly units: MappedUnits;
  readonly roles: MappedRoles;
}

/** Every field of an active person's user that differs. */
export function userDifferences(context: Context, pair: Pair): Difference[] {
  return [
    ...plainFields(pair),
    ...departments(context, pair),
    ...permissionTypes(context, pair),
    ...(context.options.jobProfiles ? jobProfile(context, pair) : []),
    ...(context.options.languages ? language(context, pair) : []),
  ];
}

function plainFields({ person, user }: Pair): Difference[] {
  const rule = 'person changed: the same fields updated';
  const found: Difference[] = [];
  const compare = (field: string, expected: unknown, actual: unknown, why = rule) => {
    if (expected !== actual) found.push({ field, expected, actual, rule: why });
  };
  compare('firstName', nameKey(person.firstName ?? ''), nameKey(user.firstName));
  compare('lastName', nameKey(person.lastName ?? ''), nameKey(user.lastName));
  compare('email', emailKey(person.email), emailKey(user.email));
  compare('isActive', true, user.isActive, 'active person: active user; reactivated (decided 10)');
  return found;
}

/** Departments of all memberships, the first one's first; nobody's = the default department (decided 13, 16). */
function departments({ options, state, tenant }: Context, { person, user, units }: Pair): Difference[] {
  const mapped = person.memberships.flatMap(({ unitId }) => units.departmentOf.get(unitId)?.id ?? []);
  const fallback = options.defaultDepartmentId ?? state.defaults.departmentId;
  const expected = mapped.length > 0 ? [...new Set(mapped)] : [fallback];
  const actual = user.departmentIds;
  const isForeign = (id: number) => {
    const department = state.departments.find((one) => one.id === id);
    return department !== undefined && !department.isTop && ownId(department.externalId, tenant, 'unit') === undefined;
  };
  const missing = expected.filter((id) => !actual.includes(id));
  const extra = actual.filter((id) => !expected.includes(id) && !(options.keepForeignDepartments && isForeign(id)));
  if (missing.length > 0 || extra.length > 0) {
    return [{ field: 'departments', expected, actual, rule: 'the departments of all memberships (decided 13)' }];
  }
  if (actual[0] === expected[0]) return [];
  return [
    {
      field: 'primaryDepartment',
      expected: expected[0],
      actual: actual[0],
      rule: "the first membership's (decided 16)",
    },
  ];
}

/** The first membership's, in their order (decided 1). A membership of a deleted unit counts no more than the unit. */
function rolesOf({ source }: Context, person: SourcePerson): readonly string[] {
  const isDeleted = (unitId: string) => source.units.some((unit) => unit.id === unitId && unit.deleted);
  return person.memberships.find(({ unitId }) => !isDeleted(unitId))?.roleIds ?? [];
}

/** Roles of the first membership; of the others only what we made goes, foreign permission types stay. */
function permissionTypes(context: Context, { person, user, roles }: Pair): Difference[] {
  const expected = [...new Set(rolesOf(context, person).flatMap((roleId) => roles.typeOf.get(roleId)?.id ?? []))];
  const missing = expected.filter((id) => !user.permissionTypeIds.includes(id));
  const given = context.options.defaultPermissionTypeIds ?? [];
  const isOurs = (id: number) => roles.madeByUs.has(id) && !given.includes(id);
  const surplus = user.permissionTypeIds.filter((id) => isOurs(id) && !expected.includes(id));
  if (missing.length === 0 && surplus.length === 0) return [];
  const rule = 'roles on the first membership (decided 1); only what we made is removed';
  return [{ field: 'permissionTypes', expected, actual: user.permissionTypeIds, rule }];
}

/** The first role, in the membership's order, that a profile is named after; none = not looked at (decided 2-4). */
function jobProfile(context: Context, { person, user }: Pair): Difference[] {
  const { source, state } = context;
  const names = rolesOf(context, person).flatMap((roleId) => {
    const role = source.roles.find((one) => one.id === roleId && !one.deleted);
    return role?.name == null ? [] : nameKey(role.name);
  });
  const profiles = new Map(state.jobProfiles.map((profile) => [nameKey(profile.name), profile.id]));
  const expected = names.map((name) => profiles.get(name)).find((id) => id !== undefined);
  if (expected === undefined || expected === user.jobProfileId) return [];
  const rule = 'the profile whose name equals a role of the first membership (decided 2)';
  return [{ field: 'jobProfile', expected, actual: user.jobProfileId, rule }];
}

/** Written at creation only: looked at on users that we made. */
function language({ source, tenant }: Context, { person, user }: Pair): Difference[] {
  const expected = person.language ?? source.defaultLanguage;
  if (expected === null || ownId(user.externalId, tenant, 'person') === undefined || user.language === expected)
    return [];
  return [{ field: 'language', expected, actual: user.language, rule: 'written at creation only' }];
}
