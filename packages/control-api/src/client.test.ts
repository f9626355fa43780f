import { describe, expect, test } from 'vitest';
import { createClient } from './client.ts';
import { routes } from './routes.ts';

interface Seen {
  readonly url: string;
  readonly init: RequestInit;
}

/** A client whose server answers what it is given, and what it was asked. */
function clientOf(answer: () => Response | Promise<Response>) {
  const seen: Seen[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    seen.push({ url: String(url instanceof Request ? url.url : url), init });
    return answer();
  };
  return { client: createClient({ url: 'http://control.example:8080', token: 'ost_x', fetch }), seen };
}

const problem = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json', ...headers } });

describe('requests', () => {
  test('path, query, body and headers are where the contract has them', async () => {
    const { client, seen } = clientOf(() => Response.json({ items: [], next: null }));
    await client.listObjects({ params: { integration: 'i/1' }, query: { state: 'held', limit: 5 } });
    await client.changeIntegration({ params: { integration: 'i' }, body: { paused: true }, ifMatch: 7 });
    await client.createToken({ body: { name: 'a', role: 'viewer' }, idempotencyKey: 'k' });
    expect(seen.map(({ url, init }) => [init.method, new URL(url).pathname + new URL(url).search])).toEqual([
      ['GET', '/v1/integrations/i%2F1/objects?state=held&limit=5'],
      ['PATCH', '/v1/integrations/i'],
      ['POST', '/v1/tokens'],
    ]);
    expect(seen[1]!.init.headers).toMatchObject({ 'if-match': '"7"', authorization: 'Bearer ost_x' });
    expect(seen[1]!.init.body).toBe('{"paused":true}');
    expect(seen[2]!.init.headers).toMatchObject({ 'idempotency-key': 'k' });
  });

  test('there is a method for every route', () => {
    const { client } = clientOf(() => Response.json({}));
    expect(Object.keys(client).sort()).toEqual(Object.keys(routes).sort());
  });

  test('an answer without a body is undefined', async () => {
    const { client } = clientOf(() => new Response(null, { status: 204 }));
    expect(await client.revokeToken({ params: { token: 't' } })).toBeUndefined();
  });
});

describe('refusals', () => {
  test("the server's code, field and remedy reach the caller", async () => {
    const body = {
      code: 'RUN_STATE',
      detail: 'approving: the run is done',
      status: 409,
      remedy: 'Look.',
      requestId: 'r',
    };
    const { client } = clientOf(() => problem(409, body));
    await expect(client.getStop()).rejects.toMatchObject({
      code: 'RUN_STATE',
      message: 'approving: the run is done',
      data: { status: 409, remedy: 'Look.', requestId: 'r' },
    });
  });

  test('a code of a newer server is UNEXPECTED, Retry-After is kept', async () => {
    const newer = clientOf(() => problem(409, { code: 'FROM_THE_FUTURE', detail: 'x' }));
    await expect(newer.client.getStop()).rejects.toMatchObject({ code: 'UNEXPECTED' });
    const busy = clientOf(() => problem(429, { code: 'TOO_MANY_REQUESTS', detail: 'x' }, { 'retry-after': '7' }));
    await expect(busy.client.getStop()).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS', waitMs: 7_000 });
  });

  test.each([
    ['no connection', () => Promise.reject(new TypeError('fetch failed'))],
    ['a proxy', () => new Response('<html>502</html>', { status: 502 })],
    ['half an answer', () => new Response('{"items": [', { status: 200 })],
  ])('%s is CONTROL_UNREACHABLE, without the token', async (_, answer) => {
    const { client } = clientOf(answer);
    const error: unknown = await client.listTokens().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'CONTROL_UNREACHABLE',
      message: expect.stringContaining('control.example:8080'),
    });
    expect(JSON.stringify(error)).not.toContain('ost_');
  });
});

describe('stream', () => {
  test('events are taken apart wherever the bytes are cut, comments are skipped', async () => {
    const text = 'retry: 2000\n\n: \n\nid: 1\nevent: run\ndata: {"name":"Zoë"}\n\nid: 2\nevent: stop\ndata: {}\n\n';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 3, 7, 1_000]) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      });
      const { client } = clientOf(() => new Response(body));
      const events = [];
      for await (const event of client.stream()) events.push(event);
      expect(events).toEqual([
        { id: '1', event: 'run', data: { name: 'Zoë' } },
        { id: '2', event: 'stop', data: {} },
      ]);
    }
  });
});
