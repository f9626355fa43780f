import { z } from 'zod';
import type { Answer } from '@orgstream/simulator-kit';
import type { Id } from '../db.ts';
import { ApiError, forbidden, invalidField, notFound } from '../api/api-error.ts';
import type { ApiCall, ApiRoute } from '../api/call.ts';
import { parse } from '../api/input.ts';
import { envelope, pageOf } from '../api/paging.ts';
import { usersById, type UserRow } from '../api/user-store.ts';
import {
  conversationExists,
  conversationOf,
  conversationsOf,
  openDirect,
  openGroup,
  type ConversationRow,
} from './conversation-store.ts';
import { addMessage, deleteMessage, markSeen, messageOf, messagesOf, type MessageRow } from './message-store.ts';
import { renderConversations, renderMessages } from './render-chat.ts';

const id = z.coerce.string().regex(/^\d{1,18}$/);
const NewConversation = z.object({ recipients: z.array(id).min(1), message: z.string().optional() });
const NewMessage = z.object({ message: z.string() });
const Listed = z.object({ user: id.optional() });
const Read = z.object({ message: id.optional() });

/** `/conversations` and all below it; all of it goes with the chat module. */
export const chatRoutes: readonly ApiRoute[] = [
  chat('get', '/conversations', list),
  chat('post', '/conversations', create),
  chat('get', '/conversations/:id', async (call) => {
    const [data] = await renderConversations(call, [await conversation(call)]);
    return { status: 200, body: { data } };
  }),
  chat('post', '/conversations/:id/messages', async (call) => {
    const conversationId = id.safeParse(call.params['id']);
    if (!conversationId.success) throw notFound('conversation');
    return send(call, conversationId.data, parse(NewMessage, call.input).message);
  }),
  chat('get', '/conversations/:id/messages', messages),
  chat('get', '/conversations/:id/messages/:message', async (call) => {
    const [data] = await renderMessages(call, [await message(call)]);
    return { status: 200, body: { data } };
  }),
  chat('delete', '/conversations/:id/messages/:message', async (call) => {
    const row = await message(call);
    if (row.authorId !== call.actor.id) throw forbidden('Only its author deletes a message');
    await deleteMessage(call.db, row.conversationId, row.id);
    return { status: 204 };
  }),
  chat('post', '/conversations/:id/seen', async (call) => {
    await markSeen(call.db, (await conversation(call)).id, call.actor.id);
    return { status: 204 };
  }),
  chat('get', '/conversations/:id/participants', async (call) => {
    const [shown] = await renderConversations(call, [await conversation(call)]);
    return { status: 200, body: { data: (shown as { participants: unknown }).participants } };
  }),
];

function chat(method: ApiRoute['method'], path: string, run: ApiRoute['run']): ApiRoute {
  const guarded = (call: ApiCall) => {
    if (!call.site.settings.chat) throw new ApiError(403, 'module_disabled', 'Chat is switched off');
    return run(call);
  };
  return { method, path, run: guarded };
}

async function list(call: ApiCall): Promise<Answer> {
  const { user } = parse(Listed, call.input);
  const page = pageOf(call, { limit: 50 });
  const found = await conversationsOf(call.db, {
    siteId: call.site.id,
    userId: call.actor.id,
    withUser: user,
    limit: page.limit,
    offset: page.offset,
  });
  const data = await renderConversations(call, found.conversations);
  return { status: 200, body: envelope(call, '/conversations', { data, total: found.total, page }) };
}

/** New: makes or finds the conversation, and takes no message. Old: makes or finds it and sends the first message. */
async function create(call: ApiCall): Promise<Answer> {
  const { recipients, message } = parse(NewConversation, call.input);
  const to = [...new Set(recipients)];
  const old = call.site.settings.conversations === 'old';
  if (old) checkText(call, message ?? '');
  const people = await peopleOf(call, to);
  const from = call.actor.id;
  const place = { siteId: call.site.id, from, nowMs: call.nowMs };
  const [first = ''] = to;
  const opened =
    to.length === 1 ? await openDirect(call.db, { ...place, to: first }) : await openGroup(call.db, { ...place, to });
  if (old) return send(call, opened, message ?? '');
  const row = await conversationOf(call.db, { siteId: call.site.id, userId: from, id: opened });
  if (!row) throw notFound('conversation');
  const [data] = await renderConversations(call, [row], people);
  return { status: 200, body: { data } };
}

/** The caller and the recipients, who must be there and active. */
async function peopleOf({ db, site, actor }: ApiCall, recipients: readonly Id[]): Promise<Map<Id, UserRow>> {
  if (recipients.includes(actor.id)) throw invalidField('recipients', 'You cannot write to yourself');
  const users = await usersById(db, site.id, [actor.id, ...recipients]);
  const active = recipients.every((recipient) => users.get(recipient)?.active === true);
  if (!active) throw invalidField('recipients', 'A recipient does not exist or is inactive');
  return users;
}

function checkText({ site }: ApiCall, message: string): void {
  if (message.trim() === '') throw invalidField('message', 'The message is required');
  const most = site.settings.messageMaxLength;
  if (most > 0 && Array.from(message).length > most) throw invalidField('message', `At most ${most} characters`);
}

async function send(call: ApiCall, conversationId: Id, text: string): Promise<Answer> {
  checkText(call, text);
  const { db, actor, nowMs } = call;
  const row = await addMessage(db, { siteId: call.site.id, conversationId, authorId: actor.id, message: text, nowMs });
  if (!row) throw await noPlace(call, conversationId);
  const [data] = await renderMessages(call, [row]);
  return { status: 201, body: { data }, location: `${call.siteUrl}/api/messages/${row.id}` };
}

async function messages(call: ApiCall): Promise<Answer> {
  const { id: conversationId } = await conversation(call);
  const page = pageOf(call, { limit: 500, most: 500 });
  const found = await messagesOf(call.db, {
    conversationId,
    upTo: parse(Read, call.input).message,
    order: call.site.settings.messageOrder,
    limit: page.limit,
    offset: page.offset,
  });
  const data = await renderMessages(call, found.messages, call.actor.id);
  const path = `/conversations/${conversationId}/messages`;
  return { status: 200, body: envelope(call, path, { data, total: found.total, page }) };
}

async function conversation(call: ApiCall): Promise<ConversationRow> {
  const wanted = id.safeParse(call.params['id']);
  if (!wanted.success) throw notFound('conversation');
  const row = await conversationOf(call.db, { siteId: call.site.id, userId: call.actor.id, id: wanted.data });
  if (!row) throw await noPlace(call, wanted.data);
  return row;
}

/** Others' conversations are forbidden, other sites' do not exist. */
async function noPlace({ db, site }: ApiCall, conversationId: Id): Promise<ApiError> {
  const there = await conversationExists(db, site.id, conversationId);
  return there ? forbidden('You are not in this conversation') : notFound('conversation');
}

async function message(call: ApiCall): Promise<MessageRow> {
  const { id: conversationId } = await conversation(call);
  const wanted = id.safeParse(call.params['message']);
  const row = wanted.success ? await messageOf(call.db, conversationId, wanted.data) : undefined;
  if (!row) throw notFound('message');
  return row;
}
