import { type Command, errorFacts, finishCommand, type Knex, takeCommand } from '@orgstream/database';
import { type Logger, sleep } from '@orgstream/runtime';

type Payload = Extract<Command, { kind: 'person.forget' }>['payload'];

/** Carries out `person.forget` commands: login events of an erased person go. Any replica may. */
export function createForget(options: {
  readonly db: Knex;
  readonly log: Logger;
  /** How often commands are looked for, default 1 s. */
  readonly pollMs?: number;
}): { run(signal: AbortSignal): Promise<void> } {
  const { db, log, pollMs = 1_000 } = options;
  const one = async (): Promise<boolean> => {
    const command = await takeCommand(db, 'edge', { kinds: ['person.forget'] });
    if (!command) return false;
    const { tenant, person } = command.payload as Payload;
    const rows = await forgetLogins(db, tenant, person);
    await finishCommand(db, command.id, { result: { rows } });
    log.info({ tenant, rows }, 'person forgotten');
    return true;
  };
  return {
    async run(signal) {
      while (!signal.aborted) {
        try {
          if (!(await one())) await sleep(pollMs, signal);
        } catch (error) {
          // It stays `running`, and is taken again once it is stale.
          log.warn(errorFacts(error), 'commands wait');
          await sleep(pollMs, signal);
        }
      }
    },
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
