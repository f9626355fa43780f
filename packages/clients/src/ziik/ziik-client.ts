import type { z } from 'zod';
import { Calls } from '../calls.ts';
import type { CallOptions, ListOptions, Page } from '../http.ts';
import type { Route } from '../route.ts';
import { answers, maxPageSize, query, vendor } from './ziik-contract.ts';
import { routes } from './ziik-routes.ts';
import { ziikSession, type ZiikToken } from './ziik-token.ts';
import type { ZiikClient, ZiikClientOptions } from './ziik.ts';

type ZiikCalls = Calls<ZiikToken>;
type Methods<K extends keyof ZiikClient> = Pick<ZiikClient, K>;

/** A client of one Ziik, as one of its users; see {@link ZiikClient} for what it promises. */
export function createZiikClient({ credentials, siteUrl, ...options }: ZiikClientOptions): ZiikClient {
  const settings = { ...options, vendor, baseUrl: apiOf(siteUrl) };
  const calls: ZiikCalls = new Calls<ZiikToken>(settings, ziikSession(settings, credentials));
  return {
    authenticate: async (given = {}) => {
      await calls.signIn(routes.authenticate, given, (session) => session.begin());
    },
    me: (given) => get(calls, routes.me, answers.user, given),
    settings: (given) => get(calls, routes.settings, answers.settings, given),
    ...userCalls(calls),
    ...unitCalls(calls),
    ...chatCalls(calls),
  };
}

function userCalls(calls: ZiikCalls): Methods<'users' | 'user' | 'searchUsers' | 'memberships'> {
  return {
    users: ({ inactive = false } = {}, given) =>
      list(calls, {
        route: routes.users,
        answer: answers.users,
        filter: inactive ? { inactive: '1' } : {},
        given,
        // A Ziik that does not know the filter shows the others.
        misfits: (user) => (user.active === inactive ? ['active'] : []),
      }),
    user: (id, given) =>
      calls.make({ route: routes.user(id), answer: answers.user, verify: sameId(id), ...signalOf(given) }),
    searchUsers: ({ email }, given) =>
      list(calls, { route: routes.searchUsers, answer: answers.users, filter: { email }, given }),
    memberships: (userId, given) => get(calls, routes.memberships(userId), answers.memberships, given),
  };
}

function unitCalls(calls: ZiikCalls): Methods<'units' | 'unit' | 'unitTree' | 'userTypes'> {
  return {
    units: (given) => list(calls, { route: routes.units, answer: answers.units, given }),
    unit: (id, given) =>
      calls.make({ route: routes.unit(id), answer: answers.unit, verify: sameId(id), ...signalOf(given) }),
    unitTree: (given) => everything(calls, routes.unitTree, answers.unitTree, given),
    userTypes: (given) => everything(calls, routes.userTypes, answers.userTypes, given),
  };
}

function chatCalls(
  calls: ZiikCalls,
): Methods<
  | 'conversationsWith'
  | 'conversation'
  | 'createConversation'
  | 'createConversationWithMessage'
  | 'messages'
  | 'postMessage'
> {
  return {
    conversationsWith: (userId, given) =>
      list(calls, { route: routes.conversations, answer: answers.conversations, filter: { user: `${userId}` }, given }),
    conversation: (id, given) =>
      calls.make({
        route: routes.conversation(id),
        answer: answers.conversation,
        verify: sameId(id),
        ...signalOf(given),
      }),
    createConversation: (userId, given) =>
      calls.make({
        route: routes.createConversation,
        answer: answers.conversation,
        body: { recipients: [userId] },
        ...signalOf(given),
      }),
    createConversationWithMessage: (userId, message, given) =>
      calls.make({
        route: routes.createWithMessage,
        answer: answers.message,
        body: { recipients: [userId], message },
        ...signalOf(given),
      }),
    messages: (id, given = {}) => {
      const { page = 1, pageSize = maxPageSize, upTo, signal } = given;
      const more = upTo === undefined ? {} : { message: `${upTo}` };
      return calls.page(
        {
          route: routes.messages(id),
          answer: answers.messages,
          query: (pageNo) => query(pageNo, pageSize, more),
          misfits: ({ conversationId }) => (conversationId === id ? [] : ['conversationId']),
        },
        page,
        signal,
      );
    },
    postMessage: (id, message, given) =>
      calls.make({
        route: routes.postMessage(id),
        answer: answers.message,
        body: { message },
        verify: ({ conversationId }) => (conversationId === id ? [] : ['conversationId']),
        ...signalOf(given),
      }),
  };
}

/** A site as a browser opens it, or its API: with `/api` in both cases. */
function apiOf(siteUrl: string): string {
  const url = siteUrl.replace(/\/+$/u, '');
  return url.endsWith('/api') ? url : `${url}/api`;
}

function get<T>(calls: ZiikCalls, route: Route, answer: z.ZodType<T>, given: CallOptions | undefined): Promise<T> {
  return calls.make({ route, answer, ...signalOf(given) });
}

/** A list without pages; without `all` only what the user works with. */
function everything<T>(
  calls: ZiikCalls,
  route: Route,
  answer: z.ZodType<T[]>,
  given: CallOptions | undefined,
): Promise<readonly T[]> {
  return calls.make({ route, answer, query: new URLSearchParams({ all: '1' }), ...signalOf(given) });
}

interface ListRequest<T> {
  readonly route: Route;
  readonly answer: z.ZodType<Page<T>>;
  readonly filter?: Readonly<Record<string, string>>;
  readonly misfits?: (item: T) => readonly string[];
  readonly given: ListOptions | undefined;
}

function list<T extends object>(
  calls: ZiikCalls,
  { given = {}, filter, ...listing }: ListRequest<T>,
): AsyncGenerator<Page<T>, void, undefined> {
  const pageSize = given.pageSize ?? maxPageSize;
  return calls.pages({ ...listing, query: (page) => query(page, pageSize, filter) }, given);
}

function sameId(id: number): (shown: { readonly id: number }) => readonly string[] {
  return (shown) => (shown.id === id ? [] : ['id']);
}

function signalOf(given: CallOptions | undefined): CallOptions {
  return given?.signal === undefined ? {} : { signal: given.signal };
}
