import { createZiikClient, type CallOptions, type ZiikClient } from '@orgstream/clients';
import { AppError } from '@orgstream/core';
import { Conversations } from './conversations.ts';
import { explain } from './explain.ts';
import { findSent, newestOf, readPage } from './messages.ts';
import type { Chat, ChatChannel, ChatOptions, ChatSession, Delivered, SendTo } from './port.ts';
import { receiverByEmail, receiverById } from './receiver.ts';

/** Messages of one page of a conversation. */
const defaultLimit = 50;
const maxLimit = 90;

/** Chat of Ziik, through its REST API; see {@link Chat}. */
export function createZiikChat(options: ChatOptions): Chat {
  return {
    open: async (channel, given = {}) => {
      const { username, password, ziikUrl: siteUrl } = channel;
      const client = createZiikClient({ ...options, siteUrl, credentials: { username, password } });
      await look(client, channel, given);
      return sessionOf(client, channel);
    },
  };
}

/** Whether this channel can send at all. */
async function look(client: ZiikClient, { senderId }: ChatChannel, given: CallOptions): Promise<void> {
  await client.authenticate(given);
  const { id, active } = await client.me(given);
  if (id !== senderId || !active) {
    throw new AppError('ZIIK_AUTH_FAILED', 'users.current: the credentials are not those of the active sender user', {
      route: 'users.current',
    });
  }
  const { chat } = await client.settings(given);
  if (!chat) throw new AppError('CHAT_MODULE_OFF', 'settings.get: chat is switched off', { route: 'settings.get' });
}

function sessionOf(client: ZiikClient, channel: ChatChannel): ChatSession {
  const { senderId } = channel;
  const conversations = new Conversations(client, channel);
  return {
    senderId,
    findReceiver: (by, given = {}) =>
      'email' in by ? receiverByEmail(client, by.email, given) : receiverById(client, by.userId, given),
    conversationWith: (userId, given = {}) =>
      explain(client, { userId }, given, () => conversations.with(userId, given)),
    newestMessageId: (conversationId, given = {}) =>
      explain(client, {}, given, () => newestOf(client, conversationId, given)),
    send: (to, text, given = {}) => explain(client, to, given, () => send(client, senderId, { to, text }, given)),
    lookFor: ({ to, ...sought }, given = {}) =>
      explain(client, to, given, async () => {
        const conversationId = to.conversationId ?? (await conversations.find(to.userId, given))?.id;
        if (conversationId === undefined) return null;
        const messageId = await findSent(client, conversationId, { ...sought, senderId }, given);
        return messageId === null ? null : { conversationId, messageId };
      }),
    read: (conversationId, { limit = defaultLimit, ...given } = {}) =>
      explain(client, {}, given, () =>
        readPage(client, conversationId, { ...given, senderId, limit: Math.min(limit, maxLimit) }),
      ),
  };
}

interface Message {
  readonly to: SendTo;
  readonly text: string;
}

/**
 * A success that shows a message of the sender is believed, whatever text it shows: a chat may change a text, and a
 * message taken for another would be sent again.
 */
async function send(
  client: ZiikClient,
  senderId: number,
  { to, text }: Message,
  given: CallOptions,
): Promise<Delivered> {
  const { id, conversationId, authorId } =
    to.conversationId === null
      ? await client.createConversationWithMessage(to.userId, text, given)
      : await client.postMessage(to.conversationId, text, given);
  if (authorId === null || authorId === senderId) return { conversationId, messageId: id };
  throw new AppError('ZIIK_ANSWER_INVALID', 'messages.create: the answer shows a message of somebody else', {
    reason: 'values',
    fields: ['author'],
    ambiguous: true,
  });
}
