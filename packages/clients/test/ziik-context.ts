import { AppError } from '@orgstream/core';
import { createZiikClient, type CallResult, type ZiikClient, type ZiikClientOptions } from '../src/index.ts';
import { HostileServer, type Asked, type Reply } from './hostile-server.ts';

export const password = 'correct-horse';
export const username = 'academy@example.test';

/** A token answer. */
export function tokenReply(jwt: string, livesS: number, nowMs = Date.now()): { jwt: string; expires: number } {
  return { jwt, expires: Math.floor(nowMs / 1_000) + livesS };
}

export function page(data: unknown[], meta: object = {}): object {
  return {
    data,
    links: {},
    meta: { current_page: 1, from: 1, last_page: 1, per_page: 15, to: data.length, total: data.length, ...meta },
  };
}

export const user = {
  id: 7,
  reference: '',
  name: 'Ida Ø',
  first_name: 'Ida',
  last_name: 'Ø',
  active: true,
  unit: { id: 1 },
};
export const message = {
  id: 90,
  conversationId: 5,
  type: 1,
  message: 'Hej',
  date: 1_700_000_000,
  deleted: false,
  author: user,
};

/** A Ziik that signs in and answers the rest as a test says, and a client of it. */
export class ZiikContext implements AsyncDisposable {
  readonly server: HostileServer;
  readonly calls: CallResult[] = [];
  readonly ziik: ZiikClient;

  private constructor(server: HostileServer, options: Partial<ZiikClientOptions>) {
    this.server = server;
    this.ziik = createZiikClient({
      siteUrl: server.url,
      credentials: { username, password },
      timeoutMs: 60_000,
      onCall: (call) => this.calls.push(call),
      ...options,
    });
  }

  static async open(answer: (asked: Asked) => Reply, options: Partial<ZiikClientOptions> = {}): Promise<ZiikContext> {
    const server = await HostileServer.open();
    server.answer((asked) => (asked.path === '/api/authenticate' ? { json: tokenReply('t1', 3_600) } : answer(asked)));
    return new ZiikContext(server, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** The AppError that `promise` must reject with. */
export async function failureOf(promise: Promise<unknown>): Promise<AppError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error('it did not fail as it should', { cause: error });
}

/** All pages of a list. */
export async function all<T>(pages: AsyncIterable<{ readonly items: readonly T[] }>): Promise<T[]> {
  const items: T[] = [];
  for await (const { items: more } of pages) items.push(...more);
  return items;
}
