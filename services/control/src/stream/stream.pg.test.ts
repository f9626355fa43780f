import { createClient, type StreamEvent } from '@orgstream/control-api';
import { setStop } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from '../fixture.ts';

let ctx: ControlContext;
let ours: TenantFixture;
let theirs: TenantFixture;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_STREAMS: 3, CONTROL_KEEP_ALIVE_MS: 200 });
  ours = await ctx.addTenant('eu1.42');
  theirs = await ctx.addTenant('eu1.43');
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

/** Listens until disposed; `events` is what has come. */
async function listen(token: string, options: { readonly integration?: string; readonly lastEventId?: string } = {}) {
  const stop = new AbortController();
  const events: StreamEvent[] = [];
  const { integration, lastEventId } = options;
  const stream = createClient({ url: ctx.url, token }).stream({
    signal: stop.signal,
    ...(integration === undefined ? {} : { query: { integration } }),
    ...(lastEventId === undefined ? {} : { lastEventId }),
  });
  let over = false;
  const ended = (async () => {
    for await (const event of stream) events.push(event);
    over = true;
  })();
  await Promise.race([until(() => events.length > 0, { deadlineMs: 5_000, what: 'the first event' }), ended]);
  return {
    events,
    hasEnded: () => over,
    see: (what: string, fits: (event: StreamEvent) => boolean) =>
      until(() => events.find(fits), { deadlineMs: 8_000, what }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended.catch(() => {});
    },
  };
}

const dataOf = (event: StreamEvent): Record<string, unknown> => event.data as Record<string, unknown>;
const isRun =
  (id: string, state: string) =>
  (event: StreamEvent): boolean =>
    event.event === 'run' && dataOf(event)['id'] === id && dataOf(event)['state'] === state;
const move = (run: string, state: string) =>
  ctx.db.raw(
    `with moved as (update sink.run set state = ?, updated_at = now() where id = ? returning id)
              select pg_notify('orgstream_run', id::text) from moved`,
    [state, run],
  );

test('what is open comes first, then what changes; of other tenants nothing', async () => {
  await using stream = await listen(ours.token);
  await stream.see('the open run', isRun(ours.run, 'planned'));
  await stream.see('the integration', (event) => event.event === 'integration');
  await move(theirs.run, 'applying');
  await move(ours.run, 'applying');
  await stream.see('the run applying', isRun(ours.run, 'applying'));
  await setStop(ctx.db, { stopped: true, reason: null, by: 'test' });
  await stream.see('the stop button', (event) => event.event === 'stop' && dataOf(event)['stopped'] === true);
  const text = JSON.stringify(stream.events);
  for (const secret of [theirs.run, theirs.tenant, theirs.integration]) expect(text).not.toContain(secret);
  const ids = stream.events.filter(isRun(ours.run, 'applying'));
  expect(ids.length).toBeLessThan(3);
});

test('who comes back is told what changed meanwhile', async () => {
  let last: string;
  {
    await using stream = await listen(ours.token);
    last = stream.events.at(-1)!.id!;
  }
  await move(ours.run, 'done');
  await using again = await listen(ours.token, { lastEventId: last });
  await again.see('the end of the run', isRun(ours.run, 'done'));
});

test('of one integration only, and of none that is not ours', async () => {
  const all = await ctx.token('viewer');
  await using stream = await listen(all, { integration: theirs.integration });
  await move(theirs.run, 'cancelled');
  await stream.see('the run', isRun(theirs.run, 'cancelled'));
  expect(JSON.stringify(stream.events)).not.toContain(ours.integration);
  await expect(listen(ours.token, { integration: theirs.integration })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('more streams than allowed are refused, and a closed one makes room', async () => {
  const token = await ctx.token('viewer');
  {
    await using _one = await listen(token);
    await using _two = await listen(token);
    await using _three = await listen(token);
    await expect(listen(token)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS', waitMs: 5_000 });
  }
  const room = async (): Promise<boolean> => {
    await using stream = await listen(token);
    return stream.events.length > 0;
  };
  expect(await until(room, { deadlineMs: 5_000, what: 'room for one more' })).toBe(true);
});

test('the stream of a revoked token ends', async () => {
  const admin = await ctx.client('admin');
  const made = await admin.createToken({ body: { name: 'short', role: 'viewer' } });
  await using stream = await listen(made.secret);
  await admin.revokeToken({ params: { token: made.id } });
  await until(() => stream.hasEnded(), { deadlineMs: 5_000, what: 'the end of the stream' });
});

test('HEAD opens no stream', async () => {
  const headers = { authorization: `Bearer ${await ctx.token('viewer')}` };
  const response = await fetch(`${ctx.url}/v1/stream`, { method: 'HEAD', headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
});

test('a channel tells how it is doing, to its own tenant', async () => {
  await using stream = await listen(ours.token, { integration: ours.integration });
  await using stranger = await listen(theirs.token);
  const isChannel =
    (wanted: Record<string, unknown>) =>
    (event: StreamEvent): boolean =>
      event.event === 'channel' &&
      dataOf(event)['integration'] === ours.integration &&
      Object.entries(wanted).every(([name, value]) => dataOf(event)[name] === value);
  await stream.see('the channel', isChannel({ state: 'idle', queued: 3, held: 0 }));
  await ctx.db.raw(
    `insert into bridge.channel_state (integration_id, state, code) values (?, 'stopped', 'ZIIK_AUTH_FAILED')`,
    [ours.integration],
  );
  await stream.see('that it stopped', isChannel({ state: 'stopped', code: 'ZIIK_AUTH_FAILED', queued: 3 }));
  await ctx.db.raw(`update bridge.channel_state set state = 'quiet', code = null where integration_id = ?`, [
    ours.integration,
  ]);
  await stream.see('what is held', isChannel({ state: 'quiet', queued: 1, held: 2 }));
  expect(JSON.stringify(stranger.events)).not.toContain(ours.integration);
});
