import { isAppError } from '@orgstream/core';
import { type Command, finishCommand, type Knex, postgresError, takeCommand } from '@orgstream/database';
import { type Logger, sleep } from '@orgstream/runtime';
import { forgetReceivers } from './ledger/forget-store.ts';

type Payload = Extract<Command, { kind: 'person.forget' }>['payload'];

/** Carries out `person.forget` commands; any replica may. */
export function createForget(options: {
  readonly db: Knex;
  readonly log: Logger;
  /** How often commands are looked for, default 1 s. */
  readonly pollMs?: number;
}): { run(signal: AbortSignal): Promise<void> } {
  const { db, log, pollMs = 1_000 } = options;
  const one = async (): Promise<boolean> => {
    const command = await takeCommand(db, 'notification-bridge', { kinds: ['person.forget'] });
    if (!command) return false;
    const payload = command.payload as Payload;
    const rows = await forgetReceivers(db, payload);
    await finishCommand(db, command.id, { result: { rows } });
    log.info({ tenant: payload.tenant, rows }, 'person forgotten');
    return true;
  };
  return {
    async run(signal) {
      while (!signal.aborted) {
        try {
          if (!(await one())) await sleep(pollMs, signal);
        } catch (error) {
          // It stays `running`, and is taken again once it is stale.
          const known = postgresError(error, 'forgetting a person');
          log.warn({ code: isAppError(known) ? known.code : 'UNEXPECTED', err: known }, 'commands wait');
          await sleep(pollMs, signal);
        }
      }
    },
  };
}
