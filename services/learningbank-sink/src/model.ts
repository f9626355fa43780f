import type { ErrorCode, IntegrationSettings, Operation } from '@orgstream/core';

/** Objects that exist at the target; a person's memberships and assignments are part of the person. */
export type ObjectKind = 'unit' | 'role' | 'person';

export interface ObjectKey {
  readonly kind: ObjectKind;
  /** Source id. */
  readonly id: string;
}

/** Lanes of work, most urgent first (`sink.work.lane`). */
export const lanes = { leaver: 0, live: 1, bulk: 2, gap: 3 } as const;
export type Lane = keyof typeof lanes;

/** Id at the target. */
export type TargetId = number;

// ── what is applied: the `applied` column of a link row ─────────────────────────────────────────────────────────────

export interface AppliedUnit {
  readonly name: string;
  /** Department id of the parent; null on the top department. */
  readonly parentId: TargetId | null;
}

export interface AppliedRole {
  readonly name: string;
}

export interface AppliedPerson {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly active: boolean;
  /** In the order of the memberships; the first is the primary one. */
  readonly departmentIds: readonly TargetId[];
  /** Only permission types that we assigned; whatever else the user has is foreign and stays. */
  readonly permissionTypeIds: readonly TargetId[];
  /** Job profile as we last wrote it; null = never written by us. */
  readonly jobProfileId: TargetId | null;
  /**
   * Role ids of the first membership, in its order, when the job profile was last decided. The profile is decided again
   * only when this list changes: a profile created later or a renamed role never rewrites it (semantics.md §1, decided 3).
   */
  readonly jobProfileRoles: readonly string[];
  /** Of those, the role whose name matched a job profile then. Absent = none. */
  readonly jobProfileRole?: string | null;
  /** `YYYY-MM-DD` as we last wrote it; absent = never written by us. */
  readonly firstDay?: string | null;
  readonly lastDay?: string | null;
  /**
   * Left as it is since the person fell out of the filters, or is none that the source hands over any more. Remembered,
   * because a deletion carries ids only and could not say so.
   */
  readonly untouched?: Untouched;
  /** Has the built-in Owner permission type, as of the last look: protected without being listed (decided 15). */
  readonly owner?: true;
}

export type Untouched = 'filtered' | 'not_eligible';

interface LinkOf<A> {
  readonly targetId: TargetId;
  readonly madeByUs: boolean;
  readonly applied: A;
}
export type UnitLink = LinkOf<AppliedUnit> & { readonly isTop: boolean };
export type RoleLink = LinkOf<AppliedRole>;
export type PersonLink = LinkOf<AppliedPerson>;

// ── what to do ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NewUser {
  readonly externalId: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  /** Written at creation only. */
  readonly language: string | null;
  readonly isActive: boolean;
  readonly departmentIds: readonly TargetId[];
  readonly permissionTypeIds: readonly TargetId[];
  /** Absent: the platform's default applies. */
  readonly jobProfileId: TargetId | null;
  /** `YYYY-MM-DD`; absent = not delivered. */
  readonly firstDay?: string | null;
  readonly lastDay?: string | null;
}

export type UserFields = Pick<NewUser, 'firstName' | 'lastName' | 'email'> & {
  readonly jobProfileId: TargetId;
  readonly firstDay: string | null;
  readonly lastDay: string | null;
};

/**
 * One call to the target, or (`link`, `unlink`) none. `after` = the whole applied state once the call succeeded: it
 * becomes the link row. Actions of one outcome are carried out in order; a failure leaves the rest for the next plan.
 * A removal is a delete followed by `unlink`; a delete that finds nothing is done.
 */
export type Action =
  | {
      readonly op: 'department.create';
      readonly name: string;
      readonly parentId: TargetId;
      readonly externalId: string;
      readonly after: AppliedUnit;
    }
  | {
      readonly op: 'department.update';
      readonly targetId: TargetId;
      readonly set: Partial<{ readonly name: string; readonly parentId: TargetId }>;
      readonly after: AppliedUnit;
    }
  | { readonly op: 'department.delete'; readonly targetId: TargetId }
  | {
      readonly op: 'permission_type.create';
      readonly name: string;
      readonly externalId: string;
      readonly after: AppliedRole;
    }
  | {
      readonly op: 'permission_type.update';
      readonly targetId: TargetId;
      readonly set: { readonly name: string };
      readonly after: AppliedRole;
    }
  | { readonly op: 'permission_type.delete'; readonly targetId: TargetId }
  | { readonly op: 'user.create'; readonly user: NewUser; readonly after: AppliedPerson }
  | {
      readonly op: 'user.update';
      readonly targetId: TargetId;
      readonly set: Partial<UserFields>;
      readonly after: AppliedPerson;
    }
  | {
      readonly op: 'user.departments';
      readonly targetId: TargetId;
      readonly departmentIds: readonly TargetId[];
      readonly after: AppliedPerson;
    }
  | {
      readonly op: 'user.permissions';
      readonly targetId: TargetId;
      readonly add: readonly TargetId[];
      readonly remove: readonly TargetId[];
      readonly after: AppliedPerson;
    }
  | { readonly op: 'user.deactivate'; readonly targetId: TargetId; readonly after: AppliedPerson }
  | { readonly op: 'user.reactivate'; readonly targetId: TargetId; readonly after: AppliedPerson }
  /** For good, the learning history with it: only for an explicit deletion (semantics.md §4). */
  | { readonly op: 'user.delete'; readonly targetId: TargetId }
  /** Made for a person who needs it; no link follows, the catalogue knows it afterwards. */
  | { readonly op: 'job_profile.create'; readonly name: string }
  /**
   * Links an existing target object, without a call; what differs is planned next, against `after` (what it has now). On
   * an object that is linked already: only what is on record about it changes.
   */
  | {
      readonly op: 'link';
      readonly targetId: TargetId;
      readonly madeByUs: boolean;
      readonly isTop: boolean;
      readonly after: AppliedUnit | AppliedRole | AppliedPerson;
    }
  /** Forgets a link, without a call: its object was deleted, or was adopted and is let go of. */
  | { readonly op: 'unlink'; readonly targetId: TargetId };

/** How an object is found at the target: by our marker, and by what would have to be unique. */
export interface FindBy {
  readonly marker: string;
  /** A unit's name without a parent: a department of that name anywhere. */
  readonly natural:
    { readonly parentId: TargetId; readonly name: string } | { readonly name: string } | { readonly email: string };
}

/** Something an operator may want to know; changes nothing. */
export interface Hint {
  /** A job profile's name differs from a role's in case, blanks or accents only (semantics.md §1, decided 4). */
  readonly code: 'JOB_PROFILE_NEAR_MISS';
  readonly roleId: string;
  readonly jobProfileId: TargetId;
}

/**
 * What bringing one object into step means as a whole, whatever stands in the way now: not the next call (that is the
 * plan), but desired against applied. Brake, runs and holds go by it. Pure, and in the terms of the source: the same
 * before and after its units exist at the target.
 */
export interface Assessment {
  /** What is done by itself, now or once what it waits for is there. Empty = in step, left alone, or `code` says why. */
  readonly operations: readonly Operation[];
  /** What stands still besides, behind something parked or a match case; not pending. */
  readonly blocked: readonly Operation[];
  /** Fingerprint of the desired state; changes when what is desired changes, and only then. */
  readonly hash: string;
  /** Applied and desired, of the fields that differ or that name the object; units and roles by source id. For operators. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Why nothing goes on by itself (`operations` is empty then): parked, a match case, or behind one. */
  readonly code: ErrorCode | null;
  readonly hints: readonly Hint[];
}

/** What becomes of one object now. */
export type Outcome =
  | { readonly kind: 'settled' }
  /** Carry out, then plan again (or settle, when `last`): planning after applying gives nothing. */
  | { readonly kind: 'actions'; readonly actions: readonly [Action, ...Action[]]; readonly hints?: readonly Hint[] }
  /**
   * The planner must know what the target has at this marker and natural key before it may create (find before create),
   * or (`occupants`) who is in a department, beside what this integration has linked, before it may be deleted.
   */
  | { readonly kind: 'look_up'; readonly what?: never; readonly find: FindBy }
  | { readonly kind: 'look_up'; readonly what: 'occupants' }
  /**
   * Another object of ours has to be settled first; settling it makes this one ready. With a code: that object is parked,
   * and this one was brought as far as it goes without it.
   */
  | { readonly kind: 'wait'; readonly on: ObjectKey; readonly code?: ErrorCode }
  /** Another object of ours is to be changed first, out of turn (it holds a name and cannot go yet): interim rename. */
  | { readonly kind: 'first'; readonly object: ObjectKey; readonly action: Action }
  | { readonly kind: 'park'; readonly code: ErrorCode; readonly detail?: Readonly<Record<string, unknown>> }
  /** A match case for an operator. */
  | { readonly kind: 'conflict'; readonly code: ErrorCode; readonly detail?: Readonly<Record<string, unknown>> }
  /** The whole tenant stops. */
  | { readonly kind: 'halt'; readonly code: ErrorCode };

/** An object found at the target by natural key or marker, before a create. */
export interface Candidate {
  readonly targetId: TargetId;
  readonly externalId: string | null;
  /** By whom it is linked already: by another object of this integration, by another integration of the platform, or by nobody. */
  readonly linkedBy: { readonly scope: 'ours' | 'elsewhere'; readonly id: string } | null;
  /** As the target has it, foreign permission types and job profile included: the planner says what counts as ours. */
  readonly applied: AppliedUnit | AppliedRole | AppliedPerson;
  /** Built-in permission type: it carries rights. */
  readonly isSystem?: boolean;
}

/** What the target offers and has by default, known by the platform's owner. */
export interface Catalogue {
  readonly topDepartmentId: TargetId;
  readonly defaultDepartmentId: TargetId;
  /** Job profiles by exact (trimmed) name. */
  readonly jobProfiles: ReadonlyMap<string, TargetId>;
  /** The built-in permission type that makes an Owner. */
  readonly ownerTypeIds?: readonly TargetId[];
}

export interface Policy {
  readonly tenant: string;
  readonly settings: IntegrationSettings;
  readonly catalogue: Catalogue;
  readonly nowMs: number;
}

/** Our marker in the external id of what we create: survives crashes and restores. */
export function marker(tenant: string, kind: ObjectKind, id: string): string {
  return `${tenant}:${kind}:${id}`;
}
