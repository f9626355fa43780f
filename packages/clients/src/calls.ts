import { isAppError } from '@orgstream/core';
import type { z } from 'zod';
import { exchange, type Exchange } from './http-exchange.ts';
import { answers, encode, maxPageSize, routes, type Route } from './learningbank-contract.ts';
import type { CallOptions, ListOptions, Page } from './http.ts';
import type { LearningbankClientOptions, PlatformIdentity } from './learningbank.ts';
import { Session } from './session.ts';
import { invalidAnswer, noAnswer } from './target-failure.ts';
import { verifyFilter } from './verify-answer.ts';

/** Calls of one platform with its token: fetched when missing or old, renewed once after a 401. */
export class Calls {
  readonly #settings: LearningbankClientOptions;
  readonly #session: Session;

  constructor(options: LearningbankClientOptions) {
    this.#settings = { ...options, baseUrl: options.baseUrl.replace(/\/+$/u, '') };
    const body = encode.credentials(options.credentials);
    this.#session = new Session(
      () => exchange(this.#settings, { route: routes.token, body, answer: answers.token }),
      options.now ?? Date.now,
    );
  }

  async login({ signal }: CallOptions = {}): Promise<PlatformIdentity> {
    return (await unlessAborted(this.#session.renew(), signal)).platform;
  }

  /** A 401 means that nothing was done, so the one repetition is safe for writes too. */
  async make<T>(call: Omit<Exchange<T>, 'token'>): Promise<T> {
    const token = await unlessAborted(this.#session.token(), call.signal);
    try {
      return await exchange(this.#settings, { ...call, token });
    } catch (error) {
      if (!isAppError(error, 'TARGET_AUTH_FAILED')) throw error;
      this.#session.forget(token);
    }
    const renewed = await unlessAborted(this.#session.token(), call.signal);
    try {
      return await exchange(this.#settings, { ...call, token: renewed });
    } catch (error) {
      if (isAppError(error, 'TARGET_AUTH_FAILED')) this.#session.forget(renewed);
      throw error;
    }
  }

  /** Page by page, one call each, made when it is asked for. */
  async *pages<T extends object>(
    route: Route,
    answer: z.ZodType<Page<T>>,
    filter: object,
    { signal, pageSize = maxPageSize, fromPage = 1 }: ListOptions = {},
  ): AsyncGenerator<Page<T>, void, undefined> {
    for (let page = fromPage; ; page += 1) {
      const got = await this.make({
        route,
        answer,
        signal,
        query: encode.query(filter, page, pageSize),
        verify: (found) => misfits(found, page, filter),
      });
      yield got;
      if (page >= got.totalPages) return;
      // A list that ends before its own count would be taken for a complete one.
      if (got.items.length === 0) throw invalidAnswer(route, 200, 'values', ['totalPages']);
    }
  }
}

function misfits(found: Page<object>, page: number, filter: object): readonly string[] {
  const fields = new Set(found.items.flatMap((item) => verifyFilter(filter, item)));
  if (found.page !== page) fields.add('page');
  return [...fields];
}

/** A token call is shared by many, so one of them giving up must not end it. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(noAnswer(routes.token, null, 'aborted'));
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
