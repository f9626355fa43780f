import { type Addressee, type CommandFilter, type CommandRow, takeCommand } from './command.ts';
import type { Knex } from './database.ts';
import { errorFacts } from './error-facts.ts';

export interface CommandLoopOptions {
  readonly db: Knex;
  readonly addressee: Addressee;
  readonly kinds: NonNullable<CommandFilter['kinds']>;
  /** A command that nobody touched for so long is of a dead process, and is taken again; default a minute. */
  readonly staleMs?: number;
  readonly log: { warn(facts: object, message: string): void };
  /** Waits until there may be a command again. */
  readonly pause: () => Promise<void>;
  /** What it rejects with is logged; the command stays `running`, and is taken again once it is stale. */
  readonly carryOut: (command: CommandRow) => Promise<void>;
}

/** Takes commands of some kinds and carries them out one after another, until the signal aborts. */
export async function carryOutCommands(options: CommandLoopOptions, signal: AbortSignal): Promise<void> {
  const { db, addressee, log, pause, carryOut, ...filter } = options;
  while (!signal.aborted) {
    try {
      const command = await takeCommand(db, addressee, filter);
      if (command) {
        await carryOut(command);
        continue;
      }
    } catch (error) {
      log.warn(errorFacts(error), 'commands wait');
    }
    await pause();
  }
}
