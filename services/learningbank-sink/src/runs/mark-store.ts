import type { Knex } from '@orgstream/database';
import type { RunItemState } from '@orgstream/core';
import { lanes } from '../model.ts';
import { choiceBindings, choiceSql, type ItemChoice } from './item-store.ts';
import type { RunRow } from './run-store.ts';

/** What a run of these kinds applies is work that waits for it in lane gap; nothing else of the plan is touched. */
export function waitsFor({ kind }: Pick<RunRow, 'kind'>): 'gap' | 'replay' | null {
  return kind === 'gap' || kind === 'replay' ? kind : null;
}

/** Which items are put to work. */
export interface Marking {
  readonly run: RunRow;
  readonly tenant: string;
  readonly from: readonly RunItemState[];
  readonly choice: ItemChoice;
  /** An operator approved: what was planned, if only behind something parked, passes the brake, what has become more destructive is held. */
  readonly approved: boolean;
}

/**
 * Puts items to work: their state becomes `approved`, and their objects are marked, leavers in lane leaver, the rest in
 * lane bulk; `next_at` lies in the past and holds the order parents before children, roles, people. A row that is there
 * already is taken over, but for one that is being undone. Returns the numbers of the items.
 */
export async function markItems(tx: Knex, marking: Marking): Promise<readonly number[]> {
  const { run, choice, from, approved, tenant } = marking;
  const forRun = waitsFor(run);
  const { rows } = await tx.raw<{ rows: { no: string }[] }>(
    `with recursive chosen as (
       update sink.run_item i set state = 'approved', code = null
        where i.run_id = :run and i.state = any(cast(:from as text[])) and ${choiceSql}
       returning i.no, i.kind, i.id, i.operations, i.hash,
                 array(select jsonb_array_elements_text(case when jsonb_typeof(i.detail -> 'blocked') = 'array' then i.detail -> 'blocked' else '[]' end)) as blocked),
     tree as (
       select id, 0 as depth from sink.unit where tenant = ${whose} and parent_id is null and not deleted
       union all
       select u.id, t.depth + 1 from tree t
        cross join lateral (
          select n.id from sink.unit n where n.tenant = ${whose} and n.parent_id = t.id and not n.deleted offset 0) u
        where t.depth < 100),
     placed as (
       select *, min(depth) over (partition by kind, id) as place
         from (select no, kind, id, operations, hash, blocked, null as depth from chosen
               union all select null, 'unit', id, null, null, null, depth from tree) c),
     objects as (
       select c.kind, c.id, c.operations, c.hash, c.blocked, coalesce(u.epoch, r.epoch, p.epoch, 0) as epoch, coalesce(u.lsn, r.lsn, p.lsn, 0) as lsn,
              coalesce(u.committed_at, r.committed_at, p.committed_at, now()) as committed_at,
              c.kind = 'person' and 'deactivate' = any(c.operations) as leaves,
              case c.kind when 'unit' then coalesce(c.place, 100) when 'role' then 200 else 300 end as rank
         from placed c
         left join lateral (select * from sink.unit where c.kind = 'unit' and tenant = ${whose} and id = c.id limit 1) u on true
         left join lateral (select * from sink.role where c.kind = 'role' and tenant = ${whose} and id = c.id limit 1) r on true
         left join lateral (select * from sink.person where c.kind = 'person' and tenant = ${whose} and id = c.id limit 1) p on true
        where c.no is not null),
     marked as (
       insert into sink.work as w (integration_id, kind, id, lane, next_at, run_id, operations, hash, approved_hash,
              approved_operations, cause_epoch, cause_lsn, committed_at)
       select :integration, o.kind, o.id, cast(case when o.leaves then cast(:leaver as int) else :bulk end as smallint),
              now() - interval '1 day' + o.rank * interval '1 s', :run, o.operations, o.hash,
              case when :approved then o.hash end, case when :approved then o.operations || o.blocked end,
              o.epoch, o.lsn, case when o.leaves then now() else o.committed_at end
         from objects o
        where cast(:forRun as text) is null or exists (
                select from sink.work g where (g.integration_id, g.kind, g.id) = (:integration, o.kind, o.id) and ${mineSql('g')})
        order by o.kind, o.id
       on conflict (integration_id, kind, id) do update set
         lane = least(w.lane, excluded.lane), state = 'ready', code = null, detail = null, waits_kind = null, waits_id = null,
         own_lane = case when w.run_id is null and w.lane < :gap then w.lane else w.own_lane end,
         attempts = 0, next_at = case when w.ripe then least(w.next_at, excluded.next_at) else w.next_at end,
         generation = excluded.generation, for_run = null, run_id = excluded.run_id, operations = excluded.operations,
         hash = excluded.hash, approved_hash = excluded.approved_hash, approved_operations = excluded.approved_operations
        where w.undo is null or w.run_id = excluded.run_id
       returning 1)
     select no from chosen where (select count(*) from marked) >= 0 order by no`,
    {
      run: run.id,
      integration: run.integrationId,
      tenant,
      from: [...from],
      forRun,
      approved,
      leaver: lanes.leaver,
      bulk: lanes.bulk,
      gap: lanes.gap,
      ...choiceBindings(choice),
    },
  );
  return rows.map(({ no }) => Number(no));
}

/** Not a plain value: statistics that know nothing of the tenant would say that it has one row of each table. */
const whose = /* sql */ `(select cast(:tenant as text))`;

/** Work that waits for a run of the kind, or that this run holds already. */
const mineSql = (work: string): string => `((${work}.lane = 3 and ${work}.for_run = :forRun) or ${work}.run_id = :run)`;

/**
 * Work that waits for this run (in a sync of everything: any work in lane gap that no other run holds) and is no item of
 * it: what was changed and changed back. It is let go, and settles without a call; if there is more to it by now, an
 * approved run holds it.
 */
export async function releaseRest(tx: Knex, run: RunRow, approved: boolean): Promise<void> {
  const forRun = waitsFor(run);
  const all = 'all' in run.scope && (run.kind === 'sync' || run.kind === 'rebuild');
  if (forRun === null && !all) return;
  await tx.raw(
    `update sink.work w set lane = :bulk, for_run = null, run_id = :run, state = 'ready', next_at = now(),
            approved_operations = case when :approved then cast('{}' as text[]) end, generation = nextval('sink.work_generation')
      where w.integration_id = :integration and w.lane = 3 and w.state in ('ready', 'waiting')
        and case when :all then w.run_id is null else w.for_run = :forRun end
        and not exists (select from sink.run_item i where i.run_id = :run and i.kind = w.kind and i.id = w.id offset 0)`,
    { run: run.id, integration: run.integrationId, forRun, all, bulk: lanes.bulk, approved },
  );
}

/** Takes the run's ready work out of everybody's hands; it keeps its place. What the source changed itself goes on. */
export async function pauseWork(tx: Knex, run: RunRow): Promise<void> {
  await tx.raw(
    `update sink.work set lane = 3
      where run_id = :run and state in ('ready', 'waiting') and lane < 3 and for_run is null and own_lane is null`,
    { run: run.id },
  );
}

export async function resumeWork(tx: Knex, run: RunRow): Promise<void> {
  await tx.raw(
    `update sink.work set lane = case when kind = 'person' and 'deactivate' = any(operations) then cast(:leaver as int) else :bulk end
      where run_id = :run and lane = 3 and for_run is null`,
    { run: run.id, leaver: lanes.leaver, bulk: lanes.bulk },
  );
}

/**
 * Lets go of the run's work: what is outstanding besides, by a change of its own, goes on as such, under the brake; what a
 * gap or replay run held waits for the next one; what other runs would still do stays
 * outstanding in lane gap until a change of it, or the next run, takes it up. Undoing that had not begun is dropped.
 */
export async function dropWork(tx: Knex, run: RunRow): Promise<void> {
  await tx.raw(
    `update sink.work set lane = case when undo is null and state in ('ready', 'waiting') then coalesce(own_lane, 3) else lane end,
            for_run = case when undo is null and state in ('ready', 'waiting') and own_lane is null then cast(:forRun as text) end,
            undo = case when state = 'held' then undo end, run_id = null, own_lane = null, approved_hash = null, approved_operations = null
      where run_id = :run`,
    { run: run.id, forRun: waitsFor(run) },
  );
}

/** At the end: what rests (parked, waiting for something parked) goes its own way, under the brake as usual. */
export async function forgetRun(tx: Knex, run: RunRow): Promise<void> {
  await tx.raw(`update sink.work set run_id = null, own_lane = null, approved_operations = null where run_id = :run`, {
    run: run.id,
  });
}

/**
 * Other settings are in force: what stands still is looked at again, for they may want nothing of it any more. Not what an
 * operator decided about; nor deletions to be confirmed, which nobody has seen go when confirming is switched off.
 */
export async function lookAgain(tx: Knex, integrationId: string): Promise<void> {
  await tx.raw(
    `update sink.work set state = 'ready', code = null, detail = null, waits_kind = null, waits_id = null, next_at = now(),
            generation = nextval('sink.work_generation')
      where integration_id = :integrationId and lane < :gap and ripe
        and (state in ('parked', 'conflict') or (state = 'held' and code in ('BRAKE_TRIPPED', 'MORE_DESTRUCTIVE', 'SHADOW')))`,
    { integrationId, gap: lanes.gap },
  );
}

/**
 * Holds what an operator rejected, bound to what was desired: without a call as long as the same is desired. What was changed
 * since it was planned keeps its place, with the hold upon it: somebody who left meanwhile was not rejected.
 */
export async function holdRejected(tx: Knex, run: RunRow, numbers: readonly number[]): Promise<void> {
  await tx.raw(
    `insert into sink.work as w (integration_id, kind, id, lane, state, code, operations, hash, hold_code, hold_hash, cause_epoch, cause_lsn, committed_at)
     select :integration, i.kind, i.id, :bulk, 'held', 'REJECTED', i.operations, i.hash, 'REJECTED', i.hash, 0, 0, now()
       from sink.run_item i
      where i.run_id = :run and i.no = any(cast(:numbers as bigint[])) and i.hash is not null
      order by i.kind, i.id
     on conflict (integration_id, kind, id) do update set
       (lane, for_run, state, code, detail, waits_kind, waits_id, operations, hash) = (
         select case when same then least(w.lane, excluded.lane) else coalesce(w.own_lane, w.lane) end,
                case when not same then w.for_run end, case when same then 'held' else w.state end,
                case when same then excluded.code else w.code end, case when not same then w.detail end,
                case when not same then w.waits_kind end, case when not same then w.waits_id end,
                case when same then excluded.operations else w.operations end, case when same then excluded.hash else w.hash end
           from (select case when w.state = 'held' then w.hash = excluded.hash
                             else w.lane = :gap and w.generation <= (select coalesce(r.marked_to, 0) from sink.run r where r.id = :run) end as same) s),
       run_id = null, own_lane = null, hold_code = excluded.hold_code, hold_hash = excluded.hold_hash, approved_hash = null,
       approved_operations = null, generation = nextval('sink.work_generation')`,
    { integration: run.integrationId, run: run.id, numbers: [...numbers], bulk: lanes.bulk, gap: lanes.gap },
  );
}
