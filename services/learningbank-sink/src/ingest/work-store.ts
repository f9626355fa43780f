import type { Knex } from '@orgstream/database';
import { lanes, type ObjectKind } from '../model.ts';
import { goneSql } from './columns.ts';
import type { At } from './fact.ts';
import type { LookUp, Mark } from './mark.ts';
import { query } from './query.ts';

/** Channel that wakes the reconciler; the payload is integration ids, comma-joined, or empty (= look at all). */
const WORK_CHANNEL = 'orgstream_work';

/** A marked object of an unfinished transaction becomes ripe after this, should its last record never come. */
const RIPE_AFTER_MS = 2_000;

/**
 * Marks objects as outstanding; at most one mark per object. Marked again: the more urgent lane wins, the generation
 * rises, attempts start anew, and whatever state it was in it is ready (waiting, parked and conflict are tried again).
 * `marked_at` stays: it says how long the object has been out of step. An object whose facts are rejected is parked,
 * unless its last good fact makes it a leaver: nothing may hold those (semantics.md §1, decided 10). What operators
 * decided about it (`run_id`, `hold_*`, `approved_*`, `undo`) stays.
 *
 * Lane 3 waits for a run: everything of a disabled integration for a gap run, `forRun` for one of that kind. A mark that
 * waits pulls nothing back that is on its way, for bringing an object into step brings all of it; a gap mark does, for
 * nothing of a disabled integration is on its way. Returns the ids of the integrations that now have work.
 */
export async function markWork(tx: Knex, marks: readonly Mark[]): Promise<readonly string[]> {
  if (marks.length === 0) return [];
  const rows = await query<{ integration_id: string }>(tx, MARK_SQL, [
    marks.map((m) => m.tenant),
    marks.map((m) => m.kind),
    marks.map((m) => m.id),
    marks.map((m) => lanes[m.lane]),
    marks.map((m) => m.ripe),
    marks.map((m) => m.parkCode ?? null),
    marks.map((m) => m.cause.epoch),
    marks.map((m) => m.cause.lsn),
    marks.map((m) => m.cause.committedAtMs),
    marks.map((m) => m.onlyIfKnown ?? false),
    marks.map((m) => m.forRun ?? null),
    marks.map((m) => m.lifts ?? true),
    RIPE_AFTER_MS,
  ]);
  return rows.map((row) => row.integration_id);
}

const MARK_SQL = /* sql */ `
  with mark as materialized (
    select r.tenant, r.kind, r.id, r.lane, r.ripe, r.epoch, r.lsn, r.only_known, r.for_run, r.lifts,
           to_timestamp(r.committed_ms / 1000.0) as committed_at,
           case when ${goneSql('p')} then null else coalesce(r.code, u.rejected_code, o.rejected_code, p.rejected_code) end as code,
           coalesce(u.rejected_detail, o.rejected_detail, p.rejected_detail) as detail
      from unnest(?::text[], ?::text[], ?::text[], ?::smallint[], ?::boolean[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::boolean[],
                  ?::text[], ?::boolean[])
        as r(tenant, kind, id, lane, ripe, code, epoch, lsn, committed_ms, only_known, for_run, lifts)
      left join sink.unit u on r.kind = 'unit' and u.tenant = r.tenant and u.id = r.id
      left join sink.role o on r.kind = 'role' and o.tenant = r.tenant and o.id = r.id
      left join sink.person p on r.kind = 'person' and p.tenant = r.tenant and p.id = r.id
  ), wanted as materialized (
    -- A snapshot's change of an object that waits for a run waits with it; should the row be gone by now, for one of its own.
    -- Nobody who left waits for a run that was paused, or that comes after another's: only for the gap's.
    select i.id as integration_id, m.*,
           case when not i.enabled then 'gap' when m.for_run is not null then m.for_run
                when k.lane = ${lanes.gap} and not m.lifts and (m.lane > ${lanes.leaver} or k.for_run = 'gap') then 'replay' end as waits_for
      from mark m
      join control.integration i on i.tenant = m.tenant and i.product = 'sync'
      left join sink.work k on k.integration_id = i.id and k.kind = m.kind and k.id = m.id
     where not m.only_known or k.id is not null
        or exists (select from sink.link l where l.integration_id = i.id and l.kind = m.kind and l.id = m.id)
  ), marked as (
    insert into sink.work as w
      (integration_id, kind, id, lane, for_run, state, code, detail, ripe, next_at, cause_epoch, cause_lsn, committed_at)
    select m.integration_id, m.kind, m.id, case when m.waits_for is null then m.lane else ${lanes.gap} end, m.waits_for,
           case when m.code is null then 'ready' else 'parked' end, m.code, case when m.code is not null then m.detail end,
           m.ripe, case when m.code is not null then now() + interval '30 s' when m.ripe then now() else now() + ? * interval '1 ms' end, m.epoch, m.lsn, m.committed_at
      from wanted m order by m.integration_id, m.kind, m.id
    on conflict (integration_id, kind, id) do update set
      lane = case when excluded.for_run = 'gap' then excluded.lane else least(w.lane, excluded.lane) end,
      for_run = case when excluded.for_run = 'gap' then 'gap'
                     when least(w.lane, excluded.lane) < ${lanes.gap} then null
                     -- Of a run that pauses: it goes on with it.
                     when w.run_id is not null then w.for_run
                     else coalesce(w.for_run, excluded.for_run) end,
      -- Of a run: it is outstanding by itself as well now.
      own_lane = case when excluded.for_run = 'gap' then null
                      when w.run_id is not null and excluded.lane < ${lanes.gap} then least(w.own_lane, excluded.lane) else w.own_lane end,
      state = excluded.state, code = excluded.code, detail = excluded.detail, waits_kind = null, waits_id = null,
      ripe = excluded.ripe, attempts = 0, next_at = excluded.next_at, generation = excluded.generation,
      cause_epoch = excluded.cause_epoch, cause_lsn = excluded.cause_lsn, committed_at = excluded.committed_at
    returning w.integration_id
  )
  select distinct integration_id from marked`;

/** What look-ups reach: `no` is the index of the look-up. Deleted memberships and assignments name nobody. */
export async function lookUp(
  tx: Knex,
  lookUps: readonly LookUp[],
): Promise<readonly { readonly no: number; readonly kind: ObjectKind; readonly id: string }[]> {
  if (lookUps.length === 0) return [];
  const rows = await query<{ no: number; kind: ObjectKind; id: string }>(tx, LOOK_UP_SQL, [
    lookUps.map((_, index) => index),
    lookUps.map((l) => l.tenant),
    lookUps.map((l) => l.via),
    lookUps.map((l) => l.id),
  ]);
  return rows;
}

const LOOK_UP_SQL = /* sql */ `
  with asked as materialized (
    select * from unnest(?::int[], ?::text[], ?::text[], ?::text[]) as a(no, tenant, via, id)
  ), listed as materialized (
    select a.* from asked a
     where a.via in ('listed_unit', 'listed_role') and exists (
       select from control.integration i
         join control.settings c on c.integration_id = i.id and c.version = i.settings_version
        cross join lateral jsonb_each(c.settings -> 'filters') as tab
        cross join lateral jsonb_each(tab.value) as side
        where i.tenant = a.tenant and side.value <> '[]')
  )
  select a.no, 'person' as kind, m.person_id as id
    from asked a join sink.membership m on m.tenant = a.tenant and m.unit_id = a.id
   where a.via = 'unit' and m.person_id is not null
  union
  select a.no, 'unit', u.id from asked a join sink.unit u on u.tenant = a.tenant and u.parent_id = a.id where a.via = 'unit'
  union
  select a.no, 'unit', u.id from asked a join sink.unit u on u.tenant = a.tenant and u.parent_id is null and not u.deleted
   where a.via = 'tenant'
  union
  select a.no, 'person', m.person_id
    from asked a
    join sink.assignment s on s.tenant = a.tenant and s.role_id = a.id
    join sink.membership m on m.tenant = s.tenant and m.id = s.membership_id
   where a.via = 'role' and m.person_id is not null
  union
  select a.no, 'person', m.person_id
    from asked a join sink.membership m on m.tenant = a.tenant and m.id = a.id
   where a.via = 'membership' and m.person_id is not null
  union
  select a.no, 'person', m.person_id
    from listed a join sink.membership m on m.tenant = a.tenant and m.unit_id = a.id
   where a.via = 'listed_unit' and m.person_id is not null
  union
  select a.no, 'person', m.person_id
    from listed a join sink.membership m on m.tenant = a.tenant and m.department_id = a.id
   where a.via = 'listed_unit' and m.person_id is not null
  union
  select a.no, 'person', m.person_id
    from listed a
    join sink.assignment s on s.tenant = a.tenant and s.role_id = a.id
    join sink.membership m on m.tenant = s.tenant and m.id = s.membership_id
   where a.via = 'listed_role' and m.person_id is not null`;

/** Makes work ripe whose transaction, per tenant, has been passed to its last record. */
export async function ripen(tx: Knex, passed: ReadonlyMap<string, Omit<At, 'seq'>>): Promise<readonly string[]> {
  if (passed.size === 0) return [];
  const entries = [...passed];
  const rows = await query<{ integration_id: string }>(
    tx,
    `with ripened as (
       update sink.work w set ripe = true, next_at = least(w.next_at, now())
         from unnest(?::text[], ?::bigint[], ?::bigint[]) as p(tenant, epoch, lsn)
         join control.integration i on i.tenant = p.tenant
        where w.integration_id = i.id and not w.ripe and (w.cause_epoch, w.cause_lsn) <= (p.epoch, p.lsn)
       returning w.integration_id)
     select distinct integration_id from ripened`,
    [entries.map(([tenant]) => tenant), entries.map(([, at]) => at.epoch), entries.map(([, at]) => at.lsn)],
  );
  return rows.map((row) => row.integration_id);
}

/** Wakes the reconciler when this transaction commits. A payload beyond Postgres' 8,000 bytes becomes "look at all". */
export async function notifyWork(tx: Knex, integrations: Iterable<string>): Promise<void> {
  const ids = [...new Set(integrations)];
  if (ids.length === 0) return;
  const payload = ids.length > 200 ? '' : ids.join(',');
  await query(tx, `select pg_notify(?, ?)`, [WORK_CHANNEL, payload]);
}
