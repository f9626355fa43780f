import type { CallOptions, Page, ZiikClient, ZiikMessage } from '@orgstream/clients';
import { AppError } from '@orgstream/core';
import type { ConversationPage, ReadMessage } from './port.ts';
import { sameText } from './same-text.ts';

/** Pages of one look, at most: a conversation that long cannot be judged, and says so instead of "not there". */
const maxPages = 50;

interface Which extends CallOptions {
  readonly upTo?: number;
  readonly pageSize?: number;
}

/**
 * Messages of a conversation, newest first, page by page. In which order Ziik lists them is not documented: what page 1
 * shows decides, and where it shows no order (all of one second), everything is read and sorted.
 */
async function* newestFirst(
  client: ZiikClient,
  conversationId: number,
  which: Which,
): AsyncGenerator<readonly ZiikMessage[], void, undefined> {
  const read = (page: number) => client.messages(conversationId, { ...which, page });
  const first = await read(1);
  const order = orderOf(first);
  if (order === 'rising') {
    for (let page = first.totalPages; page > 1; page -= 1) {
      endless(first.totalPages - page);
      yield sorted((await read(page)).items);
    }
    yield sorted(first.items);
    return;
  }
  const all = [...first.items];
  if (order === 'falling') yield sorted(first.items);
  for (let page = 2; page <= first.totalPages; page += 1) {
    endless(page);
    const { items } = await read(page);
    if (order === 'falling') yield sorted(items);
    else all.push(...items);
  }
  if (order === 'none') yield sorted(all);
}

/** By date: ids say nothing within a second, and a page of one second says nothing at all. */
function orderOf({ items, totalPages }: Page<ZiikMessage>): 'falling' | 'rising' | 'none' {
  if (totalPages <= 1) return 'falling';
  const steps = new Set(items.slice(1).map(({ atMs }, at) => Math.sign(atMs - items[at]!.atMs)));
  if (steps.has(1) === steps.has(-1)) return 'none';
  return steps.has(1) ? 'rising' : 'falling';
}

function endless(pages: number): void {
  if (pages <= maxPages) return;
  throw new AppError('ZIIK_ANSWER_INVALID', 'messages.list: more pages than can be looked through', {
    route: 'messages.list',
    reason: 'too_large',
  });
}

function sorted(items: readonly ZiikMessage[]): readonly ZiikMessage[] {
  return items.toSorted((a, b) => b.id - a.id);
}

/** Id of the newest message; null: there is none. */
export async function newestOf(client: ZiikClient, conversationId: number, given: CallOptions): Promise<number | null> {
  for await (const messages of newestFirst(client, conversationId, given)) {
    if (messages[0] !== undefined) return messages[0].id;
  }
  return null;
}

/** What to look for in a conversation. */
interface Sought {
  readonly senderId: number;
  readonly text: string;
  readonly afterMessageId: number | null;
  readonly known?: ReadonlySet<number>;
}

/**
 * The oldest message of the sender with that text after that id that is not known already; null: it is not there. A message of the sender that
 * was deleted since counts when its text is gone: who cannot know does not send again.
 */
export async function findSent(
  client: ZiikClient,
  conversationId: number,
  { senderId, text, afterMessageId, known }: Sought,
  given: CallOptions,
): Promise<number | null> {
  const after = afterMessageId ?? 0;
  let same: number | null = null;
  let gone: number | null = null;
  for await (const messages of newestFirst(client, conversationId, given)) {
    for (const { id, authorId, kind, deleted, text: shown } of messages) {
      if (id <= after || authorId !== senderId || kind !== 'normal' || known?.has(id)) continue;
      if (sameText(text, shown)) same = Math.min(id, same ?? id);
      else if (deleted && shown.trim() === '') gone = Math.min(id, gone ?? id);
    }
    // Within a second the order may be any: a page of one second says nothing about the next.
    if (messages.every(({ id }) => id <= after) && messages.some(({ atMs }) => atMs !== messages[0]?.atMs)) break;
  }
  return same ?? gone;
}

/** Messages older than `before`, newest first. */
export async function readPage(
  client: ZiikClient,
  conversationId: number,
  { senderId, before, limit, signal }: CallOptions & { senderId: number; before?: number; limit: number },
): Promise<ConversationPage> {
  const found: ZiikMessage[] = [];
  const which: Which = {
    pageSize: limit + 2,
    ...(signal === undefined ? {} : { signal }),
    ...(before === undefined ? {} : { upTo: before }),
  };
  for await (const messages of newestFirst(client, conversationId, which)) {
    found.push(...messages.filter(({ id }) => before === undefined || id < before));
    if (found.length > limit) break;
  }
  const shown = found.slice(0, limit);
  return {
    messages: shown.map((message) => toRead(message, senderId)),
    before: found.length > limit ? (shown.at(-1)?.id ?? null) : null,
  };
}

function toRead({ id, kind, authorId, text, atMs, deleted }: ZiikMessage, senderId: number): ReadMessage {
  const from = kind === 'service' || authorId === null ? 'system' : authorId === senderId ? 'sender' : 'receiver';
  return { id, from, authorId, text: deleted ? '' : text, atMs, deleted };
}
