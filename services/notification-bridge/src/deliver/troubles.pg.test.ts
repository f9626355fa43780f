import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { BridgeContext } from './fixture.ts';

const postMessage = { method: 'POST', route: '/conversations/:id/messages' };

test('one receiver whose messages fail blocks nobody else, and only their own later ones', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const people = await channel.people(12);
  const [bad] = people;
  await channel.fault({ kind: 'status', status: 500, match: { ...postMessage, bodyIncludes: 'courses/bad' } });
  await channel.notify('bad', bad!);
  await channel.notify('later', bad!);
  for (const [at, person] of people.slice(1).entries()) await channel.notify(`n${at}`, person);
  ctx.start({ receivers: 2 });
  await ctx.when('the others to be sent', (rows) => rows.filter(({ state }) => state === 'sent').length === 11);
  expect((await ctx.row('later')).state).toBe('queued');
  expect(await channel.heard(bad!)).toEqual([]);
  await channel.clearFaults();
  await ctx.ended();
  expect(await channel.heard(bad!)).toEqual(['bad', 'later']);
});

test.each([
  ['ZIIK_REFUSED', { kind: 'status', status: 422 }],
  ['ZIIK_FORBIDDEN', { kind: 'forbidden' }],
])('%s of one message: it fails with its code, the receiver gets the next', async (code, fault) => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  await channel.fault({ ...fault, match: { ...postMessage, bodyIncludes: 'courses/bad' } });
  await channel.notify('bad', anna!);
  await channel.notify('next', anna!);
  const running = ctx.start();
  await ctx.ended();
  expect(await channel.heard(anna!)).toEqual(['next']);
  expect(await ctx.row('bad')).toMatchObject({ state: 'failed', code, attempts: 0 });
  expect(await running.registry.metrics()).toContain(`orgstream_bridge_failed_total{code="${code}"} 1`);
});

test('a sender who may write to nobody any more stops the channel: two messages fail, all others wait and arrive', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const people = await channel.people(9);
  await channel.fault({ kind: 'forbidden', match: postMessage });
  await channel.fault({ kind: 'forbidden', match: { method: 'POST', route: '/conversations' } });
  for (const [at, person] of people.entries()) await channel.notify(`n${at}`, person);
  ctx.start();
  await until(async () => (await ctx.channelState(channel.integration)) === 'stopped ZIIK_FORBIDDEN', {
    deadlineMs: 20_000,
    what: 'the channel to stop',
  });
  const refused = (rows: Awaited<ReturnType<typeof ctx.rows>>) => rows.filter(({ state }) => state === 'failed').length;
  const hits = async (): Promise<number> => {
    const all = JSON.stringify(await ctx.sim('GET', 'api-faults')).matchAll(/"hits":(\d+)/gu);
    return [...all].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  await until(async () => (await hits()) >= 6, { deadlineMs: 30_000, what: 'some to be tried again meanwhile' });
  expect(refused(await ctx.rows())).toBe(2);
  await channel.clearFaults();
  await ctx.ended();
  expect(refused(await ctx.rows())).toBe(2);
  const heard = await Promise.all(people.map((person) => channel.heard(person)));
  expect(heard.flat()).toHaveLength(7);
  await until(async () => (await ctx.channelState(channel.integration)) === 'working', {
    deadlineMs: 20_000,
    what: 'the channel to work',
  });
});

test('traceless sends are given up after three, and never sent again by themselves', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  await channel.fault({ kind: 'reset_before', match: postMessage });
  await channel.notify('n1', anna!);
  ctx.start({ callTimeoutMs: 300, graceMs: 100 });
  await ctx.ended();
  expect(await ctx.row('n1')).toMatchObject({ state: 'failed', code: 'DELIVERY_UNKNOWN', attempts: 2 });
  expect(JSON.stringify(await ctx.sim('GET', 'api-faults'))).toContain('"hits":3');
});

test('an answer of another message is not believed: looked up and found', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const people = await channel.people(3);
  for (const kind of ['half_json', 'empty', 'html'])
    await channel.fault({ kind, afterWrite: true, count: 1, match: postMessage });
  for (const [at, person] of people.entries()) await channel.notify(`n${at}`, person);
  ctx.start();
  await ctx.ended();
  for (const [at, person] of people.entries()) expect(await channel.heard(person)).toEqual([`n${at}`]);
  expect((await ctx.rows()).map(({ state, attempts }) => [state, attempts])).toEqual(people.map(() => ['sent', 0]));
});

test('429 slows the channel down and costs no attempt', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const people = await channel.people(6);
  await channel.fault({ kind: 'status', status: 429, retryAfterS: 1, count: 5, match: {} });
  for (const [at, person] of people.entries()) await channel.notify(`n${at}`, person);
  ctx.start({ callsPerMinute: 1_200 });
  await ctx.ended();
  for (const [at, person] of people.entries()) expect(await channel.heard(person)).toEqual([`n${at}`]);
  expect((await ctx.rows()).map(({ attempts }) => attempts)).toEqual(people.map(() => 0));
});

test('refused credentials stop the channel visibly; it is probed, and goes on alone with new ones or when they are good again', async () => {
  await using ctx = await BridgeContext.open();
  const [channel, other] = [await ctx.channel(), await ctx.channel()];
  const [anna] = await channel.people(1);
  const [bo] = await other.people(1);
  await ctx.sim('POST', 'api-users', { siteId: channel.siteId, userId: String(channel.senderId), password: 'changed' });
  await channel.notify('n1', anna!);
  await other.notify('n2', bo!);
  const running = ctx.start();
  await until(async () => (await ctx.channelState(channel.integration)) === 'stopped ZIIK_AUTH_FAILED', {
    deadlineMs: 20_000,
    what: 'the channel to stop',
  });
  await ctx.when('the other tenant', (rows) =>
    rows.some(({ notification_id, state }) => notification_id === 'n2' && state === 'sent'),
  );
  expect(await ctx.channelState(other.integration)).toBe('working');
  await until(
    async () =>
      (await running.registry.metrics()).includes('orgstream_bridge_channel_stopped{code="ZIIK_AUTH_FAILED"} 1'),
    {
      deadlineMs: 20_000,
      what: 'the gauge',
    },
  );
  await ctx.sim('POST', 'api-users', { siteId: channel.siteId, userId: String(channel.senderId), password: 'secret' });
  await ctx.ended();
  expect(await channel.heard(anna!)).toEqual(['n1']);
  await until(async () => (await ctx.channelState(channel.integration)) === 'working', {
    deadlineMs: 20_000,
    what: 'the channel to work',
  });
  expect(await ctx.row('n1')).toMatchObject({ state: 'sent', attempts: 0 });
});

test('chat switched off: the channel stops, and goes on when it is on; a Ziik that is away is no different', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const people = await channel.people(12);
  ctx.start();
  await channel.notify('n0', people[0]!);
  await ctx.ended();
  await channel.settings({ chat: false });
  await channel.notify('n1', people[0]!);
  await until(async () => (await ctx.channelState(channel.integration)) === 'stopped CHAT_MODULE_OFF', {
    deadlineMs: 20_000,
    what: 'the channel to stop',
  });
  await channel.settings({ chat: true });
  await ctx.ended();
  await channel.fault({ kind: 'status', status: 503, match: {} });
  for (const [at, person] of people.entries()) await channel.notify(`m${at}`, person);
  await until(async () => (await ctx.channelState(channel.integration)) === 'stopped ZIIK_ERROR', {
    deadlineMs: 20_000,
    what: 'the channel to stop',
  });
  await channel.clearFaults();
  await ctx.ended();
  expect(await channel.heard(people[0]!)).toEqual(['n0', 'n1', 'm0']);
  for (const [at, person] of people.entries()) expect((await channel.heard(person)).at(-1)).toBe(`m${at}`);
  expect((await ctx.rows()).map(({ attempts }) => attempts)).toEqual(Array.from({ length: 14 }, () => 0));
});

test('a channel that has stopped asks Ziik seldom, and leaves the process to others', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  await channel.fault({ kind: 'unauthorized', match: {} });
  await channel.notify('n1', anna!);
  ctx.start({ retryBaseMs: 60_000, retryCapMs: 60_000 });
  await until(async () => (await ctx.channelState(channel.integration)).startsWith('stopped'), {
    deadlineMs: 20_000,
    what: 'the channel to stop',
  });
  const calls = async () => ((await ctx.sim('GET', `api-calls?siteId=${channel.siteId}`)) as unknown[]).length;
  const before = await calls();
  for (let round = 0; round < 3; round += 1) {
    await ctx.ask({
      addressee: 'notification-bridge',
      kind: 'notification.retry',
      payload: { integration: channel.integration, id: 4711, by: 'test' },
    });
  }
  expect(await calls()).toBe(before);
});

test('tokens that run out and are revoked in the middle cost nothing', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel({ settings: { tokenTtlS: 1 } });
  const people = await channel.people(10);
  ctx.start({ receivers: 1 });
  for (const [at, person] of people.entries()) {
    await channel.notify(`n${at}`, person);
    if (at % 3 === 0) await channel.settings({ revokeTokens: true });
  }
  await ctx.ended();
  for (const [at, person] of people.entries()) expect(await channel.heard(person)).toEqual([`n${at}`]);
});

test('who leaves between the last look and the POST gets nothing', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  await channel.fault({ kind: 'latency', ms: 3_000, afterWrite: true, count: 1, match: { method: 'POST', route: '/conversations' } }); // prettier-ignore
  ctx.start({ callTimeoutMs: 10_000 });
  await channel.notify('n1', anna!);
  const made = async (): Promise<number> =>
    ((await ctx.sim('GET', `chat?siteId=${channel.siteId}`)) as { conversations: unknown[] }).conversations.length;
  await until(async () => (await made()) === 1, { deadlineMs: 20_000, what: 'the conversation to be made' });
  await ctx.db.raw(`update sink.person set active = false where id = ?`, [anna!.id]);
  await ctx.ended();
  expect(await ctx.row('n1')).toMatchObject({ state: 'skipped', code: 'RECEIVER_INACTIVE' });
  expect(await channel.heard(anna!)).toEqual([]);
});

test('whom Ziik refuses because they are inactive there are skipped as such, and stop nothing', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel({ settings: { conversations: 'old' }, conversations: 'old' });
  const people = await channel.people(5);
  ctx.start();
  for (const [at, person] of people.entries()) await channel.notify(`n${at}`, person);
  await ctx.ended();
  await ctx.ziik.pool.query(`update users set active = false where id = any($1)`, [people.map(({ id }) => id)]);
  await channel.fault({ kind: 'forbidden', match: postMessage });
  for (const [at, person] of people.entries()) await channel.notify(`m${at}`, person);
  await ctx.ended();
  const later = (await ctx.rows()).filter(({ notification_id }) => notification_id.startsWith('m'));
  expect(later.map(({ state, code }) => `${state} ${code}`)).toEqual(people.map(() => 'skipped RECEIVER_INACTIVE'));
  expect(await ctx.channelState(channel.integration)).toBe('working');
});

test('what cannot be looked up is given up once it is too old to be sent, and keeps nobody waiting for ever', async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna] = await channel.people(1);
  await channel.fault({ kind: 'hang', count: 1, match: postMessage });
  ctx.start();
  await channel.notify('n1', anna!);
  await ctx.when('it to be unclear', ([row]) => row?.state === 'unknown');
  await channel.fault({ kind: 'half_json', match: { method: 'GET', route: '/conversations/:id/messages' } });
  await channel.notify('n2', anna!);
  await ctx.db.raw(
    `update bridge.notification set sending_at = sending_at - interval '25 hours' where state = 'unknown'`,
  );
  await ctx.when('it to be given up', ([row]) => row?.state === 'failed' && row.code === 'DELIVERY_UNKNOWN');
  await channel.clearFaults();
  await ctx.ended();
  expect(await channel.heard(anna!)).toEqual(['n2']);
});
