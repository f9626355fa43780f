import { AppError } from '@orgstream/core';
import type { Knex, Lease } from '@orgstream/database';

/** Runs `work` in a transaction of the platform's owner. */
export type Fenced = <T>(work: (tx: Knex) => Promise<T>) => Promise<T>;

/** A process that stands still in the middle of a transaction keeps its locks no longer than this. */
const stillMs = 3_000;

/**
 * Transactions that end with LEASE_LOST when another replica owns the platform: a stale conductor writes nothing. The
 * platform's row is locked last, right before the commit: held throughout, it would keep the lease from being renewed.
 */
export function createFence(db: Knex, lease: Lease): Fenced {
  return async (work) => {
    lease.assertHeld();
    return db.transaction(async (tx) => {
      await tx.raw(`set local idle_in_transaction_session_timeout = ${stillMs}`);
      const result = await work(tx);
      const { rows } = await tx.raw<{ rows: unknown[] }>(
        `select from sink.platform where id = :platform and lease_token = :token for share`,
        { platform: lease.key, token: lease.token },
      );
      if (rows.length === 0) throw new AppError('LEASE_LOST', 'writing a run: another replica owns the platform');
      return result;
    });
  };
}
