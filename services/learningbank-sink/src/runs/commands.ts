import { AppError, isAppError, type ErrorCode } from '@orgstream/core';
import { type Command, type CommandRow, errorFacts, finishCommand, type Knex, takeCommand } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import type { Way } from '../platform/session-pool.ts';
import type { Integration } from '../reconcile/integration-store.ts';
import type { Fenced } from './fence.ts';

/** Commands that the owner of an integration's platform answers. */
type PlatformBound = Extract<Command, { readonly payload: { readonly integration: string } }>;
type PlatformCommand = PlatformBound['kind'];

/** What a handler is given beside the payload. */
export interface CommandContext {
  readonly db: Knex;
  readonly log: Logger;
  readonly platform: string;
  readonly integration: Integration;
  /** The way to the platform; undefined while there is none. */
  readonly way: Way | undefined;
  readonly now: () => Date;
  /** For everything that is written: a transaction of the platform's owner. */
  readonly fenced: Fenced;
}

/**
 * Answers a command; what it throws (AppError) is the answer too. May be called again for the same command after a crash:
 * what it did then must do no harm, or be refused with a code.
 */
export type CommandHandler<K extends PlatformCommand = PlatformCommand> = (
  payload: Extract<PlatformBound, { readonly kind: K }>['payload'],
  context: CommandContext,
) => Promise<unknown>;

export type CommandHandlers = { readonly [K in PlatformCommand]?: CommandHandler<K> };

interface Inbox {
  readonly db: Knex;
  readonly log: Logger;
  readonly handlers: CommandHandlers;
  /** As last read. */
  readonly integrations: () => readonly Integration[];
  readonly refresh: () => Promise<void>;
  readonly contextOf: (integration: Integration) => CommandContext;
}

/**
 * A decision is about what the operator saw. When no sink was there to take it, it is refused rather than carried out on
 * whatever has come to be held since. Longer than it takes until the command of a dead process is taken again.
 */
const decisionMs = 120_000;

function assertFresh({ kind, ageMs }: CommandRow): void {
  if ((kind !== 'objects.act' && kind !== 'run.decide') || ageMs <= decisionMs) return;
  const age = Math.round(ageMs / 1_000);
  throw new AppError('DECISION_TOO_OLD', `the decision was made ${age} s ago, and no sink was there to carry it out`);
}

/** Takes and answers every new command about these integrations; returns how many there were. */
export async function answerCommands(inbox: Inbox, isStopped: () => boolean): Promise<number> {
  const { db, handlers } = inbox;
  const integrations = inbox.integrations().map(({ id }) => id);
  if (integrations.length === 0) return 0;
  const filter = { kinds: Object.keys(handlers) as PlatformCommand[], integrations };
  for (let answered = 0; ; answered += 1) {
    if (isStopped()) return answered;
    const command = await takeCommand(db, 'learningbank-sink', filter);
    if (!command) return answered;
    await answer(inbox, command);
  }
}

async function answer(inbox: Inbox, command: CommandRow): Promise<void> {
  const { db, log, handlers, contextOf } = inbox;
  const payload = command.payload as PlatformBound['payload'];
  try {
    assertFresh(command);
    // An operator who disables an integration and then asks for a run is answered by what is true now.
    await inbox.refresh();
    const integration = inbox.integrations().find(({ id }) => id === payload.integration);
    const handler = handlers[command.kind as PlatformCommand] as CommandHandler | undefined;
    if (!integration || !handler) throw new AppError('NOT_FOUND', 'no such integration');
    const result = await handler(payload as never, contextOf(integration));
    await finishCommand(db, command.id, { result });
  } catch (error) {
    // Not ours any more: whoever owns the platform takes it again.
    if (isAppError(error, 'LEASE_LOST')) return;
    if (!isAppError(error)) log.error({ ...errorFacts(error), command: command.kind }, 'command failed');
    const code: ErrorCode = isAppError(error) ? error.code : 'UNEXPECTED';
    const message = isAppError(error) ? error.message : 'see the log of the sink';
    const run = isAppError(error) ? error.data['run'] : undefined;
    await finishCommand(db, command.id, { code, message, ...(run === undefined ? {} : { result: { run } }) });
  }
}
