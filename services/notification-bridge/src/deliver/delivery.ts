import type { Knex } from '@orgstream/database';
import { type Logger, type SecretBox, sleep } from '@orgstream/runtime';
import type { BridgeMetrics } from '../metrics.ts';

/** How delivery goes about it; see the settings of the same name in `config.ts`. */
export interface DeliverySettings {
  readonly callTimeoutMs: number;
  readonly leaseMs: number;
  readonly receivers: number;
  readonly pollMs: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  readonly retentionDays: number;
}

export interface DeliveryOptions {
  readonly db: Knex;
  /** For the connection that listens (`listen` of packages/database; `ledgerChannel`, `orgstream_integration`, commands). */
  readonly databaseUrl: string;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly metrics: BridgeMetrics;
  readonly settings: DeliverySettings;
}

/** Ledger → Ziik: a worker per tenant, commands, retention. */
export interface Delivery {
  /** Runs until the signal aborts; resolves once nothing is in flight and the tenants are given back. */
  run(signal: AbortSignal): Promise<void>;
  readonly ready: boolean;
  /** Monotonic milliseconds since the loop last went round, for /livez. */
  readonly idleMs: number;
}

/** @todo The workers. */
export function createDelivery(options: DeliveryOptions): Delivery {
  let turnAt = performance.now();
  return {
    ready: true,
    get idleMs() {
      return performance.now() - turnAt;
    },
    async run(signal) {
      for (; !signal.aborted; turnAt = performance.now()) await sleep(options.settings.pollMs, signal);
    },
  };
}
