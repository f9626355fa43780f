import type { Knex } from '@orgstream/database';
import type { ErrorCode, Operation } from '@orgstream/core';
import type { ObjectKind } from '../model.ts';
import type { Claimed, Standing, WorkKey } from './keys.ts';

interface ClaimRow {
  readonly integration_id: string;
  readonly kind: ObjectKind;
  readonly id: string;
  readonly lane: number;
  readonly generation: string;
  readonly attempts: number;
  readonly cause_epoch: string;
  readonly cause_lsn: string;
  readonly committed_ms: string;
  readonly open: boolean;
  readonly run_id: string | null;
  readonly is_first: boolean;
  readonly own_lane: number | null;
  readonly hash: string | null;
  readonly hold_code: ErrorCode | null;
  readonly hold_hash: string | null;
  readonly approved_hash: string | null;
  readonly approved_operations: Operation[] | null;
  readonly undo: Standing['undo'];
}

/**
 * Ripe (ingest sets `next_at` past the moment it ripens), ready work of each integration and kind, most urgent first: at
 * most `perKind` rows of each. Rows are not locked: the platform's lease makes us the only reader, and what is in flight
 * is known in memory. Objects with an open attempt of an owner before `sinceToken` are left out; 0 = none are.
 */
export async function readRipe(
  db: Knex,
  claim: {
    readonly integrations: readonly string[];
    readonly lanes: readonly number[];
    readonly perKind: number;
    readonly sinceToken: number;
  },
): Promise<readonly Claimed[]> {
  const { rows } = await db.raw<{ rows: ClaimRow[] }>(
    `select w.integration_id, w.kind, w.id, w.lane, w.generation, w.attempts, w.cause_epoch, w.cause_lsn,
            extract(epoch from w.committed_at) * 1000 as committed_ms, w.open,
            w.run_id, coalesce((select f.is_first or f.kind = 'rebuild' from sink.run f where f.id = w.run_id), false) as is_first, w.own_lane, w.hash, w.hold_code, w.hold_hash, w.approved_hash, w.approved_operations, w.undo
       from unnest(cast(:integrations as uuid[])) as i (id)
      cross join unnest(cast(:lanes as smallint[])) as l (lane)
      cross join (values ('unit'), ('role'), ('person')) as k (kind)
      cross join lateral (
        select r.*, a.token is not null as open
          from sink.work r
          left join lateral (
            select min(lease_token) as token from sink.attempt a
             where a.integration_id = r.integration_id and a.kind = r.kind and a.object_id = r.id
               and a.state in ('sent', 'unknown')) a on true
         where r.integration_id = i.id and r.kind = k.kind and r.lane = l.lane and r.state = 'ready'
           and r.next_at <= now() and (a.token is null or a.token >= :sinceToken)
         order by r.next_at
         limit :perKind) w
      order by w.next_at, length(w.id), w.id`,
    { ...claim, integrations: [...claim.integrations], lanes: [...claim.lanes] },
  );
  return rows.map((row) => ({
    integrationId: row.integration_id,
    kind: row.kind,
    id: row.id,
    lane: row.lane,
    generation: Number(row.generation),
    attempts: row.attempts,
    causeEpoch: Number(row.cause_epoch),
    causeLsn: Number(row.cause_lsn),
    committedAtMs: Number(row.committed_ms),
    open: row.open,
    standing: {
      runId: row.run_id,
      isFirst: row.is_first,
      own: row.own_lane !== null,
      hash: row.hash,
      holdCode: row.hold_code,
      holdHash: row.hold_hash,
      approvedHash: row.approved_hash,
      approvedOperations: row.approved_operations,
      undo: row.undo,
    },
  }));
}

/**
 * Makes waiting, parked and conflicting rows whose time has come ready again; returns how many. They are met again where
 * they are: by their keys, all that stand still would be read for each of them while statistics know of none.
 */
export async function sweep(db: Knex, integrations: readonly string[], limit: number): Promise<number> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update sink.work w set state = 'ready', waits_kind = null, waits_id = null
       from (select ctid as row from sink.work
              where integration_id = any(cast(:integrations as uuid[])) and next_at <= now()
                and state in ('waiting', 'parked', 'conflict')
              order by next_at limit :limit) due
      where w.ctid = due.row and w.state in ('waiting', 'parked', 'conflict')
      returning 1`,
    { integrations: [...integrations], limit },
  );
  return rows.length;
}

/** Milliseconds until work of these integrations falls due, ready or to be swept; negative = it is; null = there is none. */
export async function readDueMs(
  db: Knex,
  { integrations, lanes }: { readonly integrations: readonly string[]; readonly lanes: readonly number[] },
): Promise<number | null> {
  const { rows } = await db.raw<{ rows: { due_ms: string | null }[] }>(
    `select extract(epoch from min(next_at) - now()) * 1000 as due_ms
       from (select min(next_at) as next_at from sink.work
              where integration_id = any(cast(:integrations as uuid[])) and state = 'ready'
                and lane = any(cast(:lanes as smallint[]))
             union all
             select min(next_at) from sink.work
              where integration_id = any(cast(:integrations as uuid[])) and state in ('waiting', 'parked', 'conflict')) w`,
    { integrations: [...integrations], lanes: [...lanes] },
  );
  const due = rows[0]!.due_ms;
  return due === null ? null : Number(due);
}

/** Makes what shadow mode held ready; returns how many. */
export async function releaseShadow(db: Knex, integrationId: string): Promise<number> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update sink.work set state = 'ready', code = null, detail = null, next_at = now()
      where integration_id = :integrationId and state = 'held' and code = 'SHADOW' returning 1`,
    { integrationId },
  );
  return rows.length;
}

/**
 * The source wants something else than what was to be undone: it goes forward, as work of its own. Another generation, so
 * that nothing decided for the way back is done to it.
 */
export async function dropUndo(db: Knex, key: WorkKey): Promise<void> {
  await db.raw(
    `update sink.work set undo = null, run_id = null, lane = coalesce(own_lane, lane), own_lane = null, approved_hash = null,
            approved_operations = null, state = 'ready', generation = nextval('sink.work_generation')
      where integration_id = :integrationId and kind = :kind and id = :id and undo is not null`,
    { integrationId: key.integrationId, kind: key.kind, id: key.id },
  );
}

/** What an operator held is no longer what is desired: that hold is over. */
export async function clearHold(db: Knex, key: WorkKey, hash: string): Promise<void> {
  await db.raw(
    `update sink.work set hold_code = null, hold_hash = null
      where integration_id = :integrationId and kind = :kind and id = :id and hold_hash <> :hash`,
    { integrationId: key.integrationId, kind: key.kind, id: key.id, hash },
  );
}

/**
 * Asks for one object to be looked at (again), for instance because its link was found to be gone: a live object needs it,
 * so it is lifted out of the gap. What is held stays held, and half a transaction does not become ripe by this.
 */
export async function markWork(
  db: Knex,
  mark: { readonly key: WorkKey; readonly lane: number; readonly cause: Claimed },
): Promise<void> {
  await db.raw(
    `insert into sink.work as w (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at)
     values (:integrationId, :kind, :id, :lane, :causeEpoch, :causeLsn, to_timestamp(:committedAtMs / 1000.0))
     on conflict (integration_id, kind, id) do update
        set generation = excluded.generation, lane = least(w.lane, excluded.lane), for_run = null,
            own_lane = case when w.run_id is not null then least(w.own_lane, excluded.lane) end,
            state = case when w.state = 'held' then w.state else 'ready' end,
            next_at = case when w.ripe then least(w.next_at, now()) else w.next_at end`,
    {
      ...mark.key,
      lane: mark.lane,
      causeEpoch: mark.cause.causeEpoch,
      causeLsn: mark.cause.causeLsn,
      committedAtMs: mark.cause.committedAtMs,
    },
  );
}
