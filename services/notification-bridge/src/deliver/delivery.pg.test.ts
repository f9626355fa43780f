import { afterAll, beforeAll, expect, test } from 'vitest';
import { BridgeContext, type Running } from './fixture.ts';
import type { Channel } from './fixture-channel.ts';

let ctx: BridgeContext;
let running: Running;
let channel: Channel;
beforeAll(async () => {
  ctx = await BridgeContext.open();
  channel = await ctx.channel();
  running = ctx.start();
});
afterAll(() => ctx[Symbol.asyncDispose]());

test('a linked person gets one direct message; the same notification again changes nothing', async () => {
  const [anna] = await channel.people(1);
  await channel.notify('n1', anna!);
  await ctx.ended();
  expect((await channel.said()).get(anna!.id)).toEqual(['module.assigned http://platform/courses/n1']);
  await channel.notify('n1', anna!);
  await channel.notify('n2', anna!);
  await ctx.ended();
  expect(await channel.heard(anna!)).toEqual(['n1', 'n2']);
  expect(await ctx.row('n1')).toMatchObject({ state: 'sent', payload: null, person_id: anna!.id, parts_sent: 1 });
});

test('who is not linked is found by the e-mail; leavers, unknown people and doubles are recorded and not tried again', async () => {
  const [found, gone, inactive, erased, twin] = await channel.people(5, { linked: false });
  await ctx.db.raw(`update sink.person set active = false where id = ?`, [gone!.id]);
  await ctx.ziik.pool.query(`update users set active = false where id = $1`, [inactive!.id]);
  await ctx.db.raw(`insert into sink.erased (tenant, person_id) values (?, ?)`, [channel.tenant, erased!.id]);
  await ctx.ziik.pool.query(`insert into users (site_id, first_name, last_name, email) values ($1, 'T', 'W', $2)`, [
    channel.siteId,
    twin!.email,
  ]);
  await channel.notify('e1', found!, { email: found!.email.toUpperCase() });
  await channel.notify('e2', gone!);
  await channel.notify('e3', inactive!);
  await channel.notify('e4', erased!);
  await channel.notify('e5', twin!);
  await channel.notify('e6', found!, { receiver: '999', email: 'nobody@example.dk' });
  await channel.notify('e7', found!, { receiver: '998', email: null });
  await ctx.ended();
  const of = async (id: string) => [(await ctx.row(id)).state, (await ctx.row(id)).code, (await ctx.row(id)).attempts];
  expect(await of('e1')).toEqual(['sent', null, 0]);
  expect(await of('e2')).toEqual(['skipped', 'RECEIVER_INACTIVE', 0]);
  // The search shows active users only.
  expect(await of('e3')).toEqual(['skipped', 'RECEIVER_UNKNOWN', 0]);
  expect(await of('e4')).toEqual(['skipped', 'RECEIVER_UNKNOWN', 0]);
  expect(await of('e5')).toEqual(['skipped', 'RECEIVER_WITHOUT_ACCOUNT', 0]);
  expect(await of('e6')).toEqual(['skipped', 'RECEIVER_UNKNOWN', 0]);
  expect(await of('e7')).toEqual(['skipped', 'RECEIVER_UNKNOWN', 0]);
  expect(await running.registry.metrics()).toContain(
    'orgstream_bridge_skipped_total{code="RECEIVER_WITHOUT_ACCOUNT"} 1',
  );
});

test('a linked leaver gets nothing, by the replica or by Ziik; who is not in Ziik has no account', async () => {
  const [gone, expired, inactive, deleted] = await channel.people(4);
  await ctx.db.raw(`update sink.person set anonymised = true where id = ?`, [gone!.id]);
  await ctx.db.raw(`update sink.person set expires_at = now() - interval '1 s' where id = ?`, [expired!.id]);
  await ctx.ziik.pool.query(`update users set active = false where id = $1`, [inactive!.id]);
  await ctx.ziik.pool.query(`delete from users where id = $1`, [deleted!.id]);
  for (const [at, person] of [gone, expired, inactive, deleted].entries()) await channel.notify(`l${at}`, person!);
  await ctx.ended();
  const codes = await Promise.all([0, 1, 2, 3].map(async (at) => (await ctx.row(`l${at}`)).code));
  expect(codes).toEqual(['RECEIVER_INACTIVE', 'RECEIVER_INACTIVE', 'RECEIVER_INACTIVE', 'RECEIVER_WITHOUT_ACCOUNT']);
  for (const person of [gone, expired, inactive]) expect(await channel.heard(person!)).toEqual([]);
});

test("texts are ours in the receiver's language, else Learningbank's; an unknown field is left out and warned of", async () => {
  await ctx.db.raw(
    `insert into control.notification_setting (integration_id, type, texts) values
       (:id, 'deadline', '{"da": "Frist for {{moduleName}}{{nonsense}}: {{deadline}}", "en": "Deadline"}'), (:id, 'off', '{}')`,
    { id: channel.integration },
  );
  await ctx.db.raw(`update control.notification_setting set enabled = false where type = 'off'`);
  await ctx.db.raw(
    `insert into edge.intake (integration_id, types) values (?, ?) on conflict (integration_id) do update set types = excluded.types`,
    [
      channel.integration,
      JSON.stringify([{ key: 'event.invitation', name: 'Event', body: 'Kom til {{eventName}} {{link}}' }]),
    ],
  );
  const [danish] = await channel.people(1, { language: 'da' });
  const fields = { moduleName: 'Brand {{deadline}}', deadline: '1. maj', eventName: 'Åbent hus' };
  await channel.notify('t1', danish!, { type: 'deadline', fields });
  await channel.notify('t2', danish!, { type: 'event.invitation', fields, link: 'http://platform/events/1' });
  await channel.notify('t3', danish!, { type: 'new.type', fields, link: null });
  await ctx.ended();
  expect((await channel.said()).get(danish!.id)).toEqual([
    'Frist for Brand {{deadline}}: 1. maj',
    'Kom til Åbent hus http://platform/events/1',
    'new.type',
  ]);
  expect(await ctx.row('t1')).toMatchObject({ warnings: [expect.stringContaining('nonsense')], language: 'da' });
});

test('a group with the same people is never written into', async () => {
  const people = await channel.people(2);
  const login = await fetch(`${channel.url}/api/authenticate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: channel.senderEmail, password: 'secret' }),
  });
  const { jwt } = (await login.json()) as { jwt: string };
  await fetch(`${channel.url}/api/conversations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${jwt}` },
    body: JSON.stringify({ recipients: people.map(({ id }) => Number(id)) }),
  });
  for (const [at, person] of people.entries()) await channel.notify(`g${at}`, person);
  await ctx.ended();
  // `said` of the fixture refuses messages in a group.
  const { conversations } = (await ctx.sim('GET', `chat?siteId=${channel.siteId}`)) as {
    conversations: { type: string; messages: unknown[] }[];
  };
  expect(conversations.filter(({ type }) => type === 'group').map(({ messages }) => messages.length)).toEqual([0]);
  expect((await ctx.row('g0')).state).toBe('sent');
});

test("Learningbank's own text is waited for, but not for ever: types that cannot be read keep no message back", async () => {
  await using ctx = await BridgeContext.open();
  const channel = await ctx.channel();
  const [anna, bo] = await channel.people(2);
  await ctx.db.raw(`insert into edge.intake (integration_id) values (?)`, [channel.integration]);
  const minutesAgo = (minutes: number) => ({ receivedAtMs: Date.now() - minutes * 60_000 });
  await channel.notify('young', bo!, minutesAgo(1));
  await channel.notify('old', anna!, { ...minutesAgo(11), occurredAtMs: Date.now() - 11 * 60_000 });
  ctx.start();
  await ctx.when('the old one to be sent', (rows) => rows.some(({ state }) => state === 'sent'));
  expect(await channel.heard(anna!)).toEqual(['old']);
  expect((await ctx.row('young')).state).toBe('queued');
});
