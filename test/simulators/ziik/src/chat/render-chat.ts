import type { Id } from '../db.ts';
import type { ApiCall } from '../api/call.ts';
import { fullName, userSummaries } from '../api/render-user.ts';
import { usersById, type UserRow } from '../api/user-store.ts';
import type { ConversationRow } from './conversation-store.ts';
import type { MessageRow } from './message-store.ts';

/** Messages with their authors. */
export async function renderMessages(call: ApiCall, messages: readonly MessageRow[], seenBy?: Id): Promise<object[]> {
  const known = await usersById(call.db, call.site.id, [...new Set(messages.map((message) => message.authorId))]);
  const rows = [...known.values()];
  const authors = new Map((await userSummaries(call, rows)).map((summary, index) => [rows[index]?.id, summary]));
  return messages.map((message) => ({
    content_type: 'message',
    id: Number(message.id),
    conversationId: Number(message.conversationId),
    type: 1,
    message: message.deleted ? '' : message.message,
    date: Math.floor(message.atMs / 1_000),
    is_new: seenBy !== undefined && message.authorId !== seenBy,
    is_reply: false,
    parent: null,
    deleted: message.deleted,
    author: authors.get(message.authorId) ?? null,
    files: [],
    reactions: [],
    uploading_files: 0,
    url: `api/messages/${message.id}`,
  }));
}

/** Conversations with their participants and latest messages. */
export async function renderConversations(call: ApiCall, conversations: readonly ConversationRow[]): Promise<object[]> {
  const ids = new Set(conversations.flatMap((one) => one.participants.map((person) => person.id)));
  const users = await usersById(call.db, call.site.id, [...ids]);
  const latest = await renderMessages(
    call,
    conversations.flatMap((one) => (one.latest === null ? [] : [one.latest])),
  );
  const latestOf = new Map(latest.map((message) => [(message as { conversationId: number }).conversationId, message]));
  return conversations.map((one) => ({
    content_type: 'conversation',
    id: Number(one.id),
    type: typeOf(call, one),
    title: one.title ?? '',
    unread_message_count: one.unread,
    mute_rule: null,
    publish: publishOf(one),
    latestMessage: latestOf.get(Number(one.id)) ?? null,
    participants: one.participants.map(({ id, isAdmin }) => participant(id, users.get(id), isAdmin)),
    ...(call.site.settings.conversations === 'new' ? { archived_at: null } : {}),
    url: `api/conversations/${one.id}`,
  }));
}

function typeOf({ site }: ApiCall, { isGroup }: ConversationRow): number | string {
  if (site.settings.conversations === 'old') return isGroup ? 2 : 1;
  return isGroup ? 'group' : 'direct';
}

function publishOf({ madeAtMs, latest }: ConversationRow): object {
  const updatedMs = latest?.atMs ?? madeAtMs;
  return { created_at: Math.floor(madeAtMs / 1_000), updated_at: Math.floor(updatedMs / 1_000) };
}

function participant(id: Id, user: UserRow | undefined, isAdmin: boolean): object {
  return {
    id: Number(id),
    name: user ? fullName(user) : '',
    first_name: user?.firstName ?? '',
    last_name: user?.lastName ?? '',
    avatar: null,
    active: user?.active ?? false,
    participant_type: isAdmin ? 2 : 1,
  };
}
