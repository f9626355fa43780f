import { AppError, isAppError } from '@orgstream/core';
import { carryOutCommands, type Command, type CommandRow, finishCommand, type Knex } from '@orgstream/database';
import { Bell, type Logger } from '@orgstream/runtime';
import { notifyWork } from '../ingest/work-store.ts';
import { markPersonNow } from './person-sync-store.ts';

/** Commands are looked for this often, should a notification be lost. */
const pollMs = 1_000;
/** Who asked has gone long ago: nobody stands at the door any more. */
const staleMs = 30_000;

interface PersonSync {
  /** There may be a command. */
  ring(): void;
  run(signal: AbortSignal): Promise<void>;
}

type Payload = Extract<Command, { kind: 'person.sync' }>['payload'];

/**
 * Carries out `person.sync`: somebody stands at the door, so that one person's work is live and due now, whatever lane it
 * was in. Any replica marks; the owner of the platform is woken and does the rest, under brake, holds and rules as ever.
 */
export function createPersonSync({ db, log }: { readonly db: Knex; readonly log: Logger }): PersonSync {
  const bell = new Bell();
  return {
    ring: () => bell.ring(),
    run: (signal) =>
      carryOutCommands(
        {
          db,
          addressee: 'learningbank-sink',
          kinds: ['person.sync'],
          log,
          pause: () => bell.wait(pollMs, signal),
          carryOut: (command) => answer(db, command),
        },
        signal,
      ),
  };
}

async function answer(db: Knex, command: CommandRow): Promise<void> {
  const { integration, person } = command.payload as Payload;
  try {
    if (command.ageMs > staleMs)
      throw new AppError('COMMAND_UNANSWERED', 'bringing a person into step: asked too long ago');
    const marked = await db.transaction(async (tx) => {
      const done = await markPersonNow(tx, integration, person);
      if (done) await notifyWork(tx, [integration]);
      return done;
    });
    await finishCommand(db, command.id, { result: { marked } });
  } catch (error) {
    if (!isAppError(error)) throw error;
    await finishCommand(db, command.id, { code: error.code, message: error.message });
  }
}
