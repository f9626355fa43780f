import { type ErrorCode, isAppError } from '@orgstream/core';
import { type Command, type CommandRow, errorFacts, finishCommand, type Knex, takeCommand } from '@orgstream/database';
import { Bell, type Logger } from '@orgstream/runtime';
import type { ChannelSession } from '../tenant/channel-session.ts';
import { readAtZiik } from './conversation.ts';
import { retryNotification, testNotification } from './ledger-commands.ts';

/** Channels that this replica serves. */
export interface ServedChannels {
  readonly integrations: readonly string[];
  /** The way to Ziik of one of them; undefined: it is not ours any more. */
  session(integration: string): Promise<ChannelSession | undefined>;
}

export interface CommandsOptions {
  readonly db: Knex;
  readonly log: Logger;
  readonly served: ServedChannels;
  readonly pollMs: number;
}

type Of<K extends Command['kind']> = Extract<Command, { kind: K }>['payload'];

/**
 * Answers operators: tests and retries are rows of the ledger, any replica writes them; a conversation is read by the
 * replica that has the tenant, within its rate. One at a time.
 */
export class Commands {
  readonly bell = new Bell();
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, pollMs } = this.#options;
    while (!signal.aborted) {
      try {
        if (await this.#one()) continue;
      } catch (error) {
        // It stays `running`, and is taken again once it is stale.
        log.warn(errorFacts(error), 'commands wait');
      }
      await this.bell.wait(pollMs, signal);
    }
  }

  async #one(): Promise<boolean> {
    const { db, served } = this.#options;
    const { integrations } = served;
    const command =
      (await takeCommand(db, 'notification-bridge', { kinds: ['notification.test', 'notification.retry'] })) ??
      (integrations.length > 0
        ? await takeCommand(db, 'notification-bridge', { kinds: ['conversation.read'], integrations })
        : undefined);
    if (!command) return false;
    await finishCommand(db, command.id, await this.#answer(command));
    return true;
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
