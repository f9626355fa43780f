import type { Action, AppliedPerson, ObjectKey, Outcome, PersonLink, Policy, TargetId, UserFields } from '../model.ts';
import { defaultDepartmentOf } from './desired-person.ts';
import type { Undo } from './facts.ts';
import type { PersonInput } from './input.ts';
import { act, park, settled, tenantGone, waitFor } from './outcomes.ts';
import { isProtected, protectedDesired } from './protected.ts';
import { sameEmail } from './text.ts';

/**
 * Back to a recorded state, with the fewest calls. Never deletes a user: who was made by us is deactivated, who was
 * adopted is let go of. A user that is gone cannot be brought back.
 */
export function undoPerson(input: PersonInput, undo: Undo<AppliedPerson>, policy: Policy): Outcome {
  if (input.tenantGone) return tenantGone;
  const { link } = input;
  if (!link) return undo.applied ? park('UNDO_IMPOSSIBLE') : settled;
  if (!undo.applied && !link.madeByUs) return act({ op: 'unlink', targetId: link.targetId });
  // Nothing but this is ever written to who is not active (semantics.md §1, decided 10).
  if (!undo.applied?.active) return inactive(link, policy);
  const back = asOfNow(input, undo.applied, { undo, policy });
  if ('kind' in back) return waitFor(back.kind, back.id);
  const { applied } = link;
  if (isProtected(policy, applied, back.email) && isHeldBack(applied, back)) return park('PROTECTED');
  const { emailHolder } = input;
  if (emailHolder && !sameEmail(applied.email, back.email)) return waitFor('person', emailHolder.id, 'EMAIL_TAKEN');
  const [first, ...rest] = actionsBack(link, back, input.roles);
  return first ? act(first, ...rest) : settled;
}

function inactive({ targetId, applied }: PersonLink, policy: Policy): Outcome {
  if (!applied.active) return settled;
  if (isProtected(policy, applied)) return park('PROTECTED', { would: ['deactivate'] });
  return act({ op: 'user.deactivate', targetId, after: { ...applied, active: false } });
}

function isHeldBack(applied: AppliedPerson, back: AppliedPerson): boolean {
  const desired = { ...back, roles: [], stillMissing: null };
  return protectedDesired(desired, applied)[1].length > 0;
}

/** The state of then with the ids of now: what was deleted and made again has another one; what is gone is left out. */
function asOfNow(
  input: PersonInput,
  then: AppliedPerson,
  { undo, policy }: { readonly undo: Undo<AppliedPerson>; readonly policy: Policy },
): AppliedPerson | ObjectKey {
  const departmentIds: TargetId[] = [];
  for (const id of then.departmentIds) {
    const unitId = undo.units?.[id];
    const unit = unitId === undefined ? undefined : input.units.get(unitId);
    if (unitId !== undefined && unit?.returns && unit.targetId === null) return { kind: 'unit', id: unitId };
    const now = unitId === undefined ? id : (unit?.targetId ?? null);
    if (now !== null && !departmentIds.includes(now)) departmentIds.push(now);
  }
  const permissionTypeIds: TargetId[] = [];
  for (const id of then.permissionTypeIds) {
    const role = input.roles.get(undo.roles?.[id] ?? '') ?? input.roles.at(id);
    if (role?.undo?.applied && !role.link) return { kind: 'role', id: role.id };
    if (role?.link) permissionTypeIds.push(role.link.targetId);
  }
  return {
    ...then,
    departmentIds: departmentIds.length > 0 ? departmentIds : [defaultDepartmentOf(policy)],
    permissionTypeIds,
    // Never written by us: what the platform has stays.
    jobProfileId: then.jobProfileId ?? input.link?.applied.jobProfileId ?? null,
  };
}

/** Reactivated first: nothing is written to who is not there. */
function actionsBack(
  { targetId, madeByUs, applied }: PersonLink,
  back: AppliedPerson,
  roles: PersonInput['roles'],
): readonly Action[] {
  const actions: Action[] = [];
  let now = applied;
  const then = (change: Partial<AppliedPerson>): AppliedPerson => (now = { ...now, ...change });
  if (!now.active) actions.push({ op: 'user.reactivate', targetId, after: then({ active: true }) });
  const set = fieldsBack(now, back);
  if (Object.keys(set).length > 0) actions.push({ op: 'user.update', targetId, set, after: then(set) });
  if (!sameList(now.departmentIds, back.departmentIds)) {
    const { departmentIds } = back;
    actions.push({ op: 'user.departments', targetId, departmentIds, after: then({ departmentIds }) });
  }
  const { permissionTypeIds } = back;
  const add = permissionTypeIds.filter((id) => !now.permissionTypeIds.includes(id));
  // One that is gone took its assignments with it.
  const remove = now.permissionTypeIds.filter((id) => !permissionTypeIds.includes(id) && roles.at(id));
  if (add.length + remove.length > 0) {
    actions.push({ op: 'user.permissions', targetId, add, remove, after: then({ permissionTypeIds }) });
  }
  if (JSON.stringify(onRecord(now)) === JSON.stringify(onRecord(back))) return actions;
  return [...actions, { op: 'link', targetId, madeByUs, isTop: false, after: back }];
}

function fieldsBack(now: AppliedPerson, back: AppliedPerson): Partial<UserFields> {
  const { firstName, lastName, email, jobProfileId, firstDay, lastDay } = back;
  return {
    ...(firstName === now.firstName ? {} : { firstName }),
    ...(lastName === now.lastName ? {} : { lastName }),
    ...(email === now.email ? {} : { email }),
    ...(jobProfileId === null || jobProfileId === now.jobProfileId ? {} : { jobProfileId }),
    ...(firstDay === undefined || firstDay === now.firstDay ? {} : { firstDay }),
    ...(lastDay === undefined || lastDay === now.lastDay ? {} : { lastDay }),
  };
}

function sameList(a: readonly TargetId[], b: readonly TargetId[]): boolean {
  return a.length === b.length && a[0] === b[0] && a.every((id) => b.includes(id));
}

/** What the target does not show. */
function onRecord({ jobProfileRoles, jobProfileRole, untouched, permissionTypeIds }: AppliedPerson): unknown {
  return [jobProfileRoles, jobProfileRole ?? null, untouched ?? null, permissionTypeIds.toSorted((a, b) => a - b)];
}
