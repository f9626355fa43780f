import { test } from 'vitest';
import { LedgerContext } from './intake-fixture.ts';
import { claimRows } from './claim-store.ts';
import { endHopeless, dropOld, erasePayloads } from './sweep-store.ts';
import { readGauges } from './gauge-store.ts';
import { readConversation } from './command-store.ts';
import { forgetReceivers } from './forget-store.ts';
test('explain', { timeout: 600_000 }, async () => {
  await using ctx = await LedgerContext.open();
  const integration = await ctx.integrate();
  const { db } = ctx;
  const t = async (what: string, f: () => Promise<unknown>) => { const a = performance.now(); await f(); console.log(what, (performance.now() - a).toFixed(1), 'ms'); };
  await t('fill', () => db.raw(`insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, ended_at, person_id, conversation_id, message_ids)
    select ?, 'eu1.42', 'e' || g, (g % 10000)::text, 't', now() - interval '2 day' , 'sent', now() - g * interval '5 s', (g % 10000)::text, g % 10000, array[g] from generate_series(1, 300000) g`, [integration]));
  await db.raw(`insert into bridge.tenant (tenant) values ('eu1.42')`);
  await db.raw('analyze bridge.notification');
  const claim = (what: 'all'|'tests'|'looks') => claimRows(db, { integration, token: 0, busy: ['1','2','3'], limit: 4, what, settleMs: 1000 });
  for (const n of [10_000, 100_000]) {
    await db.raw(`delete from bridge.notification where state = 'queued'`);
    await db.raw(`insert into bridge.notification (integration_id, tenant, notification_id, receiver, type, occurred_at, state, payload)
     select ?, 'eu1.42', 'q' || g, (g % 10000)::text, 't', now(), 'queued', '{"email":"a@b","fields":{},"link":null}' from generate_series(1, ${n}) g`, [integration]);
    if (process.env['ANALYZE']) await db.raw('analyze bridge.notification');
    console.log('open', n);
    for (const w of ['all', 'tests', 'looks'] as const) { await t('claim ' + w, () => claim(w)); await t('claim ' + w, () => claim(w)); }
    await t('endHopeless', () => endHopeless(db)); await t('endHopeless', () => endHopeless(db));
    await t('gauges', () => readGauges(db));
    await t('erasePayloads', () => erasePayloads(db));
    await t('dropOld', () => dropOld(db, 90));
    await t('readConversation', () => readConversation(db, { integration, person: '77' }));
    await t('readConversation none', () => readConversation(db, { integration, person: 'zz' }));
    await t('forget', () => forgetReceivers(db, { tenant: 'eu1.42', person: 'zz', receivers: [] }));
  }
  // the head of each receiver backs off
  await db.raw(`update bridge.notification set next_at = now() + interval '1 hour' where state = 'queued' and substr(notification_id, 2)::int <= 10000`);
  await t('claim all, heads back off', () => claim('all')); await t('claim all, heads back off', () => claim('all'));
  const { rows } = await db.raw(`explain (analyze, buffers) select n.id from bridge.notification n
       where n.integration_id = '${integration}' and n.is_test = true and n.state in ('queued', 'sending', 'unknown') and n.next_at <= now() order by n.next_at, n.id limit 4`);
  console.log(rows.map((r: any) => r['QUERY PLAN']).join('\n'));
});
