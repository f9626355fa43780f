import { createHmac } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, type learningbank } from '@orgstream/core';
import { createLogger } from '@orgstream/runtime';
import { expect, test } from 'vitest';
import { createApp } from '../app.ts';
import { createHook, type HookOptions } from './hook.ts';
import type { HookOutcome } from './metrics.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const integration = '0b8f4c1e-0000-4000-8000-000000000001';
const secret = 'a secret';

const sent = {
  id: 7,
  type: 'module.assigned',
  occurredAt: '2026-11-22T10:00:00.000Z',
  receiver: { userId: 12, email: 'ada@example.org' },
};

/** The hook behind the edge's own app, with a Kafka that is a list. */
class HookContext implements AsyncDisposable {
  readonly stored: learningbank.Notification[] = [];
  readonly outcomes: HookOutcome[] = [];
  /** Integrations of which operators are told that something came. */
  readonly noted: string[] = [];
  readonly #server;

  private constructor(given: Partial<HookOptions>) {
    const router = createHook({
      channels: {
        of: async (id) => (id === integration ? { tenant: 'eu1.42', secret, oldSecret: undefined } : undefined),
      },
      outlet: { put: async (records) => void this.stored.push(...records) },
      received: { note: (id) => this.noted.push(id) },
      metrics: { hooked: (outcome) => this.outcomes.push(outcome) },
      log,
      perMinute: 1_000,
      ...given,
    });
    this.#server = createServer(createApp({ log, trustProxy: 1, routers: [router] }));
  }

  static async open(given: Partial<HookOptions> = {}): Promise<HookContext> {
    const context = new HookContext(given);
    await new Promise<void>((resolve) => context.#server.listen(0, '127.0.0.1', resolve));
    return context;
  }

  async deliver(body: string | Buffer, { to = integration, by = secret, headers = {} } = {}) {
    const t = Math.floor(Date.now() / 1_000);
    const v1 = createHmac('sha256', by).update(`${t}.`).update(body).digest('hex');
    const { port } = this.#server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/hooks/learningbank/${to}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-learningbank-signature': `t=${t},v1=${v1}`, ...headers },
      body,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && (JSON.parse(text) as unknown), text };
  }

  /** Begins a request, and never ends it. */
  begin(part: string, headers: Record<string, string>): Promise<number> {
    const { port } = this.#server.address() as AddressInfo;
    return new Promise((resolve, reject) => {
      const path = `/hooks/learningbank/${integration}`;
      const request = httpRequest({ port, host: '127.0.0.1', path, method: 'POST', headers });
      request.on('response', (response) => resolve(response.statusCode ?? 0)).on('error', reject);
      request.write(part);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

test('a signed notification is answered 202 once it is stored', async () => {
  await using hook = await HookContext.open();
  const { status, headers } = await hook.deliver(JSON.stringify(sent));
  expect(status).toBe(202);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(hook.stored).toMatchObject([
    { tenant: 'eu1.42', integrationId: integration, id: '7', receiver: '12', email: 'ada@example.org', via: 'hook' },
  ]);
  expect(hook.stored[0]).not.toHaveProperty('userId');
  expect(hook.noted).toEqual([integration]);
});

test('a delivery that comes again is taken again: the ledger knows it', async () => {
  await using hook = await HookContext.open();
  const statuses = await Promise.all([1, 2, 3].map(() => hook.deliver(JSON.stringify(sent))));
  expect(statuses.map(({ status }) => status)).toEqual([202, 202, 202]);
});

test('an unknown hook, a wrong secret and a wrong path of it all get the very same answer', async () => {
  await using hook = await HookContext.open();
  const body = JSON.stringify(sent);
  const answers = [
    await hook.deliver(body, { by: 'another secret' }),
    await hook.deliver(body, { to: '0b8f4c1e-0000-4000-8000-000000000002' }),
    await hook.deliver(body, { to: 'no-uuid' }),
    await hook.deliver('not json', { by: 'another secret' }),
    await hook.deliver(body, { headers: { 'x-learningbank-signature': '' } }),
  ];
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  for (const { status, body: problem, headers } of answers) {
    expect(status).toBe(401);
    expect(problem).toMatchObject({ code: 'HOOK_REFUSED' });
    expect(headers.get('content-type')).toMatch('application/problem+json');
  }
  expect(hook.stored).toEqual([]);
});

test('what is signed but no notification is answered with what is wrong with it', async () => {
  await using hook = await HookContext.open();
  const { status, body } = await hook.deliver(JSON.stringify({ ...sent, occurredAt: 'soon', receiver: {} }));
  expect(status).toBe(422);
  expect(body).toMatchObject({ code: 'REQUEST_INVALID' });
  const { problems } = body as { problems: string[] };
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(['occurredAt', 'receiver.userId']);
  for (const odd of ['', 'null', '[]', '{', '"text"', '\ufeff{}']) expect((await hook.deliver(odd)).status).toBe(422);
  expect((await hook.deliver(Buffer.from([0x7b, 0xff, 0x7d]))).status).toBe(422);
  expect(hook.stored).toEqual([]);
  expect(hook.noted).toEqual([]);
});

test('a body above 64 KB is not read to its end, whether its length was announced or not', async () => {
  await using hook = await HookContext.open();
  const { status, body } = await hook.deliver(JSON.stringify({ ...sent, link: 'x'.repeat(64 * 1024) }));
  expect([status, body]).toMatchObject([413, { code: 'BODY_TOO_LARGE' }]);
  expect(await hook.begin('{', { 'content-length': String(10 ** 9) })).toBe(413);
  expect(await hook.begin('x'.repeat(64 * 1024 + 1), { 'transfer-encoding': 'chunked' })).toBe(413);
  expect((await hook.deliver(JSON.stringify(sent))).status).toBe(202);
});

test('while Kafka is away the answer is 503 with Retry-After', async () => {
  const put = () => Promise.reject(new AppError('KAFKA_UNREACHABLE', 'a test'));
  await using hook = await HookContext.open({ outlet: { put } });
  const { status, body, headers } = await hook.deliver(JSON.stringify(sent));
  expect([status, body]).toMatchObject([503, { code: 'KAFKA_UNREACHABLE' }]);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(hook.outcomes).toEqual(['unavailable']);
});

test('while Postgres is away the answer is 503, and nothing of it is told', async () => {
  const of = () => Promise.reject(new Error('connection to 10.1.2.3 refused'));
  await using hook = await HookContext.open({ channels: { of } });
  const { status, text } = await hook.deliver(JSON.stringify(sent));
  expect(status).toBe(503);
  expect(text).not.toMatch('10.1.2.3');
});

test('many notifications are in flight at once: a slow one holds up nobody', async () => {
  const slow = Promise.withResolvers<void>();
  const stored: string[] = [];
  await using hook = await HookContext.open({
    outlet: {
      put: async ([record]) => {
        if (record!.id === '1') await slow.promise;
        stored.push(record!.id);
      },
    },
  });
  const first = hook.deliver(JSON.stringify({ ...sent, id: 1 }));
  await Promise.all([2, 3, 4, 5].map((id) => hook.deliver(JSON.stringify({ ...sent, id }))));
  expect([...stored].sort()).toEqual(['2', '3', '4', '5']);
  slow.resolve();
  expect((await first).status).toBe(202);
});

test('an integration that sends too much is slowed down; guesses of others do not count against it', async () => {
  await using hook = await HookContext.open({ perMinute: 3 });
  for (let n = 0; n < 10; n += 1) await hook.deliver('{}', { by: 'a guess' });
  const statuses: number[] = [];
  for (let n = 0; n < 5; n += 1) statuses.push((await hook.deliver(JSON.stringify(sent))).status);
  expect(statuses).toEqual([202, 202, 202, 429, 429]);
  const { headers } = await hook.deliver(JSON.stringify(sent));
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
});

test('an address that guesses on and on is no longer looked at', async () => {
  await using hook = await HookContext.open();
  const statuses = new Map<number, number>();
  for (let n = 0; n < 310; n += 1) {
    const { status } = await hook.deliver('{}', { by: 'a guess' });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect(Object.fromEntries(statuses)).toEqual({ 401: 300, 429: 10 });
});

test('who fails at one hook, or at hooks that are not there, holds up no other hook behind the same address', async () => {
  const other = '0b8f4c1e-0000-4000-8000-000000000003';
  const channel = { tenant: 'eu1.42', secret, oldSecret: undefined };
  await using hook = await HookContext.open({
    channels: { of: async (id) => ([integration, other].includes(id) ? channel : undefined) },
  });
  const gone = '0b8f4c1e-0000-4000-8000-000000000002';
  // All deliveries of Learningbank come from the same addresses, whosever they are.
  for (let n = 0; n < 310; n += 1) await hook.deliver('{}', { by: 'a wrong secret', to: other });
  expect((await hook.deliver(JSON.stringify(sent))).status).toBe(202);
  for (let n = 0; n < 310; n += 1) await hook.deliver('{}', { to: gone });
  expect((await hook.deliver('{}', { to: gone })).status).toBe(429);
  expect((await hook.deliver(JSON.stringify(sent))).status).toBe(202);
});

test('who guesses from ever new addresses of one IPv6 network is one', async () => {
  await using hook = await HookContext.open();
  let last = 0;
  for (let n = 0; n < 301; n += 1) {
    const headers = { 'x-forwarded-for': `2001:db8::${n.toString(16)}:1` };
    last = (await hook.deliver('{}', { by: 'a guess', headers })).status;
  }
  expect(last).toBe(429);
});
