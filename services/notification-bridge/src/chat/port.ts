/**
 * Chat as the bridge needs it: a session acts as the sender user of one channel. Nothing is retried here, nothing is
 * remembered but a token and how this Ziik makes conversations.
 *
 * Failures are AppErrors. Of the whole channel: ZIIK_AUTH_FAILED, CHAT_MODULE_OFF, ZIIK_UNREACHABLE, ZIIK_ERROR,
 * ZIIK_RATE_LIMITED (waitMs), ZIIK_ANSWER_INVALID. Of one receiver: RECEIVER_INACTIVE, RECEIVER_WITHOUT_ACCOUNT,
 * ZIIK_FORBIDDEN, ZIIK_NOT_FOUND, ZIIK_REFUSED. Of a send, `mayHaveHappened(error)` says whether the message may be
 * there all the same: then look, never send again.
 *
 * Too long a text is ZIIK_REFUSED with `isTooLong(error, text)` (failure.ts): try `splitText(text, max)` (split-text.ts)
 * with the sizes of `partSizes(text)`, largest first. Parts depend on text and size alone.
 */
import type { CallInfo, CallOptions, CallResult } from '@orgstream/clients';

/** What a session needs to know of a channel (control.channel, its secret decrypted). */
export interface ChatChannel {
  /** The site as a browser opens it. */
  readonly ziikUrl: string;
  readonly username: string;
  readonly password: string;
  /** Who the credentials belong to, as found when the channel was set up. */
  readonly senderId: number;
  /** How this Ziik makes a direct conversation: by itself (`new`), with its first message (`old`), or find out. */
  readonly conversations: 'auto' | 'new' | 'old';
}

export interface ChatOptions {
  /** Deadline of one HTTP call. */
  readonly timeoutMs: number;
  /** Awaited before each HTTP call: rate, and the lease. A throw stops the call and reaches the caller as it is. */
  readonly beforeCall?: (call: CallInfo, signal: AbortSignal | undefined) => void | Promise<void>;
  /** Looked at in the turn in which a call is written: the last look at the lease. A throw stops the call. */
  readonly beforeSend?: (call: CallInfo) => void;
  /** After each HTTP call, for metrics. */
  readonly onCall?: (call: CallResult) => void;
}

/** Makes sessions; `createZiikChat(options)` is the one there is. */
export interface Chat {
  /**
   * Signs in, looks whether the credentials are still the sender's, and whether chat is on: three calls. Throws
   * ZIIK_AUTH_FAILED (also when they belong to somebody else), CHAT_MODULE_OFF. Keep the session as long as the
   * channel's version stands; a new one is also the probe of a channel that was stopped.
   */
  open(channel: ChatChannel, options?: CallOptions): Promise<ChatSession>;
}

/** Who is to receive. `several`: more than one user has the e-mail. */
export type Receiver =
  | { readonly found: 'one'; readonly userId: number; readonly active: boolean; readonly language: string | null }
  | { readonly found: 'none' | 'several' };

/** The direct conversation with a user. */
export interface DirectConversation {
  /** null: there is none yet, and this Ziik makes it with its first message: send to the user. */
  readonly conversationId: number | null;
  /** Newest message in it, at this moment or just before; null: none, or Ziik did not say: ask `newestMessageId`. */
  readonly newestMessageId: number | null;
}

/** Where a message goes. */
export interface SendTo {
  readonly userId: number;
  /** The direct conversation with that user; null: there is none yet, the message makes it. */
  readonly conversationId: number | null;
}

/** Where a message is. */
export interface Delivered {
  readonly conversationId: number;
  readonly messageId: number;
}

interface LookFor {
  /** Where the message was sent. */
  readonly to: SendTo;
  readonly text: string;
  /** Newest message before the POST; null: there was none, each message counts. */
  readonly afterMessageId: number | null;
  /** Messages that are known to be others; default none. */
  readonly known?: ReadonlySet<number>;
}

export interface ReadMessage {
  readonly id: number;
  readonly from: 'sender' | 'receiver' | 'system';
  readonly authorId: number | null;
  /** Empty when deleted. */
  readonly text: string;
  readonly atMs: number;
  readonly deleted: boolean;
}

/** Messages of a conversation, newest first. */
export interface ConversationPage {
  readonly messages: readonly ReadMessage[];
  /** Pass as `before` to read what is older; null: that was all. */
  readonly before: number | null;
}

export interface ChatSession {
  readonly senderId: number;
  /** By e-mail: active users only, and the e-mail is compared again on the user found (two calls). By id: one call. */
  findReceiver(by: { readonly userId: number } | { readonly email: string }, options?: CallOptions): Promise<Receiver>;
  /**
   * The one direct conversation with this user, found again or made; never a group, never with a third participant.
   * One call once it is known how this Ziik makes conversations, up to two before.
   */
  conversationWith(userId: number, options?: CallOptions): Promise<DirectConversation>;
  /** Newest message of a conversation, whoever wrote it; null: it is empty. */
  newestMessageId(conversationId: number, options?: CallOptions): Promise<number | null>;
  /** One POST. Not idempotent: commit `sending` before it. */
  send(to: SendTo, text: string, options?: CallOptions): Promise<Delivered>;
  /** The oldest message of the sender with this text after that id; null: it is not there. Reads only. */
  lookFor(what: LookFor, options?: CallOptions): Promise<Delivered | null>;
  read(
    conversationId: number,
    options?: CallOptions & { readonly before?: number; readonly limit?: number },
  ): Promise<ConversationPage>;
}
