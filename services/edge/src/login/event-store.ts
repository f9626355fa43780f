import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';

/** A login, or a look at the shortcuts that was refused: ids and codes only. */
export interface LoginEvent {
  readonly tenant: string;
  readonly integration: string;
  readonly person: string | null;
  readonly kind: 'login' | 'shortcuts';
  /** null = let in. */
  readonly code: ErrorCode | null;
  readonly justInTime: boolean;
  readonly deepLink: boolean;
  readonly tookMs: number;
}

/** Who was erased has no name here: what comes after, and what was under way meanwhile. */
export async function insertEvent(db: Knex, event: LoginEvent): Promise<void> {
  await db.raw(
    `insert into edge.login_event (tenant, integration_id, person_id, kind, outcome, code, just_in_time, deep_link, took_ms)
     select :tenant, :integration,
            case when not exists (select from sink.erased where tenant = :tenant and person_id = :person) then :person end,
            :kind, :outcome, :code, :justInTime, :deepLink, :tookMs`,
    { ...event, outcome: event.code === null ? 'admitted' : 'refused' },
  );
}

/** Events in one statement at most: the table may be large after a long pause. */
const batch = 10_000;

/** Forgets what is older than so many days; returns how many. */
export async function forgetEvents(db: Knex, days: number): Promise<number> {
  for (let forgotten = 0; ;) {
    const { rows } = await db.raw<{ rows: { count: number }[] }>(
      `with gone as (
         delete from edge.login_event where id in (
           select id from edge.login_event where at < now() - :days * interval '1 day' order by at limit ${batch})
         returning 1)
       select count(*)::int as count from gone`,
      { days },
    );
    forgotten += rows[0]!.count;
    if (rows[0]!.count < batch) return forgotten;
  }
}
