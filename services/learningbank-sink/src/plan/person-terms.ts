import type { AppliedPerson, Policy, TargetId } from '../model.ts';
import type { DesiredPerson } from './desired-person.ts';
import type { PersonInput } from './input.ts';
import type { Judged } from './judged.ts';
import { behaviourOf } from './presets.ts';
import { compareIds } from './text.ts';

/**
 * The desired state in source terms, for the fingerprint: nothing of the target is in it, nor of what is applied. The
 * order of the departments besides the primary one means nothing.
 */
export function desiredTerms(input: PersonInput, desired: DesiredPerson, policy: Policy): object {
  const { firstName, lastName, email, departmentIds, permissionTypeIds, roles } = desired;
  const [primary, ...others] = departmentIds.map(departmentTerm(input, policy));
  const { updateJobProfile, keepForeignDepartments } = policy.settings;
  return {
    firstName,
    lastName,
    email,
    departments: [primary, ...others.toSorted()],
    // Where they are managed by hand, nothing is desired of them.
    ...(behaviourOf(policy.settings).permissions === 'from_roles'
      ? { permissionTypes: permissionTypeIds.map(permissionTypeTerm(input)).toSorted(compareIds) }
      : {}),
    ...daysOf(desired),
    roles: roles.map(({ id }) => id),
    ...(roles.length > 0 && !updateJobProfile ? { updateJobProfile } : {}),
    ...(keepForeignDepartments ? { keepForeignDepartments } : {}),
  };
}

type Terms = Readonly<Record<string, unknown>>;

function daysOf({ firstDay, lastDay }: Pick<AppliedPerson, 'firstDay' | 'lastDay'>): Terms {
  return { ...(firstDay === undefined ? {} : { firstDay }), ...(lastDay === undefined ? {} : { lastDay }) };
}

/** Before and after, in source terms: the name, and what differs. */
export function shownTerms(
  input: PersonInput,
  policy: Policy,
  { before, after }: { readonly before: AppliedPerson | null; readonly after: AppliedPerson | null },
): Pick<Judged, 'before' | 'after'> {
  const [old, next] = [before, after].map((applied) => applied && termsOf(input, policy, applied));
  if (!old || !next) return { before: old ?? null, after: next ?? null };
  const differing = Object.keys(next).filter((key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]));
  const keys = new Set(['firstName', 'lastName', ...differing]);
  const only = (terms: Terms): Terms => Object.fromEntries(Object.entries(terms).filter(([key]) => keys.has(key)));
  return { before: only(old), after: only(next) };
}

function termsOf(input: PersonInput, policy: Policy, applied: AppliedPerson): Terms {
  const { firstName, lastName, email, active, jobProfileId } = applied;
  return {
    firstName,
    lastName,
    email,
    active,
    departments: applied.departmentIds.map(departmentTerm(input, policy)),
    permissionTypes: applied.permissionTypeIds.map(permissionTypeTerm(input)),
    jobProfileId,
    ...daysOf(applied),
  };
}

/** The person's own units first: the top unit's department is often the default one too. */
function departmentTerm(input: PersonInput, policy: Policy): (id: TargetId) => string {
  const own = new Map<TargetId, string>();
  for (const { unitId } of input.memberships) {
    const unit = unitId === null ? undefined : input.units.get(unitId);
    if (unitId !== null && unit?.state === 'live' && unit.targetId !== null) own.set(unit.targetId, unitId);
  }
  return (id) => {
    const mine = own.get(id);
    if (mine !== undefined) return `unit/${mine}`;
    // The integration's own is part of what is desired; the platform's is whatever it is.
    if (id === policy.settings.defaults.departmentId) return `default #${id}`;
    if (id === policy.catalogue.defaultDepartmentId) return 'default';
    const other = input.ourDepartments.get(id);
    return other === undefined ? `#${id}` : `unit/${other}`;
  };
}

function permissionTypeTerm({ roles }: PersonInput): (id: TargetId) => string {
  return (id) => roles.at(id)?.id ?? `#${id}`;
}
