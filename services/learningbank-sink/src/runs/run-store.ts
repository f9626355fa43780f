import type { ErrorCode, Operation, RunItemState, RunKind, RunScope, RunState } from '@orgstream/core';
import type { ObjectKey } from '../model.ts';

/** A row of `sink.run` that belongs to an integration; replays of the topic (integration null) are not the conductor's. */
export interface RunRow {
  readonly id: string;
  readonly integrationId: string;
  readonly kind: RunKind;
  readonly scope: RunScope;
  readonly state: RunState;
  readonly isFirst: boolean;
  readonly dryRun: boolean;
  /** Waits in `planned` until an operator approves it. */
  readonly needsApproval: boolean;
  readonly paused: boolean;
  readonly snapshotId: string | null;
  readonly settingsVersion: number | null;
  readonly plannerVersion: number | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly requestedBy: string | null;
  readonly decidedBy: string | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
}

/** A row of `sink.run_item`. */
export interface RunItem extends ObjectKey {
  readonly no: number;
  readonly operations: readonly Operation[];
  readonly hash: string | null;
  readonly state: RunItemState;
  readonly code: ErrorCode | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}
