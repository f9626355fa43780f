import type { Knex } from '@orgstream/database';
import type { RunRow } from './run-store.ts';

/**
 * Lets the items of a run follow their work rows: settled = applied if this run did something, else superseded; held,
 * parked; taken over by something else, or waiting for another run since = superseded. What is held shows what it would do
 * now. Returns how many moved.
 *
 * Everything beside the items is looked up by its whole key and nothing else: `offset 0` keeps what else is asked of a row,
 * its run above all, out of the choice of the index. Statistics from before the run say that hardly a row has a run, and
 * Postgres would read all rows of the run for each item: five minutes of 100,000 people, with the run locked.
 */
export async function followItems(tx: Knex, run: RunRow): Promise<number> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `with seen as (
       select i.ctid as row, i.state as was, i.operations as planned, i.kind, i.id, w.id is not null as has_work, w.state as work,
              w.code, w.operations, w.hash
         from sink.run_item i
         left join lateral (
           select k.* from (
             select * from sink.work where integration_id = :integration and kind = i.kind and id = i.id offset 0) k
            where k.run_id = :run and (k.lane < 3 or k.for_run is null)) w on true
        where i.run_id = :run and i.state in ('approved', 'held', 'parked')
          and (i.state <> 'approved' or w.id is null or w.state not in ('ready', 'waiting'))),
     judged as materialized (
       select s.row, s.was, s.operations, s.hash, s.has_work and s.work = 'held' as is_held,
              case when not s.has_work then case when d.did then 'applied' when s.was = 'parked' then 'parked' else 'superseded' end
                   when s.work = 'held' then
                     case when s.code = 'REJECTED' then 'rejected'
                          when s.code = 'UNDONE' and :undo and d.did then 'applied'
                          when s.code in ('UNDONE', 'IGNORED') then 'superseded' else 'held' end
                   when s.work in ('parked', 'conflict') then 'parked' else 'approved' end as next,
              case when s.has_work and s.work in ('held', 'parked', 'conflict') and not (s.code = 'UNDONE' and :undo) then s.code end as code
         from seen s
        cross join lateral (select ${didSql} as did offset 0) d)
     update sink.run_item i
        set state = j.next, code = case when not j.is_held and j.next = 'parked' and j.was = 'parked' then coalesce(j.code, i.code) else j.code end,
            operations = case when j.next = 'held' and j.operations <> '{}' then j.operations else i.operations end,
            hash = case when j.next = 'held' then coalesce(j.hash, i.hash) else i.hash end
       from judged j
      where i.ctid = j.row
        and (i.state <> j.next or (j.next = 'held' and (i.hash is distinct from j.hash or i.code is distinct from j.code))
             or (j.next = 'parked' and j.code is not null and i.code is distinct from j.code))
     returning 1`,
    {
      run: run.id,
      integration: run.integrationId,
      started: new Date(run.startedAtMs ?? 0),
      undo: run.kind === 'undo',
    },
  );
  return rows.length;
}

/** This run did something to the object of `s`: a call, an adoption, or a link that is gone as planned. */
const didSql = /* sql */ `
  exists (select from (
            select run_id, state from sink.attempt
             where integration_id = :integration and kind = s.kind and object_id = s.id offset 0) a
           where a.run_id = :run and a.state = 'done')
  or coalesce((select l.linked_at >= :started from sink.link l
                where l.integration_id = :integration and l.kind = s.kind and l.id = s.id limit 1), 'delete' = any(s.planned))`;

/**
 * True while something of the run can go on by itself: work is ready, or waits, at whatever remove, for an object that is.
 * What waits in lane gap for another run does not: that run would wait for this one.
 */
export async function isUnderWay(tx: Knex, run: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { busy: boolean }[] }>(
    `with recursive waits as (
       select integration_id, waits_kind as kind, waits_id as id from sink.work
        where run_id = :run and state = 'waiting' and (lane < 3 or for_run is null)
       union
       select o.integration_id, o.waits_kind, o.waits_id from waits w cross join lateral (${movingSql}) o where o.state = 'waiting')
     select exists (select from sink.work where run_id = :run and state = 'ready' and (lane < 3 or for_run is null))
         or exists (select from waits w cross join lateral (${movingSql}) o where o.state = 'ready') as busy`,
    { run },
  );
  return rows[0]!.busy;
}

/** Work of the object `w`, by its whole key, unless it waits for another run. */
const movingSql = /* sql */ `
  select * from (
    select * from sink.work where integration_id = w.integration_id and kind = w.kind and id = w.id offset 0) k
   where k.lane < 3 or (k.run_id = :run and k.for_run is null)`;

/** How far a run has come; `undecided` items wait for an operator and keep it open. */
export interface Tally {
  readonly total: number;
  readonly done: number;
  readonly undecided: number;
  readonly calls: number;
}

export async function readTally(tx: Knex, run: string): Promise<Tally> {
  const { rows } = await tx.raw<{ rows: Record<keyof Tally, string>[] }>(
    `select count(*) as total, count(*) filter (where state in ('applied', 'superseded', 'parked', 'rejected', 'cancelled')) as done,
            count(*) filter (where state in ('planned', 'held')) as undecided,
            (select count(*) from sink.attempt where run_id = :run and state <> 'failed') as calls
       from sink.run_item where run_id = :run`,
    { run },
  );
  const row = rows[0]!;
  return {
    total: Number(row.total),
    done: Number(row.done),
    undecided: Number(row.undecided),
    calls: Number(row.calls),
  };
}

/** Items that still wait for something that does not come: shown as parked when the run ends. */
export async function parkWaiting(tx: Knex, run: RunRow): Promise<void> {
  await tx.raw(
    `update sink.run_item i set state = 'parked', code = coalesce(w.code, i.code)
       from sink.work w
      where i.run_id = :run and i.state = 'approved' and w.integration_id = :integration and w.kind = i.kind and w.id = i.id
        and w.run_id = :run`,
    { run: run.id, integration: run.integrationId },
  );
}

export async function writeProgress(tx: Knex, run: string, progress: object): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `update sink.run set progress = cast(:progress as jsonb), updated_at = now()
      where id = :run and progress is distinct from cast(:progress as jsonb) returning 1`,
    { run, progress: JSON.stringify(progress) },
  );
  return rows.length > 0;
}
