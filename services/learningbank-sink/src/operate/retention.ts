import { errorFacts, type Knex } from '@orgstream/database';
import { type Logger, sleep } from '@orgstream/runtime';
import { query } from '../ingest/query.ts';

export interface RetentionOptions {
  readonly db: Knex;
  readonly log: Logger;
  /** Attempts and items of runs hold people's names and addresses, before and after. */
  readonly attemptDays: number;
  /** How often, default an hour. */
  readonly everyMs?: number;
}

/** Rows looked at in one statement. */
const batch = 5_000;
/** Answers to `explain` show names and addresses; who asked has read them long since. */
const answersKept = '1 hour';

/** Deletes what is old: attempts that have ended, items of ended runs, answers to "why?". Any replica may. */
export function createRetention(options: RetentionOptions): { run(signal: AbortSignal): Promise<void> } {
  const { db, log, attemptDays, everyMs = 3_600_000 } = options;
  return {
    async run(signal) {
      while (!signal.aborted) {
        try {
          const attempts = await dropOldAttempts(db, attemptDays);
          const items = await dropOldItems(db, attemptDays);
          await dropOldAnswers(db);
          if (attempts + items > 0) log.info({ attempts, items }, 'old attempts and items of runs deleted');
        } catch (error) {
          log.warn(errorFacts(error), 'old attempts not deleted');
        }
        await sleep(everyMs, signal);
      }
    },
  };
}

/**
 * Deletes attempts older than so many days, never one that is open: it says what has to be looked at. Ids rise with time,
 * so only the oldest rows are looked at. Returns how many went.
 */
export async function dropOldAttempts(db: Knex, days: number): Promise<number> {
  let deleted = 0;
  let after = '0';
  for (;;) {
    const rows = await query<{ seen: string; last: string | null; fresh: boolean; gone: string }>(
      db,
      `with oldest as materialized (
         select id, sent_at < now() - ? * interval '1 day' as old, state in ('sent', 'unknown') as open
           from sink.attempt where id > ? order by id limit ?),
       gone as (delete from sink.attempt a using oldest o where a.id = o.id and o.old and not o.open returning 1)
       select count(*) as seen, max(id) as last, coalesce(bool_or(not old), false) as fresh,
              (select count(*) from gone) as gone
         from oldest`,
      [days, after, batch],
    );
    const { seen, last, fresh, gone } = rows[0]!;
    deleted += Number(gone);
    if (fresh || last === null || Number(seen) < batch) return deleted;
    after = last;
  }
}

async function dropOldItems(db: Knex, days: number): Promise<number> {
  const rows = await query<{ n: string }>(
    db,
    `with gone as (
       delete from sink.run_item where run_id in (
         select id from sink.run where finished_at < now() - ? * interval '1 day' order by finished_at limit 100)
       returning 1)
     select count(*) as n from gone`,
    [days],
  );
  return Number(rows[0]!.n);
}

async function dropOldAnswers(db: Knex): Promise<void> {
  await query(
    db,
    `update control.command set result = null
      where addressee = 'learningbank-sink' and kind = 'explain' and result is not null
        and updated_at < now() - cast(? as interval)`,
    [answersKept],
  );
}
