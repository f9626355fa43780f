import type { Knex } from '@orgstream/database';
import type { Logger, SecretBox } from '@orgstream/runtime';
import type { SinkMetrics } from '../metrics.ts';
import type { Integrations } from './integrations.ts';
import type { Patience } from './object-context.ts';

/** Settings of the work on one platform. */
export interface WorkerSettings {
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Objects in work at once, of any lane; a quarter more for leavers and live changes. */
  readonly objectsInFlight: number;
  /** Calls a minute to begin with and at most; Infinity = as fast as the platform takes them. */
  readonly callsPerMinute: number;
  readonly callTimeoutMs: number;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly sweepMs: number;
  readonly catalogueMs: number;
  readonly patience: Patience;
}

export interface WorkerOptions {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly metrics: SinkMetrics;
  readonly integrations: Integrations;
  readonly settings: WorkerSettings;
  /** What the brakes hold has changed. */
  readonly onBraked: () => void;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly now: () => Date;
}
