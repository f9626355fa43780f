import type { Knex } from '@orgstream/database';
import { query } from '../ingest/query.ts';
import type { ObjectKey, ObjectKind } from '../model.ts';
import type { RunItem } from '../runs/run-store.ts';
import type { Applied } from './terms.ts';
import type { Past, PastCall } from './undo-change.ts';

/** Calls of one object that are looked at: what a change is made of, many times over. */
const callsOfObject = 100;

/** Objects that a run changed, in the order in which it did. */
export async function readObjectsOfRun(db: Knex, integrationId: string, run: string): Promise<readonly ObjectKey[]> {
  return query<ObjectKey>(
    db,
    `select kind, object_id as id from sink.attempt
      where run_id = ? and integration_id = ? and state <> 'failed'
      group by kind, object_id order by min(id)`,
    [run, integrationId],
  );
}

/** Units and roles that were deleted, by the id that each had at the target; the latest last. */
export async function readBuried(
  db: Knex,
  integrationId: string,
): Promise<readonly { readonly kind: ObjectKind; readonly id: string; readonly targetId: number }[]> {
  const rows = await query<{ kind: ObjectKind; id: string; target_id: string }>(
    db,
    `select a.kind, a.object_id as id, a.target_id from sink.attempt a
      where a.integration_id = ? and a.kind in ('unit', 'role') and a.state = 'done' and a.target_id is not null
        and a.op in ('department.delete', 'permission_type.delete')
      order by a.id`,
    [integrationId],
  );
  return rows.map(({ kind, id, target_id }) => ({ kind, id, targetId: Number(target_id) }));
}

interface PastRow {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly applied: Applied | null;
  readonly calls: readonly {
    readonly id: number;
    readonly op: string;
    readonly state: PastCall['state'];
    readonly target_id: number | null;
    readonly before: Applied | null;
    readonly after: Applied | null;
    readonly run_id: string | null;
    readonly cause_epoch: number;
    readonly cause_lsn: number;
  }[];
}

/** What happened to these objects, and what is true of them now; in the order asked for. */
export async function readPast(
  db: Knex,
  integrationId: string,
  objects: readonly ObjectKey[],
): Promise<readonly Past[]> {
  const rows = await query<PastRow>(
    db,
    `select o.kind, o.id, l.applied, coalesce(c.calls, '[]') as calls
       from unnest(?::text[], ?::text[]) with ordinality as o (kind, id, no)
      cross join (select cast(? as uuid) as id offset 0) i
       left join lateral (
         select k.applied from sink.link k where k.integration_id = i.id and k.kind = o.kind and k.id = o.id limit 1) l on true
       left join lateral (
         select jsonb_agg(to_jsonb(a) order by a.id desc) as calls
           from (select id, op, state, target_id, before, after, run_id, cause_epoch, cause_lsn from sink.attempt
                  where integration_id = i.id and kind = o.kind and object_id = o.id and state <> 'failed'
                  order by id desc limit ${callsOfObject}) a) c on true
      order by o.no`,
    [objects.map(({ kind }) => kind), objects.map(({ id }) => id), integrationId],
  );
  return rows.map(({ kind, id, applied, calls }) => ({ kind, id, applied, calls: calls.map(callOf) }));
}

function callOf(row: PastRow['calls'][number]): PastCall {
  const { target_id: targetId, run_id: runId, cause_epoch: causeEpoch, cause_lsn: causeLsn, ...rest } = row;
  return { ...rest, targetId, runId, causeEpoch, causeLsn };
}

/**
 * Lets the marked work of these items go back instead of forward. Who was changed between plan and approval does not: the
 * before-image would undo that too. Nor was it approved that such an object goes forward. Returns how many go back.
 */
export async function putUndo(
  tx: Knex,
  run: { readonly id: string; readonly integrationId: string },
  items: readonly RunItem[],
): Promise<number> {
  const asked = items.map(({ kind, id, no, detail }) => ({ kind, id, no, ...detail }));
  const rows = await query<{ back: string }>(
    tx,
    `with asked as materialized (
       select r.*, w.id as integration_id, l.applied is not distinct from nullif(r.now, 'null') as same
         from jsonb_to_recordset(cast(? as jsonb)) as r (kind text, id text, no int, rank int, now jsonb, undo jsonb)
        cross join (select cast(? as uuid) as id offset 0) w
         left join lateral (
           select applied from sink.link k where k.integration_id = w.id and k.kind = r.kind and k.id = r.id limit 1) l on true),
     back as (
       update sink.work w set undo = a.undo, next_at = now() - interval '1 day' + a.no * interval '1 ms' + a.rank * interval '1 min'
         from asked a
        where a.same and w.integration_id = a.integration_id and w.kind = a.kind and w.id = a.id
          and w.run_id is not distinct from cast(? as uuid)
        returning 1),
     refused as (
       update sink.run_item i set state = 'superseded', code = 'UNDO_CHANGED_SINCE'
         from asked a where not a.same and i.run_id = cast(? as uuid) and i.kind = a.kind and i.id = a.id
        returning a.integration_id, i.kind, i.id),
     let_go as (
       update sink.work w set run_id = null, approved_hash = null, approved_operations = null from refused r
        where w.integration_id = r.integration_id and w.kind = r.kind and w.id = r.id)
     select count(*) as back from back`,
    [JSON.stringify(asked), run.integrationId, run.id, run.id],
  );
  return Number(rows[0]!.back);
}
