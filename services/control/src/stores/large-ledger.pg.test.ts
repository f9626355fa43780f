import { defaultSettings } from '@orgstream/core';
import { createDatabase, createIntegration, type Knex, migrate } from '@orgstream/database';
import { createSecretBox } from '@orgstream/runtime';
import { freshDatabase } from '@orgstream/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readChannelStatuses } from './channel-store.ts';
import { listLoginEventPage, readLoginStatuses } from './login-store.ts';
import { listConversationPage, listNotificationPage, readNotification } from './notification-store.ts';
import { readNotificationTypes } from './notification-type-store.ts';

const many = 100_000;
const people = 10_000;

let db: Knex;
let integration = '';
const resources = new AsyncDisposableStack();

/** A ledger and logins that Postgres takes for empty: as autovacuum may leave them after a storm. */
beforeAll(async () => {
  db = createDatabase(resources.use(await freshDatabase('ledger')).url, { max: 4 });
  resources.defer(() => db.destroy());
  await migrate(db);
  const credentials = createSecretBox(`t:${'0'.repeat(64)}`).seal('{}');
  const given = { tenant: 'eu1.42', name: 'Academy', platformUrl: 'http://platform', product: 'sync' } as const;
  integration = await createIntegration(db, { ...given, credentials, settings: defaultSettings });
  await db.raw(`alter table bridge.notification set (autovacuum_enabled = false)`);
  await db.raw(`alter table edge.login_event set (autovacuum_enabled = false)`);
  await db.raw(`analyze bridge.notification, edge.login_event, sink.person`);
  await db.raw(
    `insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, ended_at, person_id, conversation_id)
     select :integration, 'eu1.42', 'n' || g, (g % ${people})::text, 't', now(), 'sent', now(), (g % ${people})::text, g % ${people}
       from generate_series(1, ${many}) g`,
    { integration },
  );
  await db.raw(
    `insert into edge.login_event (tenant, integration_id, person_id, kind, outcome, took_ms)
     select 'eu1.42', :integration, (g % ${people})::text, 'login', 'admitted', 1 from generate_series(1, ${many}) g`,
    { integration },
  );
}, 120_000);
afterAll(() => resources.disposeAsync());

/** Rows that a transaction has looked at so far. */
async function rowsRead(tx: Knex): Promise<number> {
  const { rows } = await tx.raw<{ rows: { n: string }[] }>(
    `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as n
       from pg_stat_xact_user_tables where schemaname in ('bridge', 'sink', 'control', 'edge')`,
  );
  return Number(rows[0]!.n);
}

const none = { state: undefined, code: undefined, type: undefined, receiver: undefined, person: undefined };
const page = (tx: Knex, filter: object, before?: string) =>
  listNotificationPage(tx, { integration, ...none, before, limit: 50, ...filter });
const events = (tx: Knex, filter: object) =>
  listLoginEventPage(tx, { integration, kind: undefined, outcome: undefined, code: undefined, person: undefined, before: undefined, limit: 50, ...filter }); // prettier-ignore

/** What may be asked without an index of its own, or before statistics know of any row: each row once, and what is shown. */
const once = many + 500;

test.each<[string, number, (tx: Knex) => Promise<unknown>]>([
  ['the first page', 500, (tx) => page(tx, {})],
  ['a page in the middle', 500, (tx) => page(tx, {}, '50000')],
  ['rows of one person', 500, (tx) => page(tx, { person: '7' })],
  ['rows of one receiver', once, (tx) => page(tx, { receiver: '7' })],
  ['rows with a code', once, (tx) => page(tx, { code: 'ZIIK_REFUSED' })],
  ['rows of a type', once, (tx) => page(tx, { type: 'x' })],
  ['rows in a state', once, (tx) => page(tx, { state: 'queued' })],
  ['one row', 10, (tx) => readNotification(tx, integration, 7)],
  ['types that came', once, (tx) => readNotificationTypes(tx, integration)],
  ['people who were written to', once, (tx) => listConversationPage(tx, { integration, after: undefined, limit: 50 })],
  ['the next of them', once, (tx) => listConversationPage(tx, { integration, after: '5000', limit: 50 })],
  ['status of channels', 500, (tx) => readChannelStatuses(tx, null)],
  ['logins', 500, (tx) => events(tx, {})],
  ['logins of one person', once, (tx) => events(tx, { person: '7' })],
  ['refused logins of an hour', once, (tx) => readLoginStatuses(tx, null)],
])('%s of a large ledger, when statistics know of none', async (_, most, work) => {
  const tx = await db.transaction();
  try {
    const before = await rowsRead(tx);
    await work(tx);
    expect((await rowsRead(tx)) - before).toBeLessThanOrEqual(most);
  } finally {
    await tx.rollback();
  }
});
