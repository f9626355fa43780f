import type { Knex } from '@orgstream/database';
import type { RunRow } from './run-store.ts';

/**
 * Lets the items of a run follow their work rows: settled = applied if this run did something, else superseded; held,
 * parked; taken over by something else = superseded. What is held shows what it would do now. Returns how many moved.
 */
export async function followItems(tx: Knex, run: RunRow): Promise<number> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `with done as materialized (
       select distinct kind, object_id from sink.attempt where run_id = :run and state = 'done'),
     seen as (
       select i.no, i.state as was, w.id is not null as has_work, w.state as work, w.code, w.operations, w.hash,
              d.object_id is not null or l.linked_at >= :started or (l.id is null and 'delete' = any(i.operations)) as did
         from sink.run_item i
         left join sink.work w on w.integration_id = :integration and w.kind = i.kind and w.id = i.id and w.run_id = :run
         left join done d on d.kind = i.kind and d.object_id = i.id
         left join sink.link l on l.integration_id = :integration and l.kind = i.kind and l.id = i.id
        where i.run_id = :run and i.state in ('approved', 'held', 'parked')
          and (i.state <> 'approved' or w.id is null or w.state not in ('ready', 'waiting'))),
     judged as (
       select no, was, operations, hash, has_work and work = 'held' as is_held,
              case when not has_work then case when coalesce(did, false) then 'applied' when was = 'parked' then 'parked' else 'superseded' end
                   when work = 'held' then
                     case when code = 'REJECTED' then 'rejected'
                          when code = 'UNDONE' and :undo and did then 'applied'
                          when code in ('UNDONE', 'IGNORED') then 'superseded' else 'held' end
                   when work in ('parked', 'conflict') then 'parked' else 'approved' end as next,
              case when has_work and work in ('held', 'parked', 'conflict') and not (code = 'UNDONE' and :undo) then code end as code
         from seen)
     update sink.run_item i
        set state = j.next, code = case when not j.is_held and j.next = 'parked' and j.was = 'parked' then coalesce(j.code, i.code) else j.code end,
            operations = case when j.next = 'held' and j.operations <> '{}' then j.operations else i.operations end,
            hash = case when j.next = 'held' then coalesce(j.hash, i.hash) else i.hash end
       from judged j
      where i.run_id = :run and i.no = j.no
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

/** True while something of the run can go on by itself: work is ready, or waits for an object that is. */
export async function isUnderWay(tx: Knex, run: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { busy: boolean }[] }>(
    `select exists (select from sink.work where run_id = :run and state = 'ready')
         or exists (select from sink.work w join sink.work on_it
                        on on_it.integration_id = w.integration_id and on_it.kind = w.waits_kind and on_it.id = w.waits_id
                     where w.run_id = :run and w.state = 'waiting' and on_it.state = 'ready') as busy`,
    { run },
  );
  return rows[0]!.busy;
}

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
