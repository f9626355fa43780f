import type { Knex } from '@orgstream/database';
import { expect, test } from 'vitest';
import { person, SinkContext, unit } from '../reconcile/fixture.ts';
import { followItems, isUnderWay, parkWaiting, readTally } from './follow-store.ts';
import { forgetRun, markItems, releaseRest } from './mark-store.ts';
import { insertItems } from './item-store.ts';
import type { NewItem } from './kind.ts';
import { insertRun, lockRun, type RunRow } from './run-store.ts';

const many = 4_000;
const keys = Array.from({ length: many }, (_, n) => `p${n}`);

/** Rows of the sink's tables that a transaction has looked at so far. */
async function rowsRead(tx: Knex): Promise<number> {
  const { rows } = await tx.raw<{ rows: { n: string }[] }>(
    `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as n
       from pg_stat_xact_user_tables where schemaname = 'sink'`,
  );
  return Number(rows[0]!.n);
}

test('a run of many objects looks at each a few times, also when statistics know of no work of any run', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), ...keys.map((id) => person(id, {})));
  const { db } = ctx;
  await db.raw(`insert into sink.work (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at)
    select :integration, 'person', id, 2, 1, 1, now() from unnest(cast(:keys as text[])) as k (id) on conflict do nothing`, { integration, keys }); // prettier-ignore
  const begin = (): Promise<RunRow> =>
    db.transaction(async (tx) => {
      const id = await insertRun(tx, { integrationId: integration, tenant: 'eu1.42', kind: 'sync', state: 'planning' });
      return (await lockRun(tx, { id, integrationId: integration }))!;
    });
  const plain = { kind: 'person', operations: ['create'], before: null, after: null, code: null, hash: 'h' } as const;
  const items = keys.map((id): NewItem => ({ ...plain, id }));
  const [earlier, run] = [await begin(), await begin()];
  await insertItems(db, earlier.id, items);
  // As autovacuum may leave them: taken when another run had all items there are, and none had work or attempts.
  await db.raw(`analyze sink.work, sink.run_item, sink.attempt, sink.link`);
  const reads = async (what: string, work: (tx: Knex) => Promise<unknown>): Promise<void> => {
    await db.transaction(async (tx) => {
      const before = await rowsRead(tx);
      await work(tx);
      expect((await rowsRead(tx)) - before, what).toBeLessThan(20 * many);
    });
  };
  const locked = (tx: Knex): Promise<RunRow> =>
    lockRun(tx, { id: run.id, integrationId: integration }).then((row) => row!);
  await reads('insertItems', (tx) => insertItems(tx, run.id, items));
  await reads('markItems', async (tx) =>
    markItems(tx, { run: await locked(tx), tenant: 'eu1.42', from: ['planned'], choice: {}, approved: true }),
  );
  await reads('releaseRest', async (tx) => releaseRest(tx, await locked(tx), true));
  await db.raw(
    `insert into sink.attempt (integration_id, kind, object_id, op, state, run_id, cause_epoch, cause_lsn, lease_token)
     select :integration, 'person', id, 'person.create', 'done', :run, 1, 1, 1 from unnest(cast(:keys as text[])) as k (id)`,
    { integration, run: run.id, keys },
  );
  await reads('isUnderWay', (tx) => isUnderWay(tx, run.id));
  await reads('followItems', async (tx) => followItems(tx, await locked(tx)));
  await db.raw(`delete from sink.work where integration_id = ?`, [integration]);
  await reads('followItems, all settled', async (tx) => expect(await followItems(tx, await locked(tx))).toBe(many));
  await reads('readTally', async (tx) => expect(await readTally(tx, run.id)).toMatchObject({ done: many }));
  await reads('parkWaiting', async (tx) => parkWaiting(tx, await locked(tx)));
  await reads('forgetRun', async (tx) => forgetRun(tx, await locked(tx)));
}, 60_000);

test('a run goes on as long as somebody waits, at whatever remove, for something that goes on', async () => {
  await using ctx = await SinkContext.open();
  const integration = await ctx.integrate(await ctx.platform());
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'), person('a'));
  const { db } = ctx;
  const run = await insertRun(db, { integrationId: integration, tenant: 'eu1.42', kind: 'gap', state: 'planning' });
  const wait = (kind: string, id: string, on: string) =>
    db.raw(`update sink.work set state = 'waiting', waits_kind = 'unit', waits_id = ? where kind = ? and id = ?`, [on, kind, id]); // prettier-ignore
  await db.raw(`update sink.work set run_id = ? where kind = 'person'`, [run]);
  await wait('person', 'a', '11');
  await wait('unit', '11', '1');
  expect(await isUnderWay(db, run)).toBe(true);
  await db.raw(`update sink.work set lane = 3, for_run = 'gap' where kind = 'unit' and id = '1'`);
  expect(await isUnderWay(db, run)).toBe(false);
  await wait('unit', '1', '11');
  expect(await isUnderWay(db, run)).toBe(false);
});
