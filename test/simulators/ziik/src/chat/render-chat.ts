import type { Id } from '../db.ts';
import type { ApiCall } from '../api/call.ts';
import { fullName, userSummary } from '../api/render-user.ts';
import { usersById, type UserRow } from '../api/user-store.ts';
import type { ConversationRow } from './conversation-store.ts';
import type { MessageRow } from './message-store.ts';

/** Messages with their authors. */
export async function renderMessages(call: ApiCall, messages: readonly MessageRow[], seenBy?: Id): Promise<object[]> {
  const authors = await usersById(call.db, call.site.id, [...new Set(messages.map((message) => message.authorId))]);
  return messages.map((message) => renderMessage(call, message, { authors, seenBy }));
}

function renderMessage(
  call: ApiCall,
  message: MessageRow,
  { authors, seenBy }: { authors: ReadonlyMap<Id, UserRow>; seenBy?: Id | undefined },
): object {
  const author = authors.get(message.authorId);
  return {
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
    author: author ? userSummary(call, author) : null,
    files: [],
    reactions: [],
    uploading_files: 0,
    url: `api/messages/${message.id}`,
  };
}

/** Conversations with their participants and latest messages; `known` = people who were read already. */
export async function renderConversations(
  call: ApiCall,
  conversations: readonly ConversationRow[],
  known?: ReadonlyMap<Id, UserRow>,
): Promise<object[]> {
  const ids = new Set(conversations.flatMap((one) => one.participants.map((person) => person.id)));
  const users = known ?? (await usersById(call.db, call.site.id, [...ids]));
  return conversations.map((one) => ({
    content_type: 'conversation',
    id: Number(one.id),
    type: typeOf(call, one),
    title: one.title ?? '',
    unread_message_count: one.unread,
    mute_rule: null,
    publish: publishOf(one),
    latestMessage: one.latest && renderMessage(call, one.latest, { authors: users }),
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
