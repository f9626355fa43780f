import type { AppliedPerson, Catalogue, Policy, TargetId } from '../model.ts';
import type { DesiredPerson } from './desired-person.ts';
import { sameEmail } from './text.ts';

/** An Owner of the platform; or listed, known by the address it has or is to have (decided 15). */
export function isProtected({ settings }: Policy, applied: AppliedPerson, wanted: string | null = null): boolean {
  if (applied.owner) return true;
  return settings.protectedEmails.some((listed) =>
    [applied.email, wanted].some((email) => email !== null && sameEmail(listed.trim(), email.trim())),
  );
}

/** To be remembered of a user at the target: only a look at it shows permission types that are not ours. */
export function ownerMark(permissionTypeIds: readonly TargetId[], { ownerTypeIds = [] }: Catalogue): { owner?: true } {
  return permissionTypeIds.some((id) => ownerTypeIds.includes(id)) ? { owner: true } : {};
}

/**
 * What may be written to a protected identity, and what is held back: it is never moved or stripped, and keeps the
 * address it is known by (semantics.md §1, decided 15). Names follow, permission types are given.
 */
export function protectedDesired(
  desired: DesiredPerson,
  applied: AppliedPerson,
): readonly [DesiredPerson, heldBack: readonly string[]] {
  const wanted = new Set(desired.permissionTypeIds);
  const stripped = applied.permissionTypeIds.filter((id) => !wanted.has(id));
  const moves =
    desired.departmentIds[0] !== applied.departmentIds[0] ||
    new Set([...desired.departmentIds, ...applied.departmentIds]).size !== applied.departmentIds.length;
  const heldBack = [
    ...(moves ? ['departments'] : []),
    ...(stripped.length > 0 ? ['permissions'] : []),
    ...(desired.email.toLowerCase() === applied.email.toLowerCase() ? [] : ['email']),
  ];
  if (heldBack.length === 0) return [desired, heldBack];
  return [
    {
      ...desired,
      email: heldBack.includes('email') ? applied.email : desired.email,
      departmentIds: moves ? applied.departmentIds : desired.departmentIds,
      permissionTypeIds: [...desired.permissionTypeIds, ...stripped],
    },
    heldBack,
  ];
}
