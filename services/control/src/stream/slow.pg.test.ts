import { once } from 'node:events';
import { connect } from 'node:net';
import { createClient } from '@orgstream/control-api';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlContext } from '../fixture.ts';

/** More integrations than fit into what may be unread, and into the buffers of a connection. */
const MANY = 1_500;

let ctx: ControlContext;
let token: string;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_STREAMS: 1, CONTROL_KEEP_ALIVE_MS: 1_500 });
  token = await ctx.token('viewer');
  await ctx.db.raw(
    `with n as (select i, 'eu1.' || i as tenant, gen_random_uuid() as secret, gen_random_uuid() as id
                  from generate_series(1, :many) i),
     tenant as (insert into control.tenant (key, source, site_id) select tenant, 'eu1', i from n),
     secret as (insert into control.secret (id, key_id, sealed) select secret, 'k1', '\\x00' from n),
     integration as (insert into control.integration (id, tenant, name, product, platform_url, secret_id)
                     select id, tenant, repeat('x', 10000), 'sync', 'http://127.0.0.1:9/', secret from n)
     insert into control.settings (integration_id, version, settings) select id, 1, '{}' from n`,
    { many: MANY },
  );
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

/** Listens until it has been told of all integrations; whether it came so far. */
async function hearAll(): Promise<boolean> {
  const stop = new AbortController();
  const heard = new Set<unknown>();
  for await (const { event, data } of createClient({ url: ctx.url, token }).stream({ signal: stop.signal })) {
    if (event === 'integration') heard.add((data as { readonly id: string }).id);
    // What has been read already is still told after that.
    if (heard.size === MANY) stop.abort();
  }
  return heard.size === MANY;
}

test('who does not read is let go of, and makes room', async () => {
  const { hostname, port } = new URL(ctx.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  try {
    socket.write(`GET /v1/stream HTTP/1.1\r\nHost: control\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    expect(String(head)).toMatch(/^HTTP\/1.1 200 /);
    expect(await statusOfAnother()).toBe(429);
    await until(async () => (await statusOfAnother()) === 200, { deadlineMs: 20_000, what: 'room for one more' });
  } finally {
    socket.destroy();
  }
});

test('who reads is told of all there is, however much', async () => {
  // The stream of the test before may not be gone yet.
  expect(await until(() => hearAll().catch(() => false), { deadlineMs: 30_000, what: 'all' })).toBe(true);
});

async function statusOfAnother(): Promise<number> {
  const response = await fetch(`${ctx.url}/v1/stream`, { headers: { authorization: `Bearer ${token}` } });
  await response.body?.cancel();
  return response.status;
}
