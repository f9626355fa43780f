import type { Department, PermissionType, User } from '@orgstream/clients';
import type { AppliedPerson, AppliedUnit, ObjectKind, TargetId } from '../model.ts';
import { personFrom, roleFrom, unitFrom } from '../reconcile/executor.ts';
import { type Applied, operationsBetween, sameDepartments } from './terms.ts';

/** What the target has under an id; null = it knows no such object. */
export type Found = Department | PermissionType | User | null;

/** What of a link is compared. */
export interface Compared {
  readonly kind: ObjectKind;
  readonly madeByUs: boolean;
  readonly applied: Applied;
}

/** What counts as ours when departments are compared. */
export interface DriftRules {
  readonly keepForeignDepartments: boolean;
  /** Departments follow the source; else what people make of them is kept (semantics.md §4). */
  readonly followUnits: boolean;
  /** The department of one of our units, or the default one. */
  readonly isOurs: (departmentId: TargetId) => boolean;
}

/**
 * What the target has instead of what we applied; `null` inside = it is gone. Undefined = no drift. Job profiles and
 * permission types that are not ours never count; of people who are inactive only that they are so does, and of adopted
 * permission types only that they are there: nothing else of them is ever written. Pure.
 */
export function driftOf(
  link: Compared,
  found: Found,
  rules: DriftRules,
): { readonly observed: Applied | null } | undefined {
  const { kind, applied } = link;
  if (!found) {
    // A user that has left and was then deleted by hand is not made again.
    return kind === 'person' && !(applied as AppliedPerson).active ? undefined : { observed: null };
  }
  switch (kind) {
    case 'unit': {
      const observed = unitFrom(found as Department);
      const differs = operationsBetween(kind, observed, applied as AppliedUnit).length > 0;
      return rules.followUnits && differs ? { observed } : undefined;
    }
    case 'role': {
      const observed = roleFrom(found as PermissionType);
      return link.madeByUs && operationsBetween(kind, observed, applied).length > 0 ? { observed } : undefined;
    }
    case 'person': {
      // Left alone by the filters: managed by hand.
      if ((applied as AppliedPerson).untouched) return undefined;
      const observed = observedPerson(found as User, applied as AppliedPerson);
      return isPersonDifferent(observed, applied as AppliedPerson, rules) ? { observed } : undefined;
    }
  }
}

function observedPerson(user: User, applied: AppliedPerson): AppliedPerson {
  return { ...personFrom(user, applied), jobProfileId: applied.jobProfileId };
}

function isPersonDifferent(observed: AppliedPerson, applied: AppliedPerson, rules: DriftRules): boolean {
  if (observed.active !== applied.active) return true;
  if (!applied.active) return false;
  const counted = (ids: readonly TargetId[]): readonly TargetId[] =>
    rules.keepForeignDepartments ? ids.filter((id) => rules.isOurs(id)) : ids;
  return (
    operationsBetween('person', { ...observed, departmentIds: applied.departmentIds }, applied).length > 0 ||
    !sameDepartments(counted(observed.departmentIds), counted(applied.departmentIds))
  );
}
