import type { ErrorCode } from '@orgstream/core';
import type { TargetId } from '../model.ts';

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
  /** Deleted by a mark of the source itself, not by absence: only that deletes a user for good (semantics.md §4). */
  readonly explicitlyDeleted?: boolean;
  /** False: the source does not hand this person over (Tamigo: Planner, Administrator); nothing is done any more. */
  readonly eligible?: boolean;
  /** Name of the job profile, where the source delivers one beside the roles (employee type, title). */
  readonly jobProfile?: string | null;
  /** `YYYY-MM-DD`, null = none; absent: the source does not deliver it. */
  readonly firstDay?: string | null;
  readonly lastDay?: string | null;
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
  /** Ziik department (security group) within the unit; absent = none. */
  readonly departmentId?: string | null;
  readonly rejectedCode: ErrorCode | null;
  readonly assignments: readonly AssignmentFact[];
}

/** What a person's plan needs to know of a unit. */
export interface UnitRef {
  /** For filters; absent where nothing is known of the unit. */
  readonly name?: string | null;
  /** `unknown`: no fact yet; `gone`: deleted; `unmirrored`: a Ziik department, or left alone before it had one. */
  readonly state: 'live' | 'gone' | 'unmirrored' | 'unknown';
  /** Its department; null = not linked. */
  readonly targetId: TargetId | null;
  /** It, or what it waits for, is parked or a match case with this code: its people do not wait for it. */
  readonly blockedBy: ErrorCode | null;
  /** Its department is about to be made again, by an undo. */
  readonly returns?: boolean;
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

/** What an operator decided about one object (`sink.resolution`). */
export interface Resolution {
  /**
   * `adopt` links the target object although it is a match case; `create_new` gives a unit or role a name of its own, with
   * its id; `ignore` leaves the object alone.
   */
  readonly action: 'adopt' | 'create_new' | 'ignore';
  /** What is to be adopted. */
  readonly targetId: TargetId | null;
}

/**
 * Back to what was once applied instead of to what is desired (`sink.work.undo`). Which unit or role an id of then stood
 * for is kept beside it: made again, it has another id.
 */
export interface Undo<A> {
  /** Null = as if never linked. */
  readonly applied: A | null;
  /** Unit ids by department ids of then, role ids by permission type ids of then; what is missing was not ours. */
  readonly units?: Readonly<Record<string, string>>;
  readonly roles?: Readonly<Record<string, string>>;
}
