import { isAppError } from '@orgstream/core';
import type { z } from 'zod';
import type { CallOptions, ListOptions, Page } from './http.ts';
import { exchange, type Exchange, type Settings } from './http-exchange.ts';
import type { Route } from './route.ts';
import type { Session, Token } from './session.ts';
import { invalidAnswer, noAnswer } from './vendor-failure.ts';

/** What is asked of a list, page by page. */
interface Listing<T> {
  readonly route: Route;
  readonly answer: z.ZodType<Page<T>>;
  readonly query: (page: number) => URLSearchParams;
  /** Names of the filters that an item does not fit. */
  readonly misfits?: (item: T) => readonly string[];
}

/** Calls of one platform with its token: fetched when missing or old, renewed once after a 401. */
export class Calls<T extends Token> {
  readonly #settings: Settings;
  readonly #session: Session<T>;

  constructor(settings: Settings, session: Session<T>) {
    this.#settings = settings;
    this.#session = session;
  }

  /** Waits for a token call, which may be others' too, until `signal` ends the wait. */
  async signIn(route: Route, { signal }: CallOptions, how: (session: Session<T>) => Promise<T>): Promise<T> {
    return this.#unlessAborted(how(this.#session), signal, route);
  }

  /** A 401 means that nothing was done, so the one repetition is safe for writes too. */
  async make<A>(call: Omit<Exchange<A>, 'token'>): Promise<A> {
    const { authFailed } = this.#settings.vendor.codes;
    const token = await this.#unlessAborted(this.#session.token(), call.signal, call.route);
    try {
      return await exchange(this.#settings, { ...call, token });
    } catch (error) {
      if (!isAppError(error, authFailed)) throw error;
      this.#session.forget(token);
    }
    const renewed = await this.#unlessAborted(this.#session.token(), call.signal, call.route);
    try {
      return await exchange(this.#settings, { ...call, token: renewed });
    } catch (error) {
      if (isAppError(error, authFailed)) this.#session.forget(renewed);
      throw error;
    }
  }

  /** One page of a list. */
  async page<A extends object>(
    { route, answer, query, misfits }: Listing<A>,
    page: number,
    signal: AbortSignal | undefined,
  ): Promise<Page<A>> {
    return this.make({
      route,
      answer,
      signal,
      query: query(page),
      verify: (found) => [
        ...new Set([...found.items.flatMap((item) => misfits?.(item) ?? []), ...(found.page === page ? [] : ['page'])]),
      ],
    });
  }

  /** Page by page, one call each, made when it is asked for. */
  async *pages<A extends object>(
    listing: Listing<A>,
    { signal, fromPage = 1 }: ListOptions = {},
  ): AsyncGenerator<Page<A>, void, undefined> {
    for (let page = fromPage; ; page += 1) {
      const got = await this.page(listing, page, signal);
      yield got;
      if (page >= got.totalPages) return;
      // A list that ends before its own count would be taken for a complete one.
      if (got.items.length === 0) {
        throw invalidAnswer(this.#settings.vendor, listing.route, 200, 'values', ['totalPages']);
      }
    }
  }

  /** A token call is shared by many, so one of them giving up must not end it. */
  async #unlessAborted<A>(work: Promise<A>, signal: AbortSignal | undefined, route: Route): Promise<A> {
    if (signal === undefined) return work;
    const aborted = Promise.withResolvers<never>();
    // Nothing of the call itself was sent.
    const onAbort = () => aborted.reject(noAnswer(this.#settings.vendor, { ...route, write: false }, null, 'aborted'));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
