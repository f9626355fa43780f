import { forgetPeople, type Knex } from '@orgstream/database';
import { type Logger, sleep } from '@orgstream/runtime';

/** Deletes login events of erased people, as it is asked to. */
export function createForget(options: {
  readonly db: Knex;
  readonly log: Logger;
  /** How often commands are looked for, default 1 s. */
  readonly pollMs?: number;
}): { run(signal: AbortSignal): Promise<void> } {
  const { db, log, pollMs = 1_000 } = options;
  const forget = ({ tenant, person }: { tenant: string; person: string }) => forgetLogins(db, tenant, person);
  return {
    run: (signal) => forgetPeople({ db, addressee: 'edge', log, pause: () => sleep(pollMs, signal), forget }, signal),
  };
}

async function forgetLogins(db: Knex, tenant: string, person: string): Promise<number> {
  const { rows } = await db.raw<{ rows: { n: string }[] }>(
    `with gone as (delete from edge.login_event where tenant = ? and person_id = ? returning 1)
     select count(*) as n from gone`,
    [tenant, person],
  );
  return Number(rows[0]!.n);
}
