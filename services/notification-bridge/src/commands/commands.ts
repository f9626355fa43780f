import { type ErrorCode, isAppError } from '@orgstream/core';
import {
  carryOutCommands,
  type Command,
  type CommandRow,
  errorFacts,
  finishCommand,
  type Knex,
  takeCommand,
} from '@orgstream/database';
import { Bell, type Logger } from '@orgstream/runtime';
import { readAtZiik } from './conversation.ts';
import { retryNotification, testNotification } from './ledger-commands.ts';
import type { ServedChannels } from './served-channels.ts';

export interface CommandsOptions {
  readonly db: Knex;
  readonly log: Logger;
  readonly served: ServedChannels;
  readonly pollMs: number;
}

type Of<K extends Command['kind']> = Extract<Command, { kind: K }>['payload'];

/** Conversations read at the same time: a channel that Ziik holds back must not keep others' operators waiting. */
const READS = 8;

/**
 * Answers operators: tests and retries are rows of the ledger, any replica writes them, one at a time; a conversation is
 * read by the replica that has the tenant, within its rate, one of a channel at a time.
 */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #bells = [new Bell(), new Bell()] as const;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** There may be a command. */
  ring(): void {
    for (const bell of this.#bells) bell.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { db, log, pollMs } = this.#options;
    const [ledger, conversations] = this.#bells;
    const ledgerCommands = carryOutCommands(
      {
        db,
        addressee: 'notification-bridge',
        kinds: ['notification.test', 'notification.retry'],
        log,
        pause: () => ledger.wait(pollMs, signal),
        carryOut: (command) => this.#carryOut(command),
      },
      signal,
    );
    await Promise.all([ledgerCommands, this.#readConversations(conversations, signal)]);
  }

  async #readConversations(bell: Bell, signal: AbortSignal): Promise<void> {
    const { db, log, served, pollMs } = this.#options;
    const reads = new Map<string, Promise<void>>();
    while (!signal.aborted) {
      try {
        const integrations = reads.size < READS ? served.integrations.filter((id) => !reads.has(id)) : [];
        const kinds = ['conversation.read'] as const;
        const command =
          integrations.length > 0 ? await takeCommand(db, 'notification-bridge', { kinds, integrations }) : undefined;
        if (command) {
          const { integration } = command.payload as Of<'conversation.read'>;
          const read = this.#carryOut(command)
            .catch((error: unknown) => log.warn(errorFacts(error), 'conversation not read'))
            .finally(() => {
              reads.delete(integration);
              bell.ring();
            });
          reads.set(integration, read);
          continue;
        }
      } catch (error) {
        log.warn(errorFacts(error), 'commands wait');
      }
      await bell.wait(pollMs, signal);
    }
    await Promise.all(reads.values());
  }

  async #carryOut(command: CommandRow): Promise<void> {
    await finishCommand(this.#options.db, command.id, await this.#answer(command));
  }

  async #answer(
    command: CommandRow,
  ): Promise<{ readonly result: unknown } | { readonly code: ErrorCode; readonly message: string }> {
    const { db, served } = this.#options;
    try {
      switch (command.kind) {
        case 'notification.test':
          return await testNotification(db, command.id, command.payload as Of<'notification.test'>);
        case 'notification.retry':
          return await retryNotification(db, command.payload as Of<'notification.retry'>);
        default:
          return { result: await readAtZiik(db, served, command.payload as Of<'conversation.read'>) };
      }
    } catch (error) {
      if (!isAppError(error)) throw error;
      return { code: error.code, message: error.message };
    }
  }
}
