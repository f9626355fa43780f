import type { Knex } from '@orgstream/database';
import { markWork, notifyWork } from './work-store.ts';
import { query } from './query.ts';

/** People expired in one go at most; the next tick goes on. */
const BATCH = 1_000;

/**
 * Marks people whose `expires_at` has passed, once each, as leavers: no event tells of it (semantics.md §1, decided 10).
 * Returns how many. Without `now` by the clock of Postgres, which all replicas share.
 */
export async function markExpired(db: Knex, now?: Date): Promise<number> {
  return db.transaction(async (tx) => {
    const rows = await query<{ tenant: string; id: string; epoch: string; lsn: string; expires_at: Date }>(
      tx,
      `update sink.person set expiry_marked = true
        where (tenant, id) in (select tenant, id from sink.person
                                where expires_at <= coalesce(?::timestamptz, now()) and expires_at is not null and not expiry_marked
                                order by tenant, id limit ${BATCH} for update skip locked)
       returning tenant, id, epoch, lsn, expires_at`,
      [now ?? null],
    );
    const integrations = await markWork(
      tx,
      rows.map(({ tenant, id, epoch, lsn, expires_at }) => ({
        tenant,
        kind: 'person',
        id,
        lane: 'leaver',
        cause: { epoch: Number(epoch), lsn: Number(lsn), committedAtMs: expires_at.getTime() },
        ripe: true,
      })),
    );
    await notifyWork(tx, integrations);
    return rows.length;
  });
}
