import type { Knex } from '@orgstream/database';
import type { ErrorCode, Operation } from '@orgstream/core';
import { lanes, type ObjectKind } from '../model.ts';
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
            w.run_id, w.hold_code, w.hold_hash, w.approved_hash, w.approved_operations, w.undo
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
      holdCode: row.hold_code,
      holdHash: row.hold_hash,
      approvedHash: row.approved_hash,
      approvedOperations: row.approved_operations,
      undo: row.undo,
    },
  }));
}

/** What becomes of claimed work. Everything but `settle` keeps the row, visible with its code. */
export type Verdict =
  /** `freed`: a name or an e-mail was given up, which objects parked for want of it are to hear. */
  | { readonly to: 'settle'; readonly freed: boolean }
  | {
      readonly to: 'retry';
      readonly code: ErrorCode | null;
      readonly waitMs: number;
      readonly burn: boolean;
      readonly detail?: unknown;
    }
  | {
      readonly to: 'wait';
      readonly on: { readonly kind: ObjectKind; readonly id: string };
      readonly code: ErrorCode | null;
    }
  | { readonly to: 'parked' | 'conflict'; readonly code: ErrorCode; readonly detail?: unknown }
  | Held;

/** Held without a call; an operator, or another desired state, lets it go on. */
export interface Held {
  readonly to: 'held';
  readonly code: ErrorCode;
  readonly operations: readonly Operation[];
  /** Of the desired state that is held. */
  readonly hash: string;
  readonly detail?: unknown;
  /** It was undone: it stays held as long as this is what is desired. */
  readonly undone?: true;
}

export interface WorkEnd {
  readonly key: WorkKey;
  readonly generation: number;
  readonly verdict: Verdict;
}

/** Rows as `jsonb_to_recordset` reads them. */
function endRows(ends: readonly WorkEnd[]): string {
  return JSON.stringify(
    ends.map(({ key, generation, verdict }) => ({
      integration_id: key.integrationId,
      kind: key.kind,
      id: key.id,
      generation,
      verdict: verdict.to,
      freed: verdict.to === 'settle' && verdict.freed,
      code: 'code' in verdict ? verdict.code : null,
      detail: 'detail' in verdict ? (verdict.detail ?? null) : null,
      wait_ms: verdict.to === 'retry' ? verdict.waitMs : 0,
      burn: verdict.to === 'retry' && verdict.burn ? 1 : 0,
      waits_kind: verdict.to === 'wait' ? verdict.on.kind : null,
      waits_id: verdict.to === 'wait' ? verdict.on.id : null,
      operations: verdict.to === 'held' ? verdict.operations : null,
      hash: verdict.to === 'held' ? verdict.hash : null,
      undone: verdict.to === 'held' && verdict.undone === true,
    })),
  );
}

/**
 * Ends claims of one platform in one statement. Nothing happens to a row marked again since it was claimed: it stays
 * ready. What waits for an object that came to rest becomes ready. What waits for an object that is itself parked, a
 * match case or held is parked with the same code: it cannot go on by itself. So who still waits for an object that is
 * parked (again) is looked at again, whatever its code was before. A person planned before its unit or role was parked
 * is planned again: it can go on with its other departments (semantics.md §1, decided 7). Fenced by the lease token.
 *
 * Waiting and parked rows get a `next_at` at which the sweeper looks at them again: after half their age, within 30
 * seconds and one hour, so that nothing waits for ever and nothing old is looked at all the time. Who waits for an
 * object without work is looked at after a second while young: that object may have settled between plan and this
 * statement.
 *
 * What an operator decided about an object while it was in work stands: an approval of what is now held makes it ready, a
 * hold keeps its own code.
 */
async function endInOneStatement(
  db: Knex,
  batch: { readonly platform: string; readonly token: number; readonly ends: readonly WorkEnd[] },
): Promise<number> {
  const { rows } = await db.raw<{ rows: { ended: string }[] }>(
    `with lease as materialized (
       select from sink.platform where id = :platform and lease_token = :token for share),
     e as materialized (
       select * from jsonb_to_recordset(cast(:ends as jsonb)) as r (integration_id uuid, kind text, id text,
         generation bigint, verdict text, freed boolean, code text, detail jsonb, wait_ms int, burn int,
         waits_kind text, waits_id text, operations text[], hash text, undone boolean)
        where exists (select from lease)),
     was as materialized (
       select e.*, w.lane, w.code as old_code, y.code as blocker_code,
              e.verdict = 'held' and not e.undone and w.undo is null and coalesce(w.approved_hash = e.hash, false) as approved,
              case when e.verdict = 'held' and w.hold_hash = e.hash then w.hold_code end as hold_code,
              e.verdict = 'wait' and coalesce(y.state in ('parked', 'conflict', 'held'), false) as blocked,
              e.verdict = 'wait' and y.id is null as unmet,
              e.verdict = 'wait' and e.code is null and e.kind = 'person' and e.waits_kind in ('unit', 'role')
                and coalesce(y.state in ('parked', 'conflict', 'held'), false) as again
         from e
         join sink.work w on (w.integration_id, w.kind, w.id) = (e.integration_id, e.kind, e.id) and w.generation = e.generation
         left join sink.work y on (y.integration_id, y.kind, y.id) = (e.integration_id, e.waits_kind, e.waits_id)),
     settled as (
       delete from sink.work w using e
        where e.verdict = 'settle' and w.integration_id = e.integration_id and w.kind = e.kind and w.id = e.id
          and w.generation = e.generation
        returning w.integration_id, w.kind, w.id, e.freed),
     kept as (
       update sink.work w set
         state = case when was.verdict = 'retry' or was.again or was.approved then 'ready' when was.verdict <> 'wait' then was.verdict
                      when was.blocked then 'parked' else 'waiting' end,
         code = case when was.blocked and not was.again then coalesce(was.code, was.blocker_code)
                     when was.approved then null else coalesce(was.hold_code, was.code) end,
         detail = was.detail, waits_kind = case when not was.again then was.waits_kind end,
         waits_id = case when not was.again then was.waits_id end,
         attempts = w.attempts + was.burn,
         operations = coalesce(was.operations, w.operations), hash = coalesce(was.hash, w.hash),
         hold_code = case when was.undone then was.code else w.hold_code end,
         hold_hash = case when was.undone then was.hash else w.hold_hash end,
         undo = case when not was.undone then w.undo end,
         next_at = case when was.again or was.approved then now()
                        when was.verdict = 'retry' then now() + was.wait_ms * interval '1 ms'
                        when was.unmet and w.marked_at > now() - interval '1 min' then now() + interval '1 s'
                        else now() + least(greatest((now() - w.marked_at) / 2, interval '30 s'), interval '1 h') end
        from was
        where was.verdict <> 'settle' and w.integration_id = was.integration_id and w.kind = was.kind and w.id = was.id
          and w.generation = was.generation
        returning w.integration_id, w.kind, w.id, w.state in ('parked', 'conflict', 'held') as rests, w.code is distinct from was.old_code as moved, was.again or was.approved as again),
     lifted as (
       update sink.work y set lane = was.lane, for_run = null from was
        where was.verdict = 'wait' and was.lane < :gap and y.lane = :gap
          and (y.integration_id, y.kind, y.id) = (was.integration_id, was.waits_kind, was.waits_id)
          and not exists (select from sink.link l where (l.integration_id, l.kind, l.id) = (y.integration_id, y.kind, y.id))
        returning 1),
     rested as materialized (
       select *, true as moved from settled
        union all select integration_id, kind, id, false, moved from kept where rests),
     woken as (
       update sink.work w set state = 'ready', next_at = now(), waits_kind = null, waits_id = null
         from rested
        where (w.state = 'waiting' or (w.state = 'parked' and rested.moved)) and w.integration_id = rested.integration_id
          and w.waits_kind = rested.kind and w.waits_id = rested.id
          and not exists (select from e where (e.integration_id, e.kind, e.id) = (w.integration_id, w.kind, w.id))
        returning 1),
     relieved as (
       update sink.work w set state = 'ready', next_at = now()
         from rested
        where rested.freed and w.state in ('parked', 'conflict') and w.integration_id = rested.integration_id
          and w.kind = rested.kind
          and w.code in ('DEPARTMENT_NAME_TAKEN', 'PERMISSION_TYPE_NAME_TAKEN', 'EMAIL_TAKEN', 'REHIRE', 'MATCHED_TWICE')
          and not exists (select from e where (e.integration_id, e.kind, e.id) = (w.integration_id, w.kind, w.id))
        returning 1)
     select (select count(*) from woken) + (select count(*) from relieved) + (select count(*) from lifted)
          + (select count(*) from kept where again) as ended`,
    { platform: batch.platform, token: batch.token, ends: endRows(batch.ends), gap: lanes.gap },
  );
  return Number(rows[0]!.ended);
}

/**
 * Ends claims of one platform, waiters last: in one statement a waiter could not see that what it waits for settles.
 * Returns how many other rows became ready.
 */
export async function endWork(
  db: Knex,
  batch: { readonly platform: string; readonly token: number; readonly ends: readonly WorkEnd[] },
): Promise<number> {
  const waiters = batch.ends.filter(({ verdict }) => verdict.to === 'wait');
  const others = batch.ends.filter(({ verdict }) => verdict.to !== 'wait');
  let woken = 0;
  if (others.length > 0) woken += await endInOneStatement(db, { ...batch, ends: others });
  if (waiters.length > 0) woken += await endInOneStatement(db, { ...batch, ends: waiters });
  return woken;
}

/** Makes waiting, parked and conflicting rows whose time has come ready again; returns how many. */
export async function sweep(db: Knex, integrations: readonly string[], limit: number): Promise<number> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update sink.work w set state = 'ready', waits_kind = null, waits_id = null
       from (select integration_id, kind, id from sink.work
              where integration_id = any(cast(:integrations as uuid[])) and next_at <= now()
                and state in ('waiting', 'parked', 'conflict')
              order by next_at limit :limit) due
      where (w.integration_id, w.kind, w.id) = (due.integration_id, due.kind, due.id)
        and w.state in ('waiting', 'parked', 'conflict')
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
