import type { ErrorCode, Operation } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { lanes, type ObjectKind } from '../model.ts';
import type { WorkKey } from './keys.ts';

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
  /** Generation of the integration that it was planned under: under another one by now, it is planned again. */
  readonly plannedUnder?: number;
}

/** Rows as `jsonb_to_recordset` reads them. */
function endRows(ends: readonly WorkEnd[]): string {
  return JSON.stringify(
    ends.map(({ key, generation, verdict, plannedUnder = null }) => ({
      integration_id: key.integrationId,
      kind: key.kind,
      id: key.id,
      generation,
      planned_under: plannedUnder,
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
 * Who waits or is parked is found first and then met by its whole key: together, all that stand still would be read for
 * each object that ends, while statistics know of none.
 *
 * What an operator decided about an object while it was in work stands: an approval of what is now held makes it ready, a
 * hold keeps its own code. What was planned under settings that are not in force any more is planned again: settled under
 * the old ones, the mark that the new ones made would be lost.
 */
async function endInOneStatement(
  db: Knex,
  batch: { readonly platform: string; readonly token: number; readonly ends: readonly WorkEnd[] },
): Promise<number> {
  const { rows } = await db.raw<{ rows: { ended: string }[] }>(
    `with lease as materialized (
       select from sink.platform where id = :platform and lease_token = :token for share),
     e as materialized (
       select r.integration_id, r.kind, r.id, r.generation, case when s.stale then 'retry' else r.verdict end as verdict,
              r.freed and not s.stale as freed, case when not s.stale then r.code end as code, case when not s.stale then r.detail end as detail,
              case when s.stale then 0 else r.wait_ms end as wait_ms, case when s.stale then 0 else r.burn end as burn,
              case when not s.stale then r.waits_kind end as waits_kind, case when not s.stale then r.waits_id end as waits_id,
              case when not s.stale then r.operations end as operations, case when not s.stale then r.hash end as hash,
              r.undone and not s.stale as undone
         from jsonb_to_recordset(cast(:ends as jsonb)) as r (integration_id uuid, kind text, id text,
                generation bigint, planned_under int, verdict text, freed boolean, code text, detail jsonb, wait_ms int, burn int,
                waits_kind text, waits_id text, operations text[], hash text, undone boolean)
         left join control.integration i on i.id = r.integration_id
        cross join lateral (select r.planned_under is not null and r.planned_under is distinct from i.generation as stale) s
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
        cross join lateral (
          select k.integration_id, k.kind, k.id, k.state from sink.work k
           where k.integration_id = rested.integration_id and k.waits_kind = rested.kind and k.waits_id = rested.id offset 0) k
        where (k.state = 'waiting' or (k.state = 'parked' and rested.moved))
          and w.integration_id = k.integration_id and w.kind = k.kind and w.id = k.id and w.state = k.state
          and not exists (select from e where (e.integration_id, e.kind, e.id) = (k.integration_id, k.kind, k.id))
        returning 1),
     relieved as (
       update sink.work w set state = 'ready', next_at = now()
         from (select distinct integration_id, kind from rested where freed) f
        cross join lateral (
          select k.integration_id, k.kind, k.id, k.state from sink.work k
           where k.integration_id = f.integration_id and k.kind = f.kind and k.state in ('parked', 'conflict')
             and k.code in ('DEPARTMENT_NAME_TAKEN', 'PERMISSION_TYPE_NAME_TAKEN', 'EMAIL_TAKEN', 'REHIRE', 'MATCHED_TWICE') offset 0) k
        where w.integration_id = k.integration_id and w.kind = k.kind and w.id = k.id and w.state = k.state
          and not exists (select from e where (e.integration_id, e.kind, e.id) = (k.integration_id, k.kind, k.id))
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
