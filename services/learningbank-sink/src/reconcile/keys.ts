import type { ErrorCode, Operation } from '@orgstream/core';
import type { Lane, ObjectKey, ObjectKind } from '../model.ts';
import { lanes } from '../model.ts';

/** One object of one integration. */
export interface WorkKey extends ObjectKey {
  readonly integrationId: string;
}

/** A string for maps and sets. */
export function keyOf(key: WorkKey): string {
  return `${key.integrationId}/${key.kind}/${key.id}`;
}

/** What operators and runs have decided about an object; see the columns of `sink.work`. */
export interface Standing {
  readonly runId: string | null;
  /** That run is the first one, or a rebuild. */
  readonly isFirst: boolean;
  /** Of a run, and changed by the source besides. */
  readonly own: boolean;
  /** Of what is desired, when it was last assessed. */
  readonly hash: string | null;
  readonly holdCode: ErrorCode | null;
  readonly holdHash: string | null;
  readonly approvedHash: string | null;
  readonly approvedOperations: readonly Operation[] | null;
  /** The applied state to go back to; `{applied: null}` = as if never linked. */
  readonly undo: { readonly applied: unknown } | null;
}

/** Nobody has decided anything. */
export const undecided: Standing = {
  runId: null,
  isFirst: false,
  own: false,
  hash: null,
  holdCode: null,
  holdHash: null,
  approvedHash: null,
  approvedOperations: null,
  undo: null,
};

/** A claimed row of `sink.work`: settled only where the generation is still this one. */
export interface Claimed extends WorkKey {
  readonly lane: number;
  readonly generation: number;
  readonly attempts: number;
  readonly causeEpoch: number;
  readonly causeLsn: number;
  /** When the source committed what caused this work, Unix ms. */
  readonly committedAtMs: number;
  /** A call of it may have happened without our knowing: look before anything else. */
  readonly open: boolean;
  readonly standing: Standing;
}

const laneNames = Object.keys(lanes) as readonly Lane[];

/** `sink.work.lane` → its name, for labels. */
export function laneName(lane: number): Lane {
  return laneNames[lane] ?? 'gap';
}

/** What a link row holds, of any kind. */
export interface LinkRow {
  readonly targetId: number;
  readonly kind: ObjectKind;
  readonly madeByUs: boolean;
  readonly isTop: boolean;
  readonly applied: unknown;
}
