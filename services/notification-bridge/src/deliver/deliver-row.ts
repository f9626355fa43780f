import { type ErrorCode, isAppError, codes } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { ChatSession, SendTo } from '../chat/port.ts';
import { isTooLong, mayHaveHappened } from '../chat/failure.ts';
import type { LedgerRow } from '../ledger/row.ts';
import { beginSend, type Fence, type Settlement, settle } from '../ledger/send-store.ts';
import type { ChannelFacts } from '../tenant/channel-store.ts';
import type { ChannelSession } from '../tenant/channel-session.ts';
import { afterwards, type Facts, type Failure, type Message, nextStep, type Outcome, type Patience } from './decide.ts';
import { readLinked, readMessagesOf, readPerson } from './receiver-store.ts';
import { readTypeTexts } from './text-store.ts';
import type { Turns } from './turns.ts';

export interface DeliverContext {
  readonly db: Knex;
  readonly session: ChannelSession;
  readonly channel: ChannelFacts;
  readonly fence: Fence;
  readonly patience: Patience;
  /** By Ziik user: where two receivers are one user, what one's POST wrote must be on record before the other looks. */
  readonly turns: Turns;
}

/** Carries one row as far as it goes now; returns what became of it. Null: it is not ours any more. */
export async function deliverRow(row: LedgerRow, context: DeliverContext): Promise<Settlement | null> {
  using turn = new DisposableStack();
  const settlement = await attempt(row, context, turn);
  const { db, fence } = context;
  return (await settle(db, { id: row.id, token: fence.token }, settlement)) ? settlement : null;
}

/** `turn` is taken with the first call that may write, or that looks for what was written. */
async function attempt(row: LedgerRow, context: DeliverContext, turn: DisposableStack): Promise<Settlement> {
  let facts: Facts = { defaultLanguage: context.channel.defaultLanguage };
  for (;;) {
    const step = nextStep(row, facts);
    switch (step.do) {
      case 'settle':
        return step.settlement;
      case 'send':
        turn.use(await context.turns.take(step.message.userId));
        return send(row, step.message, context);
      case 'look':
        turn.use(await context.turns.take(step.userId));
        return look(row, step, context);
      default:
        try {
          facts = { ...facts, ...(await learn(row, step, context)) };
        } catch (error) {
          return afterwards(row, [], { failure: failureOf('begin', error) }, context.patience);
        }
    }
  }
}

type Question = Exclude<ReturnType<typeof nextStep>, { do: 'settle' | 'send' | 'look' }>;

async function learn(row: LedgerRow, step: Question, { db, fence, session }: DeliverContext): Promise<Partial<Facts>> {
  const { tenant } = fence;
  const { integrationId: integration, receiver, personId } = row;
  switch (step.do) {
    case 'read_person':
      return {
        person:
          row.isTest && personId !== null
            ? await readPerson(db, { tenant, person: personId })
            : ((await readLinked(db, { tenant, integration, receiver })) ?? null),
      };
    case 'find':
      return { receiver: await session.read((chat, options) => chat.findReceiver({ email: step.email }, options)) };
    case 'read_account':
      return { account: await readPerson(db, { tenant, person: String(step.userId) }) };
    case 'read_type':
      return { type: await readTypeTexts(db, { integration, type: row.type, notification: row.id }) };
  }
}

/** Where it goes and what was newest there, then the commit of `sending`, then the POST. */
async function send(row: LedgerRow, message: Message, context: DeliverContext): Promise<Settlement> {
  const { session, patience } = context;
  const { parts } = message.payload;
  let began = false;
  const outcome = async (): Promise<Outcome> => {
    try {
      const { to, afterMessageId } = await session.read((chat, options) => place(chat, message.userId, options));
      const { conversationId } = to;
      const sent = await session.send(
        async () => {
          const intent = { ...message, ziikUserId: message.userId, conversationId, afterMessageId };
          return (began = await beginSend(context.db, context.fence, row, intent));
        },
        (chat, options) => chat.send(to, parts[0], options),
      );
      return sent === null ? { notBegun: true } : { found: sent };
    } catch (error) {
      return { failure: failureOf(began ? 'send' : 'begin', error, parts[0]) };
    }
  };
  return afterwards({ ...row, payload: message.payload }, parts, await outcome(), patience);
}

async function place(
  chat: ChatSession,
  userId: number,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly to: SendTo; readonly afterMessageId: number | null }> {
  const { conversationId, newestMessageId } = await chat.conversationWith(userId, options);
  const to = { userId, conversationId };
  if (conversationId === null) return { to, afterMessageId: null };
  return {
    to,
    afterMessageId: newestMessageId ?? (await chat.newestMessageId(conversationId, options)),
  };
}

async function look(
  row: LedgerRow,
  { userId, text }: { readonly userId: number; readonly text: string },
  { db, fence, session, patience, channel }: DeliverContext,
): Promise<Settlement> {
  const { conversationId, afterMessageId, senderId } = row;
  // The channel has another sender by now, who does not see what the former one wrote: nobody will ever know.
  if (senderId !== null && senderId !== channel.senderId) return { to: 'failed', code: 'DELIVERY_UNKNOWN' };
  const to = { userId, conversationId };
  try {
    const known = await readMessagesOf(db, { tenant: fence.tenant, person: String(userId), but: row.id });
    const found = await session.read((chat, options) => chat.lookFor({ to, text, afterMessageId, known }, options));
    return afterwards(row, row.payload?.parts ?? [text], { found }, patience);
  } catch (error) {
    return afterwards(row, [text], { failure: failureOf('look', error) }, patience);
  }
}

/** What a failure means; of an unknown one after the POST began, that the message may be there. */
function failureOf(at: Failure['at'], error: unknown, text = ''): Failure {
  const code: ErrorCode = isAppError(error) ? error.code : 'UNEXPECTED';
  const ourselves =
    isAppError(error, 'LEASE_LOST', 'PLATFORM_PAUSED') || (isAppError(error) && error.data['reason'] === 'aborted');
  return {
    at,
    code,
    disposition: codes[code],
    waitMs: isAppError(error) ? (error.waitMs ?? 0) : 0,
    mayHaveHappened: mayHaveHappened(error),
    tooLong: at === 'send' && isTooLong(error, text),
    ourselves,
  };
}
