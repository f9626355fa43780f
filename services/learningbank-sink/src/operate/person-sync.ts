import { AppError, isAppError } from '@orgstream/core';
import { type Command, type CommandRow, errorFacts, finishCommand, type Knex, takeCommand } from '@orgstream/database';
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
    async run(signal) {
      while (!signal.aborted) {
        try {
          const command = await takeCommand(db, 'learningbank-sink', { kinds: ['person.sync'] });
          if (command) await answer(db, command);
          else await bell.wait(pollMs, signal);
        } catch (error) {
          log.debug(errorFacts(error), 'people at the door wait');
          await bell.wait(pollMs, signal);
        }
      }
    },
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
