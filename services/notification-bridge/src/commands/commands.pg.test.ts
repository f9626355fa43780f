import { insertCommand, readCommand, type CommandRow } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BridgeContext } from '../deliver/fixture.ts';
import type { Channel, Person } from '../deliver/fixture-channel.ts';
import { dropOld, erasePayloads } from '../ledger/sweep-store.ts';

let ctx: BridgeContext;
let channel: Channel;
beforeAll(async () => {
  ctx = await BridgeContext.open();
  channel = await ctx.channel();
  ctx.start();
});
afterAll(() => ctx[Symbol.asyncDispose]());

const addressee = 'notification-bridge';
const ask = (kind: 'notification.test', payload: { person: string; type?: string }): Promise<CommandRow> =>
  ctx.ask({ addressee, kind, payload: { integration: channel.integration, by: 'test', ...payload } });
const retry = (id: number): Promise<CommandRow> =>
  ctx.ask({ addressee, kind: 'notification.retry', payload: { integration: channel.integration, id, by: 'test' } });
const read = (person: Person, limit = 20): Promise<CommandRow> =>
  ctx.ask({
    addressee,
    kind: 'conversation.read',
    payload: { integration: channel.integration, person: person.id, limit },
  });
const numberOf = (command: CommandRow): number => (command.result as { notification: number }).notification;

test('a test message is a row of the ledger and reaches the one person, linked or not', async () => {
  const [anna] = await channel.people(1, { language: 'da' });
  const [bo] = await channel.people(1, { linked: false });
  const [forAnna, forBo] = [
    await ask('notification.test', { person: anna!.id }),
    await ask('notification.test', { person: bo!.id, type: 'module.assigned' }),
  ];
  await ctx.ended();
  expect((await channel.said()).get(anna!.id)).toEqual([
    expect.stringMatching(/^Dette er en testbesked .* http:\/\/platform$/u),
  ]);
  expect((await channel.said()).get(bo!.id)).toEqual(['module.assigned http://platform']);
  const rows = await ctx.rows();
  for (const command of [forAnna, forBo])
    expect(rows.find(({ id }) => id === numberOf(command))).toMatchObject({ state: 'sent' });
});

test('a test to somebody who is not there, or of a channel that is off, says so', async () => {
  const command = await ask('notification.test', { person: '4711' });
  await ctx.ended();
  expect((await ctx.rows()).find(({ id }) => id === numberOf(command))).toMatchObject({
    state: 'skipped',
    code: 'RECEIVER_WITHOUT_ACCOUNT',
  });
  await channel.change({ enabled: false });
  expect(await ask('notification.test', { person: '1' })).toMatchObject({ state: 'failed', code: 'CHANNEL_OFF' });
  await channel.change({ enabled: true });
});

test('what was skipped or failed is sent again when asked for, once, as it was', async () => {
  const [anna] = await channel.people(1, { linked: false });
  await channel.notify('r1', anna!, { email: 'later@example.dk' });
  await ctx.ended();
  const { id } = await ctx.row('r1');
  expect(await ctx.row('r1')).toMatchObject({ state: 'skipped', code: 'RECEIVER_UNKNOWN' });
  await ctx.ziik.pool.query(`update users set email = 'later@example.dk' where id = $1`, [anna!.id]);
  expect(await retry(id)).toMatchObject({ state: 'done', result: { notification: id } });
  await ctx.ended();
  expect(await channel.heard(anna!)).toEqual(['r1']);
  expect(await retry(id)).toMatchObject({ state: 'failed', code: 'ACTION_NOT_POSSIBLE' });
});

test('what may have been sent, is too old, or of another integration is not sent again', async () => {
  const [anna] = await channel.people(1);
  await ctx.db.raw(
    `insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, code, ended_at, payload)
     select :integration, :tenant, n, :receiver, 't', at, 'failed', code, now(), payload
       from (values ('u1', now(), 'DELIVERY_UNKNOWN', '{}'::jsonb), ('u2', now() - interval '2 days', 'ZIIK_REFUSED', '{}'), ('u3', now(), 'ZIIK_REFUSED', null))
            as r (n, at, code, payload)`,
    { integration: channel.integration, tenant: channel.tenant, receiver: anna!.receiver },
  );
  const codeOf = async (name: string) => (await retry((await ctx.row(name)).id)).code;
  expect(await codeOf('u1')).toBe('DELIVERY_UNKNOWN');
  expect(await codeOf('u2')).toBe('NOTIFICATION_EXPIRED');
  expect(await codeOf('u3')).toBe('NOTIFICATION_EXPIRED');
  const { id } = await ctx.row('u3');
  expect(
    await ctx.ask({
      addressee,
      kind: 'notification.retry',
      payload: { integration: '00000000-0000-0000-0000-000000000000', id, by: 'test' },
    }),
  ).toMatchObject({ state: 'failed', code: 'NOT_FOUND' });
  expect(await channel.heard(anna!)).toEqual([]);
});

test('replies are read in the conversation; asking makes none', async () => {
  const [anna, bo] = await channel.people(2);
  await channel.notify('c1', anna!);
  await ctx.ended();
  await ctx.sim('POST', 'reply', {
    siteId: channel.siteId,
    userId: anna!.id,
    to: String(channel.senderId),
    message: 'Tak!',
  });
  const answer = await read(anna!);
  expect(answer.result).toMatchObject({
    conversation: expect.any(Number),
    messages: [
      { from: 'receiver', text: 'Tak!' },
      { from: 'sender', text: expect.stringContaining('courses/c1') },
    ],
  });
  expect((await read(anna!, 1)).result).toMatchObject({ messages: [{ text: 'Tak!' }] });
  expect((await read(bo!)).result).toEqual({ conversation: null, messages: [] });
  expect(await ctx.sim('GET', `chat?siteId=${channel.siteId}&userId=${bo!.id}`)).toEqual({ conversations: [] });
});

test('what notifications said is erased once it is too old to be tried again; old rows go', async () => {
  const [anna] = await channel.people(1);
  await channel.notify('p1', anna!, { receiver: '77', email: null });
  await ctx.ended();
  await erasePayloads(ctx.db);
  expect((await ctx.row('p1')).payload).not.toBeNull();
  await ctx.db.raw(
    `update bridge.notification set occurred_at = now() - interval '1 day', ended_at = now() - interval '91 days' where notification_id = 'p1'`,
  );
  await erasePayloads(ctx.db);
  expect((await ctx.row('p1')).payload).toBeNull();
  expect(await dropOld(ctx.db, 90, 1)).toBe(1);
  expect((await ctx.rows()).some(({ notification_id }) => notification_id === 'p1')).toBe(false);
});

test('a channel whose Ziik does not answer keeps nobody else waiting: neither conversations nor tests', async () => {
  const other = await ctx.channel();
  const [[anna], [bo]] = [await channel.people(1), await other.people(1)];
  await channel.notify('w1', anna!);
  await other.notify('w2', bo!);
  await ctx.ended();
  await channel.fault({ kind: 'hang', match: { method: 'GET' } });
  const payload = { integration: channel.integration, person: anna!.id, limit: 20 };
  const hanging = await insertCommand(ctx.db, { addressee, kind: 'conversation.read', payload });
  const stateOf = async (): Promise<string | undefined> => (await readCommand(ctx.db, hanging))?.state;
  await until(async () => (await stateOf()) === 'running', { deadlineMs: 20_000, what: 'the question to be taken' });
  const answer = await ctx.ask({
    addressee,
    kind: 'conversation.read',
    payload: { integration: other.integration, person: bo!.id, limit: 20 },
  });
  expect(answer.result).toMatchObject({ messages: [{ from: 'sender' }] });
  expect(await ask('notification.test', { person: anna!.id })).toMatchObject({ state: 'done' });
});

test('what operators are refused says nothing about messages: the channel goes on', async () => {
  const [anna, bo] = await channel.people(2);
  await channel.clearFaults();
  await channel.notify('f1', anna!);
  await ctx.ended();
  await channel.fault({ kind: 'forbidden', match: { method: 'GET', route: '/conversations/:id/messages' } });
  for (let round = 0; round < 5; round += 1) expect(await read(anna!)).toMatchObject({ code: 'ZIIK_FORBIDDEN' });
  await channel.clearFaults();
  await channel.notify('f2', bo!);
  await ctx.ended();
  expect(await channel.heard(bo!)).toEqual(['f2']);
  expect(await ctx.channelState(channel.integration)).toBe('working');
});

test("a former sender's conversation is not the present one's", async () => {
  const [anna] = await channel.people(1);
  await channel.notify('s1', anna!);
  await ctx.ended();
  await ctx.db.raw(`update bridge.notification set sender_id = sender_id + 1 where notification_id = 's1'`);
  expect((await read(anna!)).result).toEqual({ conversation: null, messages: [] });
});

test('a conversation that a Ziik lets nobody read for an hour is answered, and does not keep others from theirs', async () => {
  const slow = await ctx.channel();
  const [anna] = await slow.people(1);
  await slow.notify('h1', anna!);
  await ctx.ended();
  await slow.fault({ kind: 'status', status: 429, retryAfterS: 3_600, match: { method: 'GET' } });
  // A channel made anew signs in first: that is where it waits.
  await slow.change({ default_language: 'da' });
  const payload = { integration: slow.integration, person: anna!.id, limit: 20 };
  const refused = await ctx.ask({ addressee, kind: 'conversation.read', payload });
  expect(refused.code).toBe('ZIIK_RATE_LIMITED');
  expect(await ctx.ask({ addressee, kind: 'conversation.read', payload }, 40_000)).toMatchObject({
    state: 'failed',
    code: 'COMMAND_UNANSWERED',
  });
}, 90_000);
