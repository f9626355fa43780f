import { insertSecret } from '@orgstream/database';
import { createSecretBox } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { BridgeContext } from './fixture.ts';
import type { Channel } from './fixture-channel.ts';

const box = createSecretBox(`t:${'0'.repeat(64)}`);

/** Another user of the site who can send. */
async function another({ ziik, db }: BridgeContext, { siteId }: Channel) {
  const email = 'hr@example.dk';
  const { rows } = await ziik.pool.query<{ id: string }>(
    `insert into users (site_id, first_name, last_name, email) values ($1, 'HR', 'Berg', $2) returning id`,
    [siteId, email],
  );
  const { id } = rows[0]!;
  await fetch(`${ziik.url}/_sim/api-users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ siteId, userId: id, password: 'other' }),
  });
  const sealed = box.seal(JSON.stringify({ username: email, password: 'other' }));
  return { id: Number(id), secretId: await db.transaction((tx) => insertSecret(tx, sealed)) };
}

test('a channel that is removed and made anew in one moment sends as its new sender', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  ctx.start();
  await channel.notify('n1', anna!);
  await ctx.ended();
  const sender = await another(ctx, channel);
  // Version 1 as before: to the bridge, which never saw it gone, only who sends is another.
  await ctx.db.raw(`update control.channel set sender_id = ?, sender_secret_id = ?`, [sender.id, sender.secretId]);
  await channel.notify('n2', anna!);
  await ctx.ended();
  expect(await ctx.row('n2')).toMatchObject({ state: 'sent' });
  expect(await channel.heard(anna!)).toEqual(['n1']);
});

test('a message that a former sender may have sent is not sent by the next one', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel({ settings: { conversations: 'old' }, conversations: 'old' });
  const [anna] = await channel.people(1);
  await channel.fault({ kind: 'hang', afterWrite: true, count: 1, match: { method: 'POST', route: '/conversations' } });
  await channel.notify('n1', anna!);
  ctx.start({ graceMs: 2_000 });
  await ctx.when('it to be unclear', ([row]) => row?.state === 'unknown');
  const sender = await another(ctx, channel);
  await channel.change({ sender_id: sender.id, sender_secret_id: sender.secretId });
  await ctx.ended();
  expect(await ctx.row('n1')).toMatchObject({ state: 'failed', code: 'DELIVERY_UNKNOWN' });
  expect(await channel.heard(anna!)).toEqual(['n1']);
});

test('a channel that was stopped is said to work once it does, though nothing comes', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const told = (what: string) =>
    until(async () => (await ctx.channelState(channel.integration)) === what, { deadlineMs: 30_000, what });
  await ctx.db.raw(
    `insert into bridge.channel_state (integration_id, state, code) values (?, 'stopped', 'ZIIK_AUTH_FAILED')`,
    [channel.integration],
  );
  await channel.settings({ chat: false });
  const first = ctx.start();
  await told('stopped CHAT_MODULE_OFF');
  await first.stop();
  await channel.settings({ chat: true });
  ctx.start();
  await told('working');
});

test('a channel that was quiet is said to work once it is not, though nothing comes', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const told = (what: string) =>
    until(async () => (await ctx.channelState(channel.integration)) === what, { deadlineMs: 30_000, what });
  await channel.change({ quiet: true });
  ctx.start();
  await told('quiet');
  await channel.change({ quiet: false });
  await told('working');
});

test('who waits for a Ziik that wants no calls for an hour does not wait for it once the channel is another', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const people = await channel.people(2);
  await channel.fault({
    kind: 'status',
    status: 429,
    retryAfterS: 3_600,
    count: 1,
    match: { route: '/conversations' },
  });
  ctx.start({ receivers: 1 });
  await channel.notify('n1', people[0]!);
  await ctx.when('it to be told to wait', ([row]) => row?.code === 'ZIIK_RATE_LIMITED');
  await channel.notify('n2', people[1]!);
  await channel.change({ default_language: 'da' });
  await ctx.when('the next to be sent', (rows) => rows.some(({ state }) => state === 'sent'));
  expect(await channel.heard(people[1]!)).toEqual(['n2']);
});
