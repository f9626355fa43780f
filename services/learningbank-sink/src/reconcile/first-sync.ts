import type { Knex } from '@orgstream/database';
import { lanes } from '../model.ts';
import { type Integration, moveState } from './integration-store.ts';

/** The newest proved snapshot of a tenant. */
export async function findProvedSnapshot(db: Knex, tenant: string): Promise<string | undefined> {
  const { rows } = await db.raw<{ rows: { snapshot_id: string }[] }>(
    `select snapshot_id from sink.snapshot where tenant = :tenant and state = 'proved'
      order by epoch desc, lsn desc, seq desc limit 1`,
    { tenant },
  );
  return rows[0]?.snapshot_id;
}

/**
 * Begins the first sync: every object of the replica becomes work in lane bulk, parents before children, in the one
 * transaction that moves the state. `next_at` lies in the past and holds that order; what ingest marked already stays in
 * its lane. False when somebody else moved the state.
 */
export async function beginFirstSync(db: Knex, integration: Integration): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (!(await moveState(tx, integration, { state: 'first_sync' }))) return false;
    const { rows } = await tx.raw<{ rows: { total: string }[] }>(
      `with recursive tree as (
         select id, 0 as depth from sink.unit where tenant = :tenant and parent_id is null and not deleted
         union all
         select u.id, t.depth + 1 from sink.unit u join tree t on u.parent_id = t.id
          where u.tenant = :tenant and not u.deleted and t.depth < 100),
       objects as (
         select 'unit' as kind, u.id, u.epoch, u.lsn, u.committed_at, coalesce((select min(depth) from tree where tree.id = u.id), 100) as rank
           from sink.unit u where u.tenant = :tenant and not u.deleted
         union all
         select 'role', id, epoch, lsn, committed_at, 200 from sink.role where tenant = :tenant and not deleted
         union all
         select 'person', id, epoch, lsn, committed_at, 300 from sink.person where tenant = :tenant and not deleted),
       marked as (
         insert into sink.work as w (integration_id, kind, id, lane, next_at, cause_epoch, cause_lsn, committed_at)
         select :id, kind, id, :bulk, now() - interval '1 day' + rank * interval '1 s', epoch, lsn, committed_at from objects
          order by kind, id
         on conflict (integration_id, kind, id) do update
            set lane = least(w.lane, excluded.lane), generation = excluded.generation, next_at = least(w.next_at, excluded.next_at),
                state = case when w.state = 'waiting' then 'ready' else w.state end
         returning 1)
       select count(*) as total from marked`,
      { tenant: integration.tenant, id: integration.id, bulk: lanes.bulk },
    );
    await tx.raw(
      `update sink.integration_state set first_sync_total = :total, first_sync_started_at = now() where integration_id = :id`,
      { total: Number(rows[0]!.total), id: integration.id },
    );
    return true;
  });
}

/**
 * True when nothing of the first sync can go on by itself: no bulk work is ready, and none waits for an object that is
 * not at rest. What is parked, conflicts, or waits for something parked or never seen is visible, but does not hold
 * the first sync open.
 */
export async function isFirstSyncDone(db: Knex, integrationId: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { outstanding: boolean }[] }>(
    `select exists (select from sink.work where integration_id = :id and lane = :bulk and state = 'ready')
         or exists (select from sink.work w join sink.work on_it
                        on on_it.integration_id = :id and on_it.kind = w.waits_kind and on_it.id = w.waits_id
                     where w.integration_id = :id and w.lane = :bulk and w.state = 'waiting' and on_it.state = 'ready')
         as outstanding`,
    { id: integrationId, bulk: lanes.bulk },
  );
  return !rows[0]!.outstanding;
}
