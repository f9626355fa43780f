import type { Page, ZiikClient, ZiikConversation, ZiikMessage, ZiikUser } from '@orgstream/clients';
import { AppError } from '@orgstream/core';

export const senderId = 1;

/** A message of the sender, unless told otherwise. */
export function messageOf(id: number, more: Partial<ZiikMessage> = {}): ZiikMessage {
  return {
    id,
    conversationId: 5,
    kind: 'normal',
    text: `text ${id}`,
    atMs: Math.floor(id / 3) * 1_000,
    deleted: false,
    authorId: senderId,
    ...more,
  };
}

/** Pages of `size`, whatever is asked for: Ziik clamps. */
function paged<T>(all: readonly T[], size: number, page: number): Page<T> {
  const items = all.slice((page - 1) * size, page * size);
  return { items, page, totalPages: Math.max(1, Math.ceil(all.length / size)), total: all.length };
}

/** A client that knows these messages and conversations, in this order, and nothing else. */
export function fakeZiik(
  known: {
    messages?: readonly ZiikMessage[];
    conversations?: readonly ZiikConversation[];
    created?: ZiikConversation | AppError;
  },
  pageSize: number,
): { readonly client: ZiikClient; readonly reads: () => number } {
  let reads = 0;
  const { messages = [], conversations = [], created } = known;
  const client: Partial<ZiikClient> = {
    messages: async (_, { page = 1 } = {}) => {
      reads += 1;
      return paged(messages, pageSize, page);
    },
    async *conversationsWith() {
      for (let page = 1; page <= Math.max(1, Math.ceil(conversations.length / pageSize)); page += 1) {
        reads += 1;
        yield paged(conversations, pageSize, page);
      }
    },
    user: async (id) => ({ id, active: true, language: null, email: null }) as unknown as ZiikUser,
    createConversation: async () => {
      if (created === undefined || created instanceof AppError) throw created ?? new Error('not expected');
      return created;
    },
  };
  return { client: client as ZiikClient, reads: () => reads };
}
