import type { AppliedPerson, Outcome, Policy, TargetId } from '../model.ts';
import type { MembershipFact, PersonFact } from './facts.ts';
import type { PersonInput } from './input.ts';
import { park, waitFor } from './outcomes.ts';
import { liveMemberships, profileRolesOf } from './person-roles.ts';
import { behaviourOf } from './presets.ts';
import { isIgnored, type RoleNode } from './role-book.ts';
import { byOrdinal, fits, maxEmail, maxName, trimmed } from './text.ts';

/** What a person's user should be, as far as the facts go. */
export interface DesiredPerson {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  /** Primary first, no duplicates, never empty. */
  readonly departmentIds: readonly TargetId[];
  readonly permissionTypeIds: readonly TargetId[];
  /** What the job profile goes by: live roles of the first membership, in its order. */
  readonly roles: readonly RoleNode[];
  /** Absent: not delivered, or not written by this preset. */
  readonly firstDay?: string | null;
  readonly lastDay?: string | null;
  /** A unit or role of the person that is parked: once all else is done, the person waits for it (decided 7). */
  readonly stillMissing: Outcome | null;
}

/** Written for a first or last name that the source does not have: the target wants both. */
const noName = '-';

/** Name and e-mail as they are to be written, or why not. */
function desiredIdentity(fact: PersonFact): Pick<DesiredPerson, 'firstName' | 'lastName' | 'email'> | Outcome {
  const email = trimmed(fact.email);
  if (email === null) return park('EMAIL_MISSING');
  const first = trimmed(fact.firstName);
  const last = trimmed(fact.lastName);
  if (first === null && last === null) return park('FACT_INVALID', { field: 'name' });
  if (!fits(email, maxEmail)) return park('VALUE_TOO_LONG', { field: 'email', max: maxEmail });
  for (const [field, value] of [['firstName', first] as const, ['lastName', last] as const]) {
    if (!fits(value ?? '', maxName)) return park('VALUE_TOO_LONG', { field, max: maxName });
  }
  return { firstName: first ?? noName, lastName: last ?? noName, email };
}

/** The whole desired state, or the first thing that stands in its way. */
export function desiredPerson(input: PersonInput, fact: PersonFact, policy: Policy): DesiredPerson | Outcome {
  const identity = desiredIdentity(fact);
  if ('kind' in identity) return identity;
  const memberships = liveMemberships(input);
  const rejected = rejectedCode(memberships);
  if (rejected) return park(rejected);
  const departments = departmentsOf(input, memberships, policy);
  if ('kind' in departments) return departments;
  const roles = rolesOf(input, memberships[0], policy);
  if ('kind' in roles) return roles;
  return {
    ...identity,
    ...(behaviourOf(policy.settings).dates ? datesOf(fact) : {}),
    departmentIds: departments.ids,
    permissionTypeIds: roles.ids,
    roles: profileRolesOf(input),
    stillMissing: departments.missing ?? roles.missing,
  };
}

/** First and last day, where the source delivers them. */
function datesOf({ firstDay, lastDay }: PersonFact): Pick<DesiredPerson, 'firstDay' | 'lastDay'> {
  return { ...(firstDay === undefined ? {} : { firstDay }), ...(lastDay === undefined ? {} : { lastDay }) };
}

/** A rejected membership, or a rejected assignment of the first one, parks its person. */
function rejectedCode(memberships: readonly MembershipFact[]): MembershipFact['rejectedCode'] {
  const assignments = memberships[0]?.assignments ?? [];
  return [...memberships, ...assignments].find(({ rejectedCode }) => rejectedCode)?.rejectedCode ?? null;
}

interface Departments {
  readonly ids: readonly TargetId[];
  readonly missing: Outcome | null;
}

/** Departments of all memberships, the first membership's first; none = the default department (decided 13, 16). */
function departmentsOf(
  { units }: PersonInput,
  memberships: readonly MembershipFact[],
  policy: Policy,
): Departments | Outcome {
  const ids = new Set<TargetId>();
  let missing: Outcome | null = null;
  for (const { unitId } of memberships) {
    const unit = unitId === null ? undefined : units.get(unitId);
    if (unitId === null || unit?.state === 'unmirrored') continue;
    if (unit && unit.state !== 'unknown' && unit.targetId !== null) ids.add(unit.targetId);
    else if (unit?.blockedBy) missing ??= waitFor('unit', unitId, unit.blockedBy);
    else return waitFor('unit', unitId);
  }
  return { ids: ids.size > 0 ? [...ids] : [defaultDepartmentOf(policy)], missing };
}

/** The integration's own default goes before the platform's (semantics.md §5). */
export function defaultDepartmentOf({ settings, catalogue }: Policy): TargetId {
  return settings.defaults.departmentId ?? catalogue.defaultDepartmentId;
}

/**
 * Permission types of the roles on the first membership. Where they are not synchronised, what we once assigned stays as
 * it is; the roles have to be known all the same, for the job profile.
 */
function rolesOf(
  { roles, link }: PersonInput,
  first: MembershipFact | undefined,
  policy: Policy,
): Departments | Outcome {
  const isSynchronised = behaviourOf(policy.settings).permissions === 'from_roles';
  const ids = new Set<TargetId>(isSynchronised ? [] : link?.applied.permissionTypeIds);
  let missing: Outcome | null = null;
  for (const { roleId } of (first?.assignments ?? []).toSorted(byOrdinal)) {
    if (roleId === null) continue;
    const role = roles.get(roleId);
    if (!role?.fact) return waitFor('role', roleId);
    if (role.fact.deleted || !isSynchronised) continue;
    if (role.link) ids.add(role.link.targetId);
    else if (isIgnored(role)) continue;
    else if (role.blockedBy) missing ??= waitFor('role', roleId, role.blockedBy);
    else return waitFor('role', roleId);
  }
  return { ids: [...ids], missing };
}

/** `keepForeignDepartments`: what the user has besides, and is no unit's of ours, stays at the end (decided 16). */
export function withForeignDepartments(
  desired: DesiredPerson,
  applied: AppliedPerson,
  input: PersonInput,
  policy: Policy,
): DesiredPerson {
  const defaults = [policy.catalogue.defaultDepartmentId, defaultDepartmentOf(policy)];
  const ours = new Set([...desired.departmentIds, ...input.ourDepartments.keys(), ...defaults]);
  const foreign = applied.departmentIds.filter((id) => !ours.has(id));
  return foreign.length === 0 ? desired : { ...desired, departmentIds: [...desired.departmentIds, ...foreign] };
}
