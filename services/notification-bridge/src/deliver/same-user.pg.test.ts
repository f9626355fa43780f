import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { BridgeContext } from './fixture.ts';
import type { Channel, Person } from './fixture-channel.ts';

const postMessage = { method: 'POST', route: '/conversations/:id/messages' };

/** Two Learningbank users, one Ziik user, and a text that names neither. */
async function begin(): Promise<{ ctx: BridgeContext; channel: Channel; anna: Person; other: Person }> {
  const ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  await ctx.db.raw(
    `insert into control.notification_setting (integration_id, type, texts) values (?, 'module.assigned', '{"":"Hello"}')`,
    [channel.integration],
  );
  return { ctx, channel, anna: anna!, other: { ...anna!, receiver: '77' } };
}

const hello = async (channel: Channel, { id }: Person) => (await channel.said()).get(id) ?? [];

test('a message that left no trace is not found in the one to another receiver who is the same user', async () => {
  const { ctx, channel, anna, other } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'hang', count: 1, match: postMessage });
  ctx.start();
  await channel.notify('n1', anna);
  await ctx.when('the first to be unclear', ([row]) => row?.state === 'unknown');
  await channel.notify('n2', other);
  await ctx.ended();
  expect((await ctx.rows()).map(({ state }) => state)).toEqual(['sent', 'sent']);
  expect(await hello(channel, anna)).toEqual(['Hello', 'Hello']);
});

test('nobody looks while a message to the same user is under way', async () => {
  const { ctx, channel, anna, other } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'hang', count: 1, match: postMessage });
  ctx.start({ callTimeoutMs: 4_000 });
  await channel.notify('n1', anna);
  await ctx.when('the first to be unclear', ([row]) => row?.state === 'unknown');
  await ctx.db.raw(`update bridge.notification set next_at = now() + interval '1 hour'`);
  await channel.fault({ kind: 'latency', ms: 2_000, afterWrite: true, count: 1, match: postMessage });
  await channel.notify('n2', other);
  await until(async () => (await hello(channel, anna)).length === 1, {
    deadlineMs: 20_000,
    what: 'the second in Ziik',
  });
  expect((await ctx.row('n2')).state).toBe('sending');
  await ctx.db.raw(`update bridge.notification set next_at = now() where state = 'unknown'`);
  await ctx.ended();
  expect((await ctx.rows()).map(({ state }) => state)).toEqual(['sent', 'sent']);
  expect(await hello(channel, anna)).toEqual(['Hello', 'Hello']);
});
