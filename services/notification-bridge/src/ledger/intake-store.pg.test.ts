import { listen } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { forgetReceivers } from './forget-store.ts';
import { LedgerContext, notification } from './intake-fixture.ts';
import { enterNotifications, ledgerChannel } from './intake-store.ts';

const hourMs = 3_600_000;

test('a notification enters the ledger once, however often it comes', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  const one = notification(integration);
  const first = await enterNotifications(ctx.db, [one, { ...one, receiver: '13' }, one]);
  expect(first).toEqual({ queued: 2, ended: new Map(), known: 1, foreign: 0 });
  const again = await enterNotifications(ctx.db, [one, { ...one, receiver: '13' }]);
  expect(again).toEqual({ queued: 0, ended: new Map(), known: 2, foreign: 0 });
  expect(await ctx.ledger()).toMatchObject([
    {
      integration_id: integration,
      tenant: 'eu1.42',
      notification_id: '7',
      receiver: '12',
      state: 'queued',
      code: null,
      ended: false,
      payload: { email: one.email, fields: one.fields, link: one.link },
    },
    { receiver: '13', state: 'queued' },
  ]);
});

test('a replay never wakes what has ended, and brings no payload back', async () => {
  await using ctx = await LedgerContext.open();
  const one = notification(await ctx.integrate());
  await enterNotifications(ctx.db, [one]);
  await ctx.db.raw(`update bridge.notification set state = 'sent', payload = null, ended_at = now()`);
  await enterNotifications(ctx.db, [one]);
  expect(await ctx.ledger()).toMatchObject([{ state: 'sent', payload: null }]);
});

test('what can never be sent is entered as ended, with its code and without a payload', async () => {
  await using ctx = await LedgerContext.open();
  const [on, off, none] = [
    await ctx.integrate(),
    await ctx.integrate('eu1.43', 'off'),
    await ctx.integrate('eu1.44', 'none'),
  ];
  await ctx.db.raw(
    `insert into control.notification_setting (integration_id, type, enabled) values (?, 'event.reminder', false), (?, 'module.assigned', true)`,
    [on, on],
  );
  const now = Date.now();
  const entered = await enterNotifications(ctx.db, [
    notification(on, { id: '1' }),
    notification(on, { id: '2', type: 'event.reminder' }),
    notification(on, { id: '3', type: 'of.tomorrow' }),
    notification(on, { id: '4', occurredAtMs: now - 25 * hourMs }),
    notification(on, { id: '5', occurredAtMs: now - 2 * hourMs }),
    notification(off, { id: '6', tenant: 'eu1.43' }),
    notification(none, { id: '7', tenant: 'eu1.44' }),
  ]);
  expect(entered.queued).toBe(2);
  expect(Object.fromEntries(entered.ended)).toEqual({ TYPE_OFF: 1, NOTIFICATION_EXPIRED: 2, CHANNEL_OFF: 2 });
  const rows = await ctx.ledger();
  expect(rows.map(({ notification_id, state, code }) => [notification_id, state, code])).toEqual([
    ['1', 'queued', null],
    ['2', 'skipped', 'TYPE_OFF'],
    ['3', 'queued', null],
    ['4', 'expired', 'NOTIFICATION_EXPIRED'],
    ['5', 'expired', 'NOTIFICATION_EXPIRED'],
    ['6', 'skipped', 'CHANNEL_OFF'],
    ['7', 'skipped', 'CHANNEL_OFF'],
  ]);
  for (const { state, payload, ended } of rows) {
    expect([payload === null, ended]).toEqual([state !== 'queued', state !== 'queued']);
  }
});

test('a notification of an integration that is gone, or says another tenant, is not kept', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  const { foreign, queued } = await enterNotifications(ctx.db, [
    notification('0b8f4c1e-0000-4000-8000-000000000001'),
    notification('no uuid'),
    notification(integration, { tenant: 'eu1.43' }),
    notification(integration),
  ]);
  expect([foreign, queued]).toEqual([3, 1]);
  expect(await ctx.ledger()).toHaveLength(1);
});

test('who waits for notifications is woken, with the tenants that have some', async () => {
  await using ctx = await LedgerContext.open();
  const [one, other] = [await ctx.integrate(), await ctx.integrate('eu1.43', 'off')];
  const heard: string[] = [];
  const stop = new AbortController();
  const listening = listen({
    url: ctx.url,
    name: 'test',
    channels: [ledgerChannel],
    onNotify: (_channel, payload) => heard.push(payload),
    signal: stop.signal,
  });
  const hear = (count: number) =>
    until(() => heard.length >= count, { deadlineMs: 20_000, what: `${count} notifications` });
  await hear(1);
  await enterNotifications(ctx.db, [notification(other, { tenant: 'eu1.43' })]);
  await enterNotifications(ctx.db, [notification(one)]);
  await enterNotifications(ctx.db, [notification(one)]);
  await enterNotifications(ctx.db, [notification(one, { id: '8' })]);
  await hear(3);
  stop.abort();
  await listening;
  expect(heard).toEqual(['', 'eu1.42', 'eu1.42']);
});

test('ten thousand receivers are one statement, and a replay of them another', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  let statements = 0;
  ctx.db.on('query', () => (statements += 1));
  const all = Array.from({ length: 10_000 }, (_, n) => notification(integration, { receiver: String(n + 1) }));
  expect((await enterNotifications(ctx.db, all)).queued).toBe(10_000);
  expect((await enterNotifications(ctx.db, all)).known).toBe(10_000);
  // And one NOTIFY.
  expect(statements).toBe(3);
});

test('two replicas that enter the same in different orders get in nobody’s way', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  const all = Array.from({ length: 2_000 }, (_, n) => notification(integration, { receiver: String(n + 1) }));
  const counts = await Promise.all([
    enterNotifications(ctx.db, all),
    enterNotifications(ctx.db, [...all].reverse()),
    enterNotifications(ctx.db, [...all.slice(1_000), ...all.slice(0, 1_000)]),
  ]);
  expect(counts.reduce((sum, { queued }) => sum + queued, 0)).toBe(2_000);
});

test('of a forgotten person nothing is left, and a replay of the topic brings nothing back', async () => {
  await using ctx = await LedgerContext.open();
  const [one, other] = [await ctx.integrate(), await ctx.integrate('eu1.43')];
  const all = [
    notification(one),
    notification(one, { receiver: '13' }),
    notification(one, { receiver: '14' }),
    // The same number on another platform is somebody else.
    notification(other, { tenant: 'eu1.43' }),
  ];
  await enterNotifications(ctx.db, all);
  await ctx.db.raw(`update bridge.notification set person_id = '700' where receiver = '13'`);
  await ctx.db.raw(`update bridge.notification set person_id = '700' where integration_id = ?`, [other]);
  const forgotten = {
    tenant: 'eu1.42',
    person: '700',
    receivers: [
      { integration: one, receiver: '12' },
      { integration: '0b8f4c1e-0000-4000-8000-000000000001', receiver: '12' },
      { integration: other, receiver: '12' },
    ],
  };
  expect(await forgetReceivers(ctx.db, forgotten)).toBe(2);
  expect(await forgetReceivers(ctx.db, forgotten)).toBe(0);
  const left = (await ctx.ledger()).map((row) => `${String(row['integration_id'])}/${String(row['receiver'])}`);
  expect(left.sort()).toEqual([`${one}/14`, `${other}/12`].sort());
  const replayed = await enterNotifications(ctx.db, [notification(one), notification(one, { id: '8' })]);
  expect(replayed).toMatchObject({ queued: 0, known: 0, foreign: 2 });
  // Somebody else is that user now: a new link.
  await ctx.db.raw(`insert into sink.platform (id, base_url) values ('acme#1', 'http://127.0.0.1:9')`);
  await ctx.db.raw(
    `insert into sink.link (integration_id, kind, id, platform, target_id, made_by_us, applied)
     values (?, 'person', '701', 'acme#1', 12, true, '{}')`,
    [one],
  );
  expect((await enterNotifications(ctx.db, [notification(one, { id: '9' })])).queued).toBe(1);
});

test('of one batch each receiver gets in order what happened in order, whatever the ids look like', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  const atMs = Date.now() - 5_000;
  const given = [
    notification(integration, { id: '10', occurredAtMs: atMs + 1_000 }),
    notification(integration, { id: '9', occurredAtMs: atMs }),
    notification(integration, { id: '11', occurredAtMs: atMs + 1_000 }),
    notification(integration, { id: 'z', occurredAtMs: atMs - 1_000 }),
  ];
  await enterNotifications(ctx.db, given);
  const { rows } = await ctx.db.raw<{ rows: { id: string }[] }>(
    `select notification_id as id from bridge.notification n order by n.id`,
  );
  expect(rows.map(({ id }) => id)).toEqual(['z', '9', '10', '11']);
});

test('who was found by e-mail and then forgotten does not come back by a replay either', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  await enterNotifications(ctx.db, [notification(integration)]);
  await ctx.db.raw(`update bridge.notification set ziik_user_id = 700, person_id = '700'`);
  expect(await forgetReceivers(ctx.db, { tenant: 'eu1.42', person: '700', receivers: [] })).toBe(1);
  expect(await enterNotifications(ctx.db, [notification(integration)])).toMatchObject({ queued: 0, foreign: 1 });
  expect(await ctx.ledger()).toEqual([]);
});

test('what is said to happen in years ages from the moment it came', async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  const receivedAtMs = Date.now() - 60_000;
  await enterNotifications(ctx.db, [
    notification(integration, { occurredAtMs: receivedAtMs + 9_000 * hourMs, receivedAtMs }),
  ]);
  const { rows } = await ctx.db.raw<{ rows: { ms: string }[] }>(
    `select round(extract(epoch from occurred_at) * 1000) as ms from bridge.notification`,
  );
  expect(Number(rows[0]!.ms)).toBe(receivedAtMs);
});
