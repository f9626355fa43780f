import type { Action, AppliedPerson, Policy, TargetId, UserFields } from '../model.ts';
import type { DesiredPerson } from './desired-person.ts';
import type { PersonInput } from './input.ts';
import { changedMatch, type ProfileMatch } from './job-profile.ts';

/**
 * The fewest calls from `applied` to `desired`, in order: reactivate, scalar fields in one update, departments,
 * permission types. Empty when they agree.
 */
export function diffPerson(input: PersonInput, desired: DesiredPerson, policy: Policy): readonly Action[] {
  const { targetId, madeByUs, applied } = input.link!;
  const profile = policy.settings.updateJobProfile ? changedMatch(desired.roles, policy.catalogue, applied) : undefined;
  const actions: Action[] = [];
  let now = applied;
  if (!now.active) {
    now = { ...now, active: true };
    actions.push({ op: 'user.reactivate', targetId, after: now });
  }
  const set = changedFields(now, desired, profile);
  if (Object.keys(set).length > 0) {
    now = decided({ ...now, ...set }, desired, profile);
    actions.push({ op: 'user.update', targetId, set, after: now });
  }
  if (!sameDepartments(now.departmentIds, desired.departmentIds)) {
    const { departmentIds } = desired;
    now = { ...now, departmentIds };
    actions.push({ op: 'user.departments', targetId, departmentIds, after: now });
  }
  const { add, remove } = permissionDelta(now, desired, input);
  if (add.length + remove.length > 0) {
    now = { ...now, permissionTypeIds: desired.permissionTypeIds };
    actions.push({ op: 'user.permissions', targetId, add, remove, after: now });
  }
  return withRecord(actions, now, { desired, profile, link: { targetId, madeByUs } });
}

function changedFields(
  applied: AppliedPerson,
  desired: DesiredPerson,
  profile: ProfileMatch | undefined,
): Partial<UserFields> {
  const jobProfileId = profile?.jobProfileId;
  return {
    ...(applied.firstName === desired.firstName ? {} : { firstName: desired.firstName }),
    ...(applied.lastName === desired.lastName ? {} : { lastName: desired.lastName }),
    ...(applied.email === desired.email ? {} : { email: desired.email }),
    ...(jobProfileId === undefined || jobProfileId === applied.jobProfileId ? {} : { jobProfileId }),
    ...changedDay('firstDay', applied, desired),
    ...changedDay('lastDay', applied, desired),
  };
}

/** A day that is delivered and was not written yet; none where none was ever written is no change. */
function changedDay(
  field: 'firstDay' | 'lastDay',
  applied: AppliedPerson,
  desired: DesiredPerson,
): Partial<UserFields> {
  const wanted = desired[field];
  return wanted === undefined || wanted === (applied[field] ?? null) ? {} : { [field]: wanted };
}

/** The same departments with the same primary one; the order of the others means nothing to the target. */
function sameDepartments(a: readonly TargetId[], b: readonly TargetId[]): boolean {
  return a.length === b.length && a[0] === b[0] && sameSet(a, b);
}

function sameSet(a: readonly TargetId[], b: readonly TargetId[]): boolean {
  const set = new Set(a);
  return set.size === new Set(b).size && b.every((id) => set.has(id));
}

/** Taken away is only what we assigned, and only while it is still a permission type of a role of ours. */
function permissionDelta(
  applied: AppliedPerson,
  desired: DesiredPerson,
  { roles }: PersonInput,
): { readonly add: readonly TargetId[]; readonly remove: readonly TargetId[] } {
  const has = new Set(applied.permissionTypeIds);
  const wanted = new Set(desired.permissionTypeIds);
  return {
    add: desired.permissionTypeIds.filter((id) => !has.has(id)),
    remove: applied.permissionTypeIds.filter((id) => !wanted.has(id) && roles.at(id)),
  };
}

/** On which roles the job profile was decided. */
function decided(applied: AppliedPerson, { roles }: DesiredPerson, profile: ProfileMatch | undefined): AppliedPerson {
  const jobProfileRoles = roles.map(({ id }) => id);
  const known = applied.jobProfileRole ?? null;
  const kept = known !== null && jobProfileRoles.includes(known) ? known : null;
  return { ...applied, jobProfileRoles, jobProfileRole: profile?.roleId ?? kept };
}

/** What is only on record goes with the last call; without any call, by rewriting the link row. */
function withRecord(
  actions: readonly Action[],
  now: AppliedPerson,
  {
    desired,
    profile,
    link,
  }: {
    readonly desired: DesiredPerson;
    readonly profile: ProfileMatch | undefined;
    readonly link: { readonly targetId: TargetId; readonly madeByUs: boolean };
  },
): readonly Action[] {
  const roles = desired.roles.map(({ id }) => id);
  const sameRoles =
    roles.length === now.jobProfileRoles.length && roles.every((id, at) => id === now.jobProfileRoles[at]);
  const permissionTypeIds = desired.permissionTypeIds;
  if (sameRoles && sameSet(now.permissionTypeIds, permissionTypeIds)) return actions;
  const after = decided({ ...now, permissionTypeIds }, desired, profile);
  const last = actions.at(-1);
  if (!last || !('after' in last)) return [{ op: 'link', ...link, isTop: false, after }];
  return [...actions.slice(0, -1), { ...last, after } as Action];
}
