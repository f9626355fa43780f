import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Claim, claimRows } from './claim-store.ts';
import { LedgerContext } from './intake-fixture.ts';

/** A ledger with a past, and a storm that the statistics of Postgres know nothing of. */
const past = 60_000;
const storm = 10_000;

let ctx: LedgerContext;
let integration = '';
beforeAll(async () => {
  ctx = await LedgerContext.open();
  integration = await ctx.integrate();
  const { db } = ctx;
  await db.raw(`alter table bridge.notification set (autovacuum_enabled = false)`);
  await db.raw(
    `insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, ended_at)
     select ?, 'eu1.42', 'p' || g, (g % ${storm})::text, 't', now(), 'sent', now() from generate_series(1, ${past}) g`,
    [integration],
  );
  await db.raw(`analyze bridge.notification`);
  await db.raw(
    `insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state)
     select ?, 'eu1.42', 's' || g, (g % ${storm})::text, 't', now(), 'queued' from generate_series(0, ${2 * storm - 1}) g`,
    [integration],
  );
}, 120_000);
afterAll(() => ctx[Symbol.asyncDispose]());

const claim = (what: Claim['what'], busy: readonly string[] = []) =>
  ctx.db.transaction(async (tx) => {
    // A plan that compares each row with each would take a minute.
    await tx.raw(`set local statement_timeout = '5s'`);
    return claimRows(tx, { integration, token: 1, busy, limit: 4, what, settleMs: 0 });
  });

test('in a storm that no statistics know of the next rows are found at once, each of another receiver', async () => {
  const rows = await claim('all', ['0', '2']);
  expect(rows.map(({ notificationId }) => notificationId)).toEqual(['s1', 's3', 's4', 's5']);
});

test('rows behind ones that back off are passed over', async () => {
  await ctx.db.raw(
    `update bridge.notification set next_at = now() + interval '1 hour' where notification_id like 's%' and id <= ?`,
    [past + storm - 1],
  );
  expect((await claim('all')).map(({ notificationId }) => notificationId)).toEqual([`s${storm - 1}`]);
});

test('what is unclear is looked up though an older one of the receiver was queued again, and nothing may be sent', async () => {
  await ctx.db.raw(
    `update bridge.notification set state = 'unknown', next_at = now() where notification_id = 's10005'`,
  );
  expect((await claim('looks')).map(({ notificationId }) => notificationId)).toEqual(['s10005']);
});
