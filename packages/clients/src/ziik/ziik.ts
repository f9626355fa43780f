/**
 * What orgstream needs of a Ziik, in our words. Paths, field names and oddities of the vendor's API (vendors.md §1.13)
 * live in `ziik-routes.ts` and `ziik-contract.ts` alone.
 *
 * Every method makes exactly one HTTP call (every page of a list is one); only the token is fetched besides: when there
 * is none, when less than a tenth of its life is left, and once after a 401. Nothing is retried here.
 *
 * Failures are AppErrors: ZIIK_UNREACHABLE, ZIIK_ERROR, ZIIK_RATE_LIMITED (waitMs), ZIIK_AUTH_FAILED, ZIIK_FORBIDDEN,
 * ZIIK_NOT_FOUND, ZIIK_REFUSED (data.targetCode, data.fields: names only), ZIIK_ANSWER_INVALID.
 * `data.ambiguous === true`: the write may have happened, look before repeating it.
 */
import type { CallOptions, HttpOptions, ListOptions, Page } from '../http.ts';

/** E-mail and password of a Ziik user: there are no API keys, a client acts as that user. */
export interface ZiikCredentials {
  readonly username: string;
  readonly password: string;
}

/** What lists show of a user: no e-mail, no language. */
export interface ZiikUserSummary {
  readonly id: number;
  readonly reference: string | null;
  readonly name: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly active: boolean;
  /** The best available primary unit. */
  readonly unitId: number | null;
}

export interface ZiikUser extends ZiikUserSummary {
  readonly email: string | null;
  /** ISO 639-1. */
  readonly language: string | null;
  readonly admin: boolean;
  /** Unix seconds after which Ziik deactivates the user. */
  readonly expiresAt: number | null;
  readonly userTypeIds: readonly number[];
}

export interface ZiikUnit {
  readonly id: number;
  readonly reference: string | null;
  readonly name: string;
  readonly unitType: string;
  /** null for the top unit. */
  readonly parentId: number | null;
}

export interface ZiikUnitNode extends ZiikUnit {
  readonly children: readonly ZiikUnitNode[];
}

/** What people call a role. */
export interface ZiikUserType {
  readonly id: number;
  readonly reference: string | null;
  readonly name: string;
}

export interface ZiikMembership {
  readonly unitId: number;
  readonly departmentId: number | null;
  readonly userTypeIds: readonly number[];
}

export interface ZiikConversation {
  readonly id: number;
  /** Fixed when it is made. */
  readonly type: 'direct' | 'group';
  readonly participants: readonly { readonly id: number; readonly active: boolean }[];
  /** null: no message yet, or Ziik did not say. */
  readonly latestMessageId: number | null;
}

export interface ZiikMessage {
  readonly id: number;
  readonly conversationId: number;
  /** `service`: written by Ziik itself, without a text. */
  readonly kind: 'normal' | 'service';
  readonly text: string;
  /** Unix milliseconds (Ziik counts seconds). */
  readonly atMs: number;
  readonly deleted: boolean;
  readonly authorId: number | null;
}

export interface ZiikSettings {
  readonly identifier: string;
  readonly name: string;
  readonly defaultLanguage: string | null;
  /** Chat is a module that can be switched off. */
  readonly chat: boolean;
}

export interface MessagesOptions extends CallOptions {
  /** Default 1. */
  readonly page?: number;
  /** Messages in one page; Ziik may give fewer. Default 100. */
  readonly pageSize?: number;
  /** Only messages up to this id. */
  readonly upTo?: number;
}

/** One Ziik (tenant), one user of it. Lists are async iterables of pages: each `next()` is one call. */
export interface ZiikClient {
  /** Signs in even if there is a token: proves the credentials. */
  authenticate(options?: CallOptions): Promise<void>;
  /** The user whose credentials these are. */
  me(options?: CallOptions): Promise<ZiikUser>;
  settings(options?: CallOptions): Promise<ZiikSettings>;

  /** Active users, or only those that are not: a full read is both. */
  users(filter?: { readonly inactive?: boolean }, options?: ListOptions): AsyncIterable<Page<ZiikUserSummary>>;
  user(id: number, options?: CallOptions): Promise<ZiikUser>;
  /** Active users only. Answers do not show the e-mail: whoever relies on it reads the user. */
  searchUsers(by: { readonly email: string }, options?: ListOptions): AsyncIterable<Page<ZiikUserSummary>>;
  memberships(userId: number, options?: CallOptions): Promise<readonly ZiikMembership[]>;

  units(options?: ListOptions): AsyncIterable<Page<ZiikUnit>>;
  unit(id: number, options?: CallOptions): Promise<ZiikUnit>;
  /** From the top unit down. */
  unitTree(options?: CallOptions): Promise<readonly ZiikUnitNode[]>;
  userTypes(options?: CallOptions): Promise<readonly ZiikUserType[]>;

  /** Own conversations with one user, as Ziik filters them: look at type and participants. */
  conversationsWith(userId: number, options?: ListOptions): AsyncIterable<Page<ZiikConversation>>;
  conversation(id: number, options?: CallOptions): Promise<ZiikConversation>;
  /** The direct conversation with one user, made if there is none. Not every Ziik does this: ZIIK_REFUSED. */
  createConversation(userId: number, options?: CallOptions): Promise<ZiikConversation>;
  /** A direct conversation with its first message. */
  createConversationWithMessage(userId: number, text: string, options?: CallOptions): Promise<ZiikMessage>;
  /** One page; the order is not documented. */
  messages(conversationId: number, options?: MessagesOptions): Promise<Page<ZiikMessage>>;
  postMessage(conversationId: number, text: string, options?: CallOptions): Promise<ZiikMessage>;
}

export interface ZiikClientOptions extends HttpOptions {
  readonly credentials: ZiikCredentials;
  /** The site as a browser opens it, `https://acme.ziik.io`; `/api` is added where it is missing. */
  readonly siteUrl: string;
}
