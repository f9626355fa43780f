import type { Kind } from '@orgstream/core';

/** A fact row that really changed: other content, deleted or back, rejected or healed. */
export interface Change {
  readonly kind: Kind;
  readonly tenant: string;
  readonly id: string;
  /** Transaction that changed it. */
  readonly epoch: number;
  readonly lsn: number;
  readonly committedAtMs: number;
  /** Read by a snapshot, or removed by its sweep. */
  readonly bulk: boolean;
  /**
   * Another content at the position the row had already, later in the log: a repaired normalizer's output. The source
   * did not change.
   */
  readonly correction: boolean;
  /** There was a good fact before, and it was not a deletion. */
  readonly existed: boolean;
  readonly exists: boolean;
  /** `aspectOf` before and after; `was` is null when there was no good fact. */
  readonly was: string | null;
  readonly now: string | null;
  /** Set when the change is a rejection. */
  readonly rejectedCode: string | null;
}
