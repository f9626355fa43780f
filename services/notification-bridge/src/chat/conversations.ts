import type { CallOptions, ZiikClient, ZiikConversation } from '@orgstream/clients';
import { AppError, isAppError } from '@orgstream/core';
import type { ChatChannel, DirectConversation } from './port.ts';
import { receiverById } from './receiver.ts';

/** Pages of conversations looked through where Ziik does not filter. */
const maxPages = 20;

/**
 * Direct conversations of the sender, found again or made.
 *
 * How a Ziik makes them (vendors.md §1.10) is set, or found out with the first one that has to be made: `new` gives a
 * conversation for a user id and re-uses what is there; `old` insists on a first message, and has to be asked before.
 */
export class Conversations {
  readonly #client: ZiikClient;
  readonly #senderId: number;
  #made: ChatChannel['conversations'];

  constructor(client: ZiikClient, { senderId, conversations }: ChatChannel) {
    this.#client = client;
    this.#senderId = senderId;
    this.#made = conversations;
  }

  /** The direct conversation with this user; one that was made with its first message only is none yet. */
  async with(userId: number, given: CallOptions): Promise<DirectConversation> {
    const before = this.#made;
    if (before !== 'new') {
      const found = await this.#search(userId, given);
      // Not seen among too many: Ziik itself finds it when it is made.
      if (found !== null && found !== 'not_seen') return shown(found);
      if (before === 'old') return notYet;
    }
    try {
      const made = await this.#client.createConversation(userId, given);
      this.#verify(made, userId);
      this.#made = 'new';
      return shown(made);
    } catch (error) {
      // Another conversation that is made at the same time may have found it out meanwhile.
      if (before !== 'auto' || !(await this.#wantsMessage(error, userId, given))) throw error;
      this.#made = 'old';
      return notYet;
    }
  }

  /** The direct conversation with this user that is there already; null: it is not there for sure. */
  async find(userId: number, given: CallOptions): Promise<ZiikConversation | null> {
    const found = await this.#search(userId, given);
    if (found !== 'not_seen') return found;
    throw new AppError('ZIIK_ANSWER_INVALID', 'conversations.list: more pages than can be looked through', {
      route: 'conversations.list',
      reason: 'too_large',
    });
  }

  async #search(userId: number, given: CallOptions): Promise<ZiikConversation | 'not_seen' | null> {
    let pages = 0;
    for await (const page of this.#client.conversationsWith(userId, given)) {
      const [found] = page.items.filter((one) => this.#isDirect(one, userId)).toSorted((a, b) => a.id - b.id);
      if (found !== undefined) return found;
      if ((pages += 1) >= maxPages && page.page < page.totalPages) return 'not_seen';
    }
    return null;
  }

  /** Never a group, and nobody else in it. Whether Ziik lists the sender among the participants is not documented. */
  #isDirect({ type, participants }: ZiikConversation, userId: number): boolean {
    const ids = participants.map(({ id }) => id);
    return type === 'direct' && ids.includes(userId) && ids.every((id) => id === userId || id === this.#senderId);
  }

  #verify(conversation: ZiikConversation, userId: number): void {
    if (this.#isDirect(conversation, userId)) return;
    throw new AppError('ZIIK_ANSWER_INVALID', 'conversations.create: not the direct conversation asked for', {
      route: 'conversations.create',
      reason: 'values',
      fields: ['type', 'participants'],
    });
  }

  /** Refused because there is no message: it says so, or says nothing and there is nothing wrong with the receiver. */
  async #wantsMessage(error: unknown, userId: number, given: CallOptions): Promise<boolean> {
    // Nobody writes to themselves: the sender may be a person whom Learningbank notifies.
    if (!isAppError(error, 'ZIIK_REFUSED') || userId === this.#senderId) return false;
    const { fields } = error.data;
    if (Array.isArray(fields) && fields.length > 0) return fields.includes('message');
    const receiver = await receiverById(this.#client, userId, given);
    return receiver.found === 'one' && receiver.active;
  }
}

const notYet: DirectConversation = { conversationId: null, newestMessageId: null };

function shown({ id, latestMessageId }: ZiikConversation): DirectConversation {
  return { conversationId: id, newestMessageId: latestMessageId };
}
