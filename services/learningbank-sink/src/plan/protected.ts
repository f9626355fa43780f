import type { AppliedPerson, Policy } from '../model.ts';
import type { DesiredPerson } from './desired-person.ts';
import { sameEmail } from './text.ts';

/** Known by the address it has or is to have (decided 15). */
export function isProtected({ settings }: Policy, ...emails: readonly (string | null)[]): boolean {
  return settings.protectedEmails.some((listed) =>
    emails.some((email) => email !== null && sameEmail(listed.trim(), email.trim())),
  );
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
