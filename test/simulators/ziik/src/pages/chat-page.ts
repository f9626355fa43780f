import { html, type Html } from '@orgstream/simulator-kit';
import { fullName } from '../api/render-user.ts';
import { usersById, type UserRow } from '../api/user-store.ts';
import { conversationOf, conversationsOf, type ConversationRow } from '../chat/conversation-store.ts';
import { messagesOf, type MessageRow } from '../chat/message-store.ts';
import type { Db, Id } from '../db.ts';
import type { EdgeConfig } from '../login/edge.ts';
import { address, frame, openAddress, type Viewer } from './frame.ts';
import { trimmed } from './shortcuts.ts';

/** The chats of a person, one of them open: the one that is asked for, else the newest. */
export async function chatPage(
  db: Db,
  viewer: Viewer,
  { conversationId, edge }: { conversationId: Id | null; edge: EdgeConfig | null },
): Promise<string> {
  const { siteId, user } = viewer;
  const own = { siteId, userId: user.id };
  const listed = await conversationsOf(db, { ...own, order: 'desc', limit: 100, offset: 0 });
  const wanted = conversationId === null ? null : await conversationOf(db, { ...own, id: conversationId });
  const conversations = [...listed.conversations.filter((one) => one.id !== wanted?.id), ...(wanted ? [wanted] : [])];
  const newestFirst = conversations.toSorted((a, b) => lastMs(b) - lastMs(a));
  const open = newestFirst.find((one) => one.id === conversationId) ?? newestFirst[0];
  const ids = conversations.flatMap((one) => one.participants.map((person) => person.id));
  const people = await usersById(db, siteId, [...new Set(ids)]);
  const list = newestFirst.map((one) => entry(viewer, people, one, one === open));
  const talk = open
    ? await conversation(db, { viewer, people, edge }, open)
    : html`<p class="bubbles">No messages yet</p>`;
  const content = html`
    <h1>Chat</h1>
    <div class="chat">
      <div class="people" aria-label="Conversations">${list}</div>
      <div class="talk">${talk}</div>
    </div>
  `;
  return frame(viewer, 'chat', content);
}

const lastMs = (one: ConversationRow) => one.latest?.atMs ?? one.madeAtMs;

function entry(viewer: Viewer, people: ReadonlyMap<Id, UserRow>, one: ConversationRow, isOpen: boolean): Html {
  const names = one.participants
    .filter(({ id }) => id !== viewer.user.id)
    .map(({ id }) => nameOf(people, id))
    .join(', ');
  return html`<a ${isOpen ? html`class="here"` : ''} href="${address(viewer, 'chat')}&conversation=${one.id}">
    ${one.unread > 0 ? html`<span class="unread">${one.unread}</span>` : ''}<strong>${names}</strong>
    <div class="last">${one.latest?.deleted ? '' : one.latest?.message}</div></a
  >`;
}

interface Talk {
  readonly viewer: Viewer;
  readonly people: ReadonlyMap<Id, UserRow>;
  readonly edge: EdgeConfig | null;
}

async function conversation(db: Db, talk: Talk, { id }: ConversationRow): Promise<Html> {
  const { messages } = await messagesOf(db, { conversationId: id, order: 'desc', limit: 100, offset: 0 });
  return html`
    <div class="bubbles">${messages.toReversed().map((message) => bubble(talk, message))}</div>
    <form method="post" action="${address(talk.viewer, 'chat')}&conversation=${id}">
      <input
        type="text"
        name="message"
        aria-label="Message"
        placeholder="Write a message"
        autocomplete="off"
        required
      />
      <button>Send</button>
    </form>
  `;
}

function bubble({ viewer, people, edge }: Talk, { authorId, message, deleted }: MessageRow): Html {
  const mine = authorId === viewer.user.id;
  const text = deleted ? html`<em>Deleted</em>` : withLinks(viewer, edge, message);
  const author = mine ? '' : html`<small>${nameOf(people, authorId)}</small>`;
  return html`<div class="bubble${mine ? ' mine' : ''}">${author}${text}</div>`;
}

/** Addresses become links; those of a Learningbank that belongs to this Ziik go through its login. */
function withLinks(viewer: Viewer, edge: EdgeConfig | null, message: string): Html {
  const parts = message.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]])/u);
  return html`${parts.map((part, index) => (index % 2 === 0 ? part : link(viewer, edge, part)))}`;
}

function link(viewer: Viewer, edge: EdgeConfig | null, url: string): Html {
  const own = edge?.integrations.find(({ platformUrl }) => isBelow(url, platformUrl));
  if (!own) return html`<a href="${url}" rel="noreferrer">${url}</a>`;
  return html`<a class="learningbank" href="${openAddress(viewer, own.id, url)}">${url}</a>`;
}

function isBelow(url: string, platformUrl: string): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, pathname } = new URL(url);
  const platform = new URL(platformUrl);
  return origin === platform.origin && `${trimmed(pathname)}/`.startsWith(`${trimmed(platform.pathname)}/`);
}

function nameOf(people: ReadonlyMap<Id, UserRow>, id: Id): string {
  const user = people.get(id);
  return user ? fullName(user) : 'Somebody';
}
