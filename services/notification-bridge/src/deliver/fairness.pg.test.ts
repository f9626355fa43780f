import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { BridgeContext, quick } from './fixture.ts';
import type { Channel } from './fixture-channel.ts';

/** Sends of a tenant that were begun after the single message of `other` came in and before it was sent. */
async function begunBefore(ctx: BridgeContext, channel: Channel, other: Channel): Promise<number> {
  const { rows } = await ctx.db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from bridge.notification n
       join bridge.notification single on single.integration_id = :other
      where n.integration_id = :mine and n.sending_at > single.received_at and n.sending_at < single.ended_at`,
    { mine: channel.integration, other: other.integration },
  );
  return Number(rows[0]!.n);
}

const sent = async (ctx: BridgeContext, channel: Channel): Promise<number> => {
  const { rows } = await ctx.db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from bridge.notification where integration_id = ? and state = 'sent'`,
    [channel.integration],
  );
  return Number(rows[0]!.n);
};

async function begin(storm: number, limit: number) {
  const ctx = await BridgeContext.open();
  const [big, small] = [await ctx.channel({ settings: { rateLimitPerMinute: limit } }), await ctx.channel()];
  const people = await big.people(storm);
  const [anna] = await small.people(1);
  const all = people.map((person, at) => big.notification(`n${at}`, person));
  for (let at = 0; at < all.length; at += 2_000) await ctx.enter(...all.slice(at, at + 2_000));
  return { ctx, big, small, anna: anna! };
}

test('10,000 receivers of a tenant whose Ziik is slow: the single message of another goes out before its next turn', async () => {
  const { ctx, big, small, anna } = await begin(10_000, 120);
  await using _ = ctx;
  ctx.start({ callsPerMinute: 120 });
  await until(async () => (await sent(ctx, big)) >= 2, { deadlineMs: 60_000, what: 'the storm to begin' });
  await small.notify('single', anna);
  await until(async () => (await sent(ctx, small)) === 1, { deadlineMs: 60_000, what: 'the single message' });
  // A turn: each of the receivers that a tenant serves side by side once.
  expect(await begunBefore(ctx, big, small)).toBeLessThanOrEqual(quick.receivers);
  expect(await small.heard(anna)).toEqual(['single']);
  const { rows } = await ctx.db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from bridge.notification where integration_id = ? and state = 'queued'`,
    [big.integration],
  );
  expect(Number(rows[0]!.n)).toBeGreaterThan(9_000);
});

test('as fast as it goes: of 2,000 only a few are sent before the single message of another', async () => {
  const { ctx, big, small, anna } = await begin(2_000, 0);
  await using _ = ctx;
  ctx.start();
  await until(async () => (await sent(ctx, big)) >= 50, { deadlineMs: 60_000, what: 'the storm to be under way' });
  await small.notify('single', anna);
  await until(async () => (await sent(ctx, small)) === 1, { deadlineMs: 60_000, what: 'the single message' });
  // Its first message also signs in: ten calls and questions one after the other, each beside one of the storm's.
  expect(await begunBefore(ctx, big, small)).toBeLessThanOrEqual(quick.receivers * 20);
});

test('a test message does not queue behind the storm of its own tenant', async () => {
  const { ctx, big } = await begin(500, 0);
  await using _ = ctx;
  const [bo] = await big.people(1);
  ctx.start({ callsPerMinute: 600 });
  await until(async () => (await sent(ctx, big)) >= 2, { deadlineMs: 60_000, what: 'the storm to begin' });
  const { result } = await ctx.ask({
    addressee: 'notification-bridge',
    kind: 'notification.test',
    payload: { integration: big.integration, person: bo!.id, by: 'test' },
  });
  const { notification } = result as { notification: number };
  await ctx.when('the test', (rows) => rows.some(({ id, state }) => id === notification && state === 'sent'));
  expect((await ctx.rows()).filter(({ state }) => state === 'queued').length).toBeGreaterThan(100);
});

test('two replicas share the tenants; what a stopped one leaves is taken at once', async () => {
  await using ctx = await BridgeContext.open();
  const channels = [];
  for (let n = 0; n < 4; n += 1) channels.push(await ctx.channel());
  const [one, two] = [ctx.start(), ctx.start()];
  const shares = () => [one, two].map(({ delivery }) => delivery.tenants.length);
  await until(() => shares().join() === '2,2', {
    deadlineMs: 30_000,
    what: () => `two tenants each, not ${shares().join()}`,
  });
  await one.stop();
  await until(() => two.delivery.tenants.length === 4, { deadlineMs: 30_000, what: 'the rest to be taken' });
  for (const channel of channels) {
    const [person] = await channel.people(1);
    await channel.notify('n', person!);
  }
  await ctx.ended();
  for (const channel of channels) expect([...(await channel.said()).values()].flat()).toHaveLength(1);
});
