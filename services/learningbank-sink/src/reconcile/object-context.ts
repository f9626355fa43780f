import type { Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import type { PlatformSession } from '../platform/platform-session.ts';
import type { Operation } from '@orgstream/core';
import type { Admission } from '../brake/brake.ts';
import type { Assessment, Candidate, Catalogue, ObjectKind, Outcome } from '../model.ts';
import type { Occupants } from '../plan/input.ts';
import type { AttemptStart, Refusal } from './attempt-store.ts';
import type { Gate } from './gate.ts';
import type { Integration } from './integration-store.ts';
import type { WorkKey } from './keys.ts';
import type { LinkRecord, Recorded } from './link-store.ts';
import type { TargetKey, TargetObject } from './target-store.ts';
import type { Turns } from './turns.ts';

/** What to plan. */
export interface PlanRequest {
  readonly integration: Integration;
  readonly key: WorkKey;
}

/** What the target was found to have, for an outcome `look_up`. */
type LookedUp = { readonly candidates: readonly Candidate[] } | { readonly occupants: Occupants };

/** A plan, with the state it was made from. */
export interface Planned {
  readonly outcome: Outcome;
  /** What is desired against what is applied, as a whole; made when it is asked for. */
  readonly assess: () => Assessment;
  /** How the object is found at the target; set with the outcome `look_up`. */
  readonly lookUp: TargetKey | null;
  /** The plan from the same state with what was looked up besides. */
  readonly knowing: (lookedUp: LookedUp) => Planned;
  /**
   * True when nothing would follow for a person once this state is applied: planning from the same state with it. What
   * changed since is in the work row's generation, so settling needs no further look. False for units and roles, whose
   * plans depend on each other.
   */
  readonly settledBy: (link: {
    readonly targetId: number;
    readonly madeByUs: boolean;
    readonly applied: unknown;
  }) => boolean;
}

/** How often and how patiently an object is tried. */
export interface Patience {
  /** Plans of one claim at most; more means that planning after applying does not come to rest. */
  readonly maxRounds: number;
  /** Failed tries after which an object is parked as UNEXPECTED. */
  readonly maxAttempts: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
}

/** The brake of the integration, with its settings. */
export interface ObjectBrake {
  readonly admit: (object: {
    readonly kind: ObjectKind;
    readonly id: string;
    readonly generation: number;
    readonly operations: readonly Operation[];
    /** Of a first run that outlives the first sync: shadow mode held it. */
    readonly isFirst: boolean;
  }) => Promise<Admission>;
  readonly isTripped: (kind: ObjectKind, operations: readonly Operation[]) => boolean;
  readonly nowMs: () => number;
}

/** What the platform offers, as last read. */
interface ObjectCatalogue {
  readonly now: () => Catalogue;
  /** Adds a profile that was just made. */
  readonly learnJobProfile: (name: string, id: number) => void;
  /** Reads it anew: somebody else made something. */
  readonly refresh: () => Promise<void>;
}

/** What bringing one object into step needs; all of it belongs to one owned platform. */
export interface ObjectContext {
  readonly db: Knex;
  readonly log: Logger;
  readonly platform: string;
  readonly integration: Integration;
  readonly session: PlatformSession;
  /** Places for calls; the more urgent lane first. */
  readonly gate: Gate;
  readonly patience: Patience;
  readonly brake: ObjectBrake;
  readonly catalogue: ObjectCatalogue;
  readonly plan: (request: PlanRequest) => Promise<Planned>;
  readonly openAttempt: (start: AttemptStart) => Promise<number | Refusal>;
  readonly record: (record: LinkRecord) => Promise<Recorded>;
  /** Looks into the listing of the first sync; null = there is none, the target is asked. */
  readonly listing: ((key: TargetKey) => Promise<readonly TargetObject[]>) | null;
  /** Runs `work` while nothing else touches that object; false when something does already. */
  readonly exclusively: (key: WorkKey, work: () => Promise<void>) => Promise<boolean>;
  /** Calls that want the same name in the same place go one after another: who was claimed first gets it. */
  readonly turns: Turns;
  /** An attempt was refused because the integration changed: it is read again before its work is claimed again. */
  readonly refused: () => Promise<void>;
  /** One action was carried out (or found to be done). */
  readonly acted: (op: string) => void;
}
