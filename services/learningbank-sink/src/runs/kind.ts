import type { ErrorCode, Operation, RunKind } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import type { ObjectKey, Policy } from '../model.ts';
import type { PlatformSession } from '../platform/platform-session.ts';
import type { Integration } from '../reconcile/integration-store.ts';
import type { RunItem, RunRow } from './run-store.ts';

/** One object of a plan. What is in step already is no item. */
export interface NewItem extends ObjectKey {
  readonly operations: readonly Operation[];
  /** For operators: as it is and as it is to become. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Fingerprint of the desired state (Assessment.hash); what an approval is bound to. */
  readonly hash: string | null;
  /** Why it cannot go on by itself, or (`refused`) why this run leaves it alone. */
  readonly code: ErrorCode | null;
  /** What the kind needs again at apply (before-image, observed state): stored as the item's `detail`. */
  readonly detail?: Readonly<Record<string, unknown>>;
  /** The item is shown with its code and never applied. */
  readonly refused?: true;
}

/** What planning and applying a run may use. */
export interface RunContext {
  readonly db: Knex;
  readonly log: Logger;
  readonly platform: string;
  readonly integration: Integration;
  readonly run: RunRow;
  /** Under the settings of the run: those that are to come into force, in a run of kind `settings`. */
  readonly policy: Policy;
  /** Of a run of kind `settings`: the policy in force now. */
  readonly inForce: Policy | null;
  /** For reads of the target. */
  readonly session: PlatformSession;
  readonly now: () => Date;
  /** Planning ends at once: we own the platform no more, the run was cancelled, or we stop. What it throws then is ignored. */
  readonly signal: AbortSignal;
}

/**
 * How a kind of run plans itself. Everything else (states, decisions, marks, progress) is the conductor's. A plan that is
 * broken off is made again from its beginning: its items are deleted first.
 */
export interface RunPlanner {
  /** Items in batches of some hundred, each object once. Throws an AppError to fail the run with its code. */
  plan(context: RunContext): AsyncIterable<readonly NewItem[]>;
  /**
   * Called within the transaction that puts these items to work, right after their work rows were marked (`sink.work`,
   * lane bulk or leaver, run_id set): once per batch of some hundred, at the beginning and for items approved later.
   */
  apply?(tx: Knex, context: ApplyContext, items: readonly RunItem[]): Promise<void>;
}

/** Of {@link RunContext} what there is while items are put to work: no calls within a transaction. */
type ApplyContext = Pick<RunContext, 'platform' | 'integration' | 'run'>;

/** Every kind that the conductor plans; a kind that is missing is answered ACTION_NOT_POSSIBLE. */
export type RunPlanners = Readonly<Partial<Record<RunKind, RunPlanner>>>;
