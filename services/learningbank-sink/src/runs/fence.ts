import { AppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Lease } from '../platform/lease.ts';

/** Runs `work` in a transaction of the platform's owner. */
export type Fenced = <T>(work: (tx: Knex) => Promise<T>) => Promise<T>;

/** Transactions that end with LEASE_LOST when another replica owns the platform: a stale conductor writes nothing. */
export function createFence(db: Knex, lease: Lease): Fenced {
  return async (work) => {
    lease.assertHeld();
    return db.transaction(async (tx) => {
      const { rows } = await tx.raw<{ rows: unknown[] }>(
        `select from sink.platform where id = :platform and lease_token = :token for share`,
        { platform: lease.platform, token: lease.token },
      );
      if (rows.length === 0) throw new AppError('LEASE_LOST', 'writing a run: another replica owns the platform');
      return work(tx);
    });
  };
}
