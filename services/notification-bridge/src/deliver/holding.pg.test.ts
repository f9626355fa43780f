import { setStop } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { BridgeContext, type Running } from './fixture.ts';
import type { Channel, Person } from './fixture-channel.ts';

async function begin(): Promise<{ ctx: BridgeContext; channel: Channel; anna: Person }> {
  const ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  return { ctx, channel, anna: anna! };
}

/** The worker has seen how things stand, and gone round since. */
const wentRound = async (ctx: BridgeContext, running: Running): Promise<void> => {
  await until(() => running.delivery.tenants.length === 1, { deadlineMs: 20_000, what: 'the tenant to be taken' });
  const { result } = await ctx.ask({
    addressee: 'notification-bridge',
    kind: 'conversation.read',
    payload: {
      integration: (await ctx.db.raw<{ rows: { id: string }[] }>(`select id from control.integration`)).rows[0]!.id,
      person: 'x',
      limit: 1,
    },
  });
  expect(result).toEqual({ conversation: null, messages: [] });
};

const gauge = async (running: Running, name: string): Promise<number> =>
  Number(new RegExp(`^orgstream_bridge_${name} (\\S+)$`, 'mu').exec(await running.registry.metrics())?.[1]);

test('quiet counts from its commit, whatever the bridge knew before: no conversation is made that nothing may be said in', async () => {
  const { ctx, channel, anna } = await begin();
  await using _ = ctx;
  const [bo] = await channel.people(1);
  // Looks at channels when it is told to, and otherwise seldom.
  const running = ctx.start({ pollMs: 60_000 });
  await until(() => running.delivery.tenants.length === 1, { deadlineMs: 20_000, what: 'the tenant to be taken' });
  await channel.notify('n0', bo!);
  await ctx.ended();
  await ctx.db.raw(`update sink.integration_state set state = 'first_sync'`);
  await channel.notify('n1', anna);
  const { result } = await ctx.ask({
    addressee: 'notification-bridge',
    kind: 'notification.test',
    payload: { integration: channel.integration, person: bo!.id, by: 'test' },
  });
  await ctx.when('the test to be sent', (rows) =>
    rows.some(({ id, state }) => id === (result as { notification: number }).notification && state === 'sent'),
  );
  expect((await ctx.row('n1')).state).toBe('queued');
  expect(await ctx.sim('GET', `chat?siteId=${channel.siteId}&userId=${anna.id}`)).toEqual({ conversations: [] });
});

test.each([
  [
    'the switch',
    `update control.channel set quiet = true, version = version + 1`,
    `update control.channel set quiet = false, version = version + 1`,
  ],
  [
    'a first sync',
    `update sink.integration_state set state = 'first_sync'`,
    `update sink.integration_state set state = 'live'`,
  ],
  [
    'a run',
    `insert into sink.run (integration_id, kind, state) select id, 'sync', 'applying' from control.integration`,
    `update sink.run set state = 'done'`,
  ],
])(
  'quiet by %s: what comes is held and counted, tests go through, and afterwards all of it is sent',
  async (_, on, off) => {
    const { ctx, channel, anna } = await begin();
    await using __ = ctx;
    await ctx.db.raw(on);
    await channel.notify('n1', anna);
    await channel.notify('n2', anna);
    const running = ctx.start();
    await until(async () => (await gauge(running, 'held')) === 2, { deadlineMs: 20_000, what: 'two held' });
    await until(async () => (await ctx.channelState(channel.integration)) === 'quiet', {
      deadlineMs: 20_000,
      what: 'the channel to be quiet',
    });
    const { result } = await ctx.ask({
      addressee: 'notification-bridge',
      kind: 'notification.test',
      payload: { integration: channel.integration, person: anna.id, by: 'test' },
    });
    await ctx.when('the test to be sent', (rows) =>
      rows.some(({ id, state }) => id === (result as { notification: number }).notification && state === 'sent'),
    );
    expect((await ctx.rows()).map(({ state }) => state)).toEqual(['queued', 'queued', 'sent']);
    await ctx.db.raw(off);
    await ctx.ended();
    expect((await channel.heard(anna)).slice(1)).toEqual(['n1', 'n2']);
  },
);

test.each([
  [
    'the stop button',
    (ctx: BridgeContext) => setStop(ctx.db, { stopped: true, reason: null, by: 'test' }),
    (ctx: BridgeContext) => setStop(ctx.db, { stopped: false, reason: null, by: 'test' }),
  ],
  [
    'disabled',
    (ctx: BridgeContext) => ctx.db.raw(`update control.integration set enabled = false`),
    (ctx: BridgeContext) => ctx.db.raw(`update control.integration set enabled = true`),
  ],
  [
    'paused',
    (ctx: BridgeContext) => ctx.db.raw(`update control.integration set paused = true`),
    (ctx: BridgeContext) => ctx.db.raw(`update control.integration set paused = false`),
  ],
  [
    'shadow',
    (ctx: BridgeContext) => ctx.db.raw(`update control.integration set shadow = true`),
    (ctx: BridgeContext) => ctx.db.raw(`update control.integration set shadow = false`),
  ],
])('%s: nothing is sent, what comes waits', async (_, on, off) => {
  const { ctx, channel, anna } = await begin();
  await using __ = ctx;
  await on(ctx);
  await channel.notify('n1', anna);
  const running = ctx.start();
  await wentRound(ctx, running);
  expect(await channel.said()).toEqual(new Map());
  expect((await ctx.rows()).map(({ state, attempts }) => [state, attempts])).toEqual([['queued', 0]]);
  const { rows: now } = await ctx.db.raw<{ rows: { at: Date }[] }>(`select clock_timestamp() as at`);
  await off(ctx);
  await ctx.ended();
  expect(await channel.heard(anna)).toEqual(['n1']);
  const { rows: begun } = await ctx.db.raw<{ rows: { at: Date }[] }>(
    `select sending_at as at from bridge.notification`,
  );
  expect(begun[0]!.at.getTime()).toBeGreaterThanOrEqual(now[0]!.at.getTime());
});

test('a stop between the look at the conversation and the send: nothing is sent', async () => {
  const { ctx, channel, anna } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'latency', ms: 700, match: { method: 'GET', route: '/conversations' } });
  await channel.notify('n1', anna);
  const running = ctx.start();
  await until(async () => JSON.stringify(await ctx.sim('GET', 'api-faults')).includes('"hits":1'), {
    deadlineMs: 20_000,
    what: 'the look',
  });
  await setStop(ctx.db, { stopped: true, reason: null, by: 'test' });
  await wentRound(ctx, running);
  await running.stop();
  expect(await channel.said()).toEqual(new Map());
  expect(await ctx.row('n1')).toMatchObject({ state: 'queued', lease_token: null });
});

test('what became too old while it was held is expired, and says nothing any more', async () => {
  const { ctx, channel, anna } = await begin();
  await using _ = ctx;
  await channel.change({ quiet: true });
  await channel.notify('n1', anna);
  await channel.notify('n2', anna);
  await ctx.db.raw(
    `update bridge.notification set occurred_at = now() - interval '1 day' where notification_id = 'n1'`,
  );
  const running = ctx.start();
  await ctx.when('the old one to expire', (rows) => rows[0]!.state === 'expired');
  expect(await ctx.row('n1')).toMatchObject({ code: 'NOTIFICATION_EXPIRED', payload: null });
  await channel.change({ quiet: false });
  await ctx.ended();
  expect(await channel.heard(anna)).toEqual(['n2']);
  expect(await running.registry.metrics()).toContain('orgstream_bridge_skipped_total{code="NOTIFICATION_EXPIRED"} 1');
});

test('a channel that is switched off or removed ends what waits for it', async () => {
  const { ctx, channel, anna } = await begin();
  await using _ = ctx;
  await channel.change({ quiet: true });
  await channel.notify('n1', anna);
  ctx.start();
  await channel.change({ enabled: false });
  await ctx.ended();
  expect(await ctx.row('n1')).toMatchObject({ state: 'skipped', code: 'CHANNEL_OFF' });
  await channel.change({ enabled: true });
  await channel.notify('n2', anna);
  await ctx.db.raw(`delete from control.channel`);
  await ctx.ended();
  expect(await channel.said()).toEqual(new Map());
});

test('a type that is switched off while notifications wait: they are not sent', async () => {
  const { ctx, channel, anna } = await begin();
  await using _ = ctx;
  await channel.change({ quiet: true });
  await channel.notify('n1', anna);
  await ctx.db.raw(
    `insert into control.notification_setting (integration_id, type, enabled) values (?, 'module.assigned', false)`,
    [channel.integration],
  );
  ctx.start();
  await channel.change({ quiet: false });
  await ctx.ended();
  expect(await ctx.row('n1')).toMatchObject({ state: 'skipped', code: 'TYPE_OFF' });
});
