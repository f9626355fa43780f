import { forgetPeople, type Knex } from '@orgstream/database';
import { type Logger, sleep } from '@orgstream/runtime';
import { forgetReceivers } from './ledger/forget-store.ts';

/** Deletes what the ledger holds of erased people, as it is asked to. */
export function createForget(options: {
  readonly db: Knex;
  readonly log: Logger;
  /** How often commands are looked for, default 1 s. */
  readonly pollMs?: number;
}): { run(signal: AbortSignal): Promise<void> } {
  const { db, log, pollMs = 1_000 } = options;
  const forget = (person: Parameters<typeof forgetReceivers>[1]) => forgetReceivers(db, person);
  return {
    run: (signal) =>
      forgetPeople({ db, addressee: 'notification-bridge', log, pause: () => sleep(pollMs, signal), forget }, signal),
  };
}
