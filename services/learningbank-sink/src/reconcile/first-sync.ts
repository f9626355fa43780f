import type { Knex } from '@orgstream/database';
import { isUnderWay } from '../runs/follow-store.ts';

/** The newest proved snapshot of a tenant. */
export async function findProvedSnapshot(db: Knex, tenant: string): Promise<string | undefined> {
  const { rows } = await db.raw<{ rows: { snapshot_id: string }[] }>(
    `select snapshot_id from sink.snapshot where tenant = :tenant and state = 'proved'
      order by epoch desc, lsn desc, seq desc limit 1`,
    { tenant },
  );
  return rows[0]?.snapshot_id;
}

/** The snapshot that a first sync goes by: of a rebuild one that began after the rebuild did. */
export async function findFirstSnapshot(
  db: Knex,
  { id, tenant }: { readonly id: string; readonly tenant: string },
): Promise<string | undefined> {
  const { rows } = await db.raw<{ rows: { snapshot_id: string }[] }>(
    `select snapshot_id from sink.snapshot s
      where tenant = :tenant and state = 'proved'
        and not exists (select from sink.run r where r.integration_id = :id and r.kind = 'rebuild'
                           and r.state = 'waiting_for_snapshot' and r.created_at > s.started_at)
      order by epoch desc, lsn desc, seq desc limit 1`,
    { id, tenant },
  );
  return rows[0]?.snapshot_id;
}

/**
 * True when nothing of the first sync's run can go on by itself. What is parked, held, conflicts, or waits for something
 * parked or never seen is visible, but does not hold the first sync open. A paused one is not done.
 */
export async function isFirstSyncDone(db: Knex, integrationId: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { id: string; paused: boolean }[] }>(
    `select id, paused from sink.run
      where integration_id = ? and state = 'applying' and (is_first or kind = 'rebuild')`,
    [integrationId],
  );
  for (const { id, paused } of rows) if (paused || (await isUnderWay(db, id))) return false;
  return true;
}
