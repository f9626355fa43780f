import { isAppError } from '@orgstream/core';
import type { Department, LearningbankClient, PermissionType, User } from '@orgstream/clients';
import type { PlatformSession } from '../platform/platform-session.ts';
import type { AppliedPerson, AppliedRole, AppliedUnit, ObjectKind } from '../model.ts';
import type { OpenAttempt } from './attempt-store.ts';
import { personFrom, roleFrom, unitFrom } from './executor.ts';
import type { LinkRow } from './keys.ts';

export type Applied = AppliedUnit | AppliedRole | AppliedPerson;

/** What the target has under an id; null = it knows no such object. */
export async function readTarget(
  session: PlatformSession,
  kind: ObjectKind,
  id: number,
): Promise<Department | PermissionType | User | null> {
  try {
    return await session.read((client, signal) => get(client, kind, id, signal));
  } catch (error) {
    if (isAppError(error, 'TARGET_NOT_FOUND')) return null;
    throw error;
  }
}

function get(
  client: LearningbankClient,
  kind: ObjectKind,
  id: number,
  signal: AbortSignal,
): Promise<Department | PermissionType | User> {
  if (kind === 'unit') return client.getDepartment(id, { signal });
  return kind === 'role' ? client.getPermissionType(id, { signal }) : client.getUser(id, { signal });
}

/**
 * The applied state of a linked object after a look at the target: what is there wins over what we believed. What we
 * last intended decides which permission types count as assigned by us.
 */
export function foldApplied(
  kind: ObjectKind,
  found: Department | PermissionType | User,
  link: LinkRow,
  attempts: readonly OpenAttempt[],
): Applied {
  if (kind === 'unit') return unitFrom(found as Department);
  if (kind === 'role') return roleFrom(found as PermissionType);
  const intended = attempts.flatMap(({ after }) => (after ? [after as AppliedPerson] : []));
  const known = [link.applied as AppliedPerson, ...intended];
  const last = known.at(-1)!;
  const ours = new Set(known.flatMap(({ permissionTypeIds }) => permissionTypeIds));
  const folded = personFrom(found as User, { ...last, permissionTypeIds: [...ours] });
  // The roles behind the profile are as intended only if the profile that was meant to follow from them is there.
  const profileDone = last.jobProfileId === null || (found as User).jobProfileId === last.jobProfileId;
  return profileDone ? folded : { ...folded, jobProfileRoles: known[0]!.jobProfileRoles };
}

/** True when the target shows what an attempt meant to write. Lists of ids are compared without their order. */
export function shows(folded: Applied, after: unknown): boolean {
  if (after === null || typeof after !== 'object') return false;
  const has = folded as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(after).every(([field, value]) => canonical(has[field]) === canonical(value));
}

function canonical(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted((a, b) => Number(a) - Number(b)) : value);
}
