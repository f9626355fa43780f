import type { ErrorCode } from '@orgstream/core';
import type { Candidate, PersonLink, TargetId } from '../model.ts';
import type { RoleBook, Roles } from './role-book.ts';
import type { UnitTree } from './unit-tree.ts';

/** Where the outstanding work of an object stands (`sink.work`); null = none. Work in the gap lane counts as held. */
export type WorkState = 'ready' | 'waiting' | 'held' | 'parked' | 'conflict';

/** Flags every fact has. A rejected fact shows the last good values beside the code. */
interface FactFlags {
  readonly deleted: boolean;
  readonly rejectedCode: ErrorCode | null;
}

export interface UnitFact extends FactFlags {
  /** Null on the top unit. */
  readonly parentId: string | null;
  readonly name: string | null;
  /** Ziik's own departments are not units here (semantics.md §1, decided 6). */
  readonly isDepartment: boolean;
}

export interface RoleFact extends FactFlags {
  readonly name: string | null;
}

export interface PersonFact extends FactFlags {
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly email: string | null;
  readonly language: string | null;
  /** Null counts as active. */
  readonly active: boolean | null;
  readonly expiresAtMs: number | null;
  readonly anonymised: boolean;
}

/** A role held in a membership. Deleted ones are left out. */
export interface AssignmentFact {
  readonly id: string;
  readonly ordinal: number | null;
  readonly roleId: string | null;
  readonly rejectedCode: ErrorCode | null;
}

/** A person's place in a unit. Deleted ones are left out; order does not matter. */
export interface MembershipFact {
  readonly id: string;
  readonly ordinal: number | null;
  readonly unitId: string | null;
  readonly rejectedCode: ErrorCode | null;
  readonly assignments: readonly AssignmentFact[];
}

/** What a person's plan needs to know of a unit. */
export interface UnitRef {
  /** `unknown`: no fact yet; `gone`: deleted; `unmirrored`: a Ziik department. */
  readonly state: 'live' | 'gone' | 'unmirrored' | 'unknown';
  /** Its department; null = not linked. */
  readonly targetId: TargetId | null;
  /** It, or what it waits for, is parked or a match case with this code: its people do not wait for it. */
  readonly blockedBy: ErrorCode | null;
}

/** Another person of ours whose link holds the wanted e-mail. */
export interface EmailHolder {
  readonly id: string;
  /** As the target has it. */
  readonly active: boolean;
  readonly fact: PersonFact | null;
  /** The address it wants is held, directly or by others, by the very person that is planned. */
  readonly inCycle: boolean;
}

/** Another person of ours with the same e-mail, not linked either. */
export interface EmailTwin {
  readonly id: string;
  readonly fact: PersonFact;
  readonly work: WorkState | null;
}

interface Common {
  readonly id: string;
  /** The site was deleted at the source. */
  readonly tenantGone: boolean;
  /**
   * What the target has by marker and by natural key; undefined = not looked up. Filled in by the reconciler, from the
   * listing of the first sync or by a look-up, after an outcome `look_up`.
   */
  readonly candidates?: readonly Candidate[] | undefined;
}

/** What a department still holds that is not ours. */
interface Occupants {
  readonly users: number;
  readonly departments: number;
}

export interface UnitInput extends Common {
  readonly kind: 'unit';
  /** All units of the tenant with links and work: one object for a whole batch. */
  readonly units: UnitTree;
  /** Asked for by `look_up` with `what: 'occupants'`, before a department is deleted. */
  readonly occupants?: Occupants | undefined;
}

export interface RoleInput extends Common {
  readonly kind: 'role';
  readonly topUnitChanged: boolean;
  /** All roles of the integration with links and work: one object for a whole batch. */
  readonly roles: RoleBook;
}

export interface PersonInput extends Common {
  readonly kind: 'person';
  readonly topUnitChanged: boolean;
  /** Null: nothing is known but memberships. */
  readonly fact: PersonFact | null;
  readonly link: PersonLink | null;
  readonly memberships: readonly MembershipFact[];
  /** Every unit the memberships name. */
  readonly units: ReadonlyMap<string, UnitRef>;
  readonly roles: Roles;
  /** Not looked for while the person's own link has the wanted e-mail. */
  readonly emailHolder: EmailHolder | null;
  /** Only filled while there is no link. */
  readonly twins: readonly EmailTwin[];
  /** Of the applied departments, those that are linked to units of ours, and to which. */
  readonly ourDepartments: ReadonlyMap<TargetId, string>;
}

/** Everything the plan of one object depends on, besides the policy. */
export type PlanInput = UnitInput | RoleInput | PersonInput;
