import type { Knex } from '@orgstream/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLinked, readMessagesOf, readPerson } from '../deliver/receiver-store.ts';
import { readTypeTexts } from '../deliver/text-store.ts';
import { readChannels } from '../tenant/channel-store.ts';
import { claimRows, takeOver } from './claim-store.ts';
import { insertTest, readConversation, retryRow } from './command-store.ts';
import { readGauges } from './gauge-store.ts';
import { LedgerContext } from './intake-fixture.ts';
import { beginSend, settle } from './send-store.ts';
import { dropOld, endHopeless, erasePayloads } from './sweep-store.ts';

const past = 100_000;
const open = 5_000;
let ctx: LedgerContext;
let integration = '';

/** A ledger that Postgres takes for empty: as autovacuum may leave it after a storm. */
beforeAll(async () => {
  ctx = await LedgerContext.open();
  integration = await ctx.integrate();
  const { db } = ctx;
  await db.raw(`alter table bridge.notification set (autovacuum_enabled = false)`);
  await db.raw(`insert into sink.platform (id, base_url) values ('p', 'http://platform')`);
  await db.raw(
    `insert into sink.integration_state (integration_id, tenant, platform, state) values (?, 'eu1.42', 'p', 'live')`,
    [integration],
  );
  await db.raw(
    `insert into bridge.tenant (tenant, lease_token, lease_until) values ('eu1.42', 1, now() + interval '1 hour')`,
  );
  await db.raw(`analyze bridge.notification, sink.link, sink.person`);
  await db.raw(
    `insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, ended_at, person_id,
            ziik_user_id, conversation_id, sender_id, message_ids)
     select :integration, 'eu1.42', 'p' || g, (g % 10000)::text, 't', now(), 'sent', now(), (g % 10000)::text, g % 10000, g % 10000, 1, array[g::bigint]
       from generate_series(1, ${past}) g`,
    { integration },
  );
  await db.raw(
    `insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, payload)
     select :integration, 'eu1.42', 's' || g, case when g < ${open / 2} then '1' else g::text end, 't', now(), 'queued', '{"email":null,"fields":{},"link":null}' from generate_series(1, ${open}) g`,
    { integration },
  );
}, 120_000);
afterAll(() => ctx[Symbol.asyncDispose]());

/** Rows that a transaction has looked at so far. */
async function rowsRead(tx: Knex): Promise<number> {
  const { rows } = await tx.raw<{ rows: { n: string }[] }>(
    `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as n
       from pg_stat_xact_user_tables where schemaname in ('bridge', 'sink', 'control', 'edge')`,
  );
  return Number(rows[0]!.n);
}

const claim = { token: 1, limit: 4, settleMs: 0 } as const;
const fence = { tenant: 'eu1.42', token: 1, channelVersion: 1, secretId: '00000000-0000-0000-0000-000000000000' };
const intent = {
  personId: '7',
  ziikUserId: 7,
  conversationId: 7,
  afterMessageId: 1,
  language: null,
  warnings: [],
  payload: { email: null, fields: {}, link: null, parts: ['x'] },
} as const;
/** Whole tables, once or twice: what is done every half minute, or every hour. */
const all = 2 * (past + open);

test.each<[string, number, (tx: Knex, id: number) => Promise<unknown>]>([
  ['claim', 3 * open, (tx) => claimRows(tx, { ...claim, integration, busy: [], what: 'all' })],
  [
    'claim behind a receiver with many',
    3 * open,
    (tx) => claimRows(tx, { ...claim, integration, busy: ['1'], what: 'all' }),
  ],
  ['claim of looks', 50, (tx) => claimRows(tx, { ...claim, integration, busy: [], what: 'looks' })],
  ['takeOver', 2 * open, (tx) => takeOver(tx, { tenant: 'eu1.42', token: 1, settleMs: 1 })],
  ['beginSend', 50, (tx, id) => beginSend(tx, fence, { id, integrationId: integration } as never, intent)],
  ['settle', 50, (tx, id) => settle(tx, { id, token: 1 }, { to: 'queued', afterMs: 0, code: null, burnt: false })],
  ['readLinked', 50, (tx) => readLinked(tx, { tenant: 'eu1.42', integration, receiver: '7' })],
  ['readPerson', 50, (tx) => readPerson(tx, { tenant: 'eu1.42', person: '7' })],
  ['readMessagesOf', 100, (tx) => readMessagesOf(tx, { tenant: 'eu1.42', person: '7', but: 1 })],
  ['readTypeTexts', 50, (tx, id) => readTypeTexts(tx, { integration, type: 't', notification: id })],
  ['readConversation', 100, (tx) => readConversation(tx, { integration, person: '7' })],
  ['retryRow', 50, (tx, id) => retryRow(tx, { integration, id })],
  ['insertTest', 50, (tx) => insertTest(tx, { command: 1, integration, person: '7', type: undefined, fields: {} })],
  ['readChannels', 50, (tx) => readChannels(tx, 'eu1.42')],
  ['readGauges', 2 * open + 50, (tx) => readGauges(tx)],
  ['endHopeless', 4 * open, (tx) => endHopeless(tx)],
  ['erasePayloads', all, (tx) => erasePayloads(tx)],
  ['dropOld', all, (tx) => dropOld(tx, 90)],
])('%s reads few rows of a large ledger, also when statistics know of none', async (_, most, work) => {
  const { rows } = await ctx.db.raw<{ rows: { id: string }[] }>(
    `select id from bridge.notification where notification_id = 's4000'`,
  );
  const tx = await ctx.db.transaction();
  try {
    const before = await rowsRead(tx);
    await work(tx, Number(rows[0]!.id));
    expect((await rowsRead(tx)) - before).toBeLessThanOrEqual(most);
  } finally {
    await tx.rollback();
  }
});
