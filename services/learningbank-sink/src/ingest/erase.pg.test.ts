import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { eraseAbandoned, eraseTenant } from './erase.ts';
import { fact, IngestContext, marker, TENANT } from './fixture.ts';
import { readScope } from './progress-store.ts';
import { query } from './query.ts';

test("the removal of a tenant's last integration erases its replica, and nobody else's", async () => {
  await using ctx = await IngestContext.open();
  await ctx.integrate('eu1.7');
  await ctx.take(
    marker('start', { lsn: 1, snapshotId: 's' }),
    fact('person', { lsn: 1, id: 'a' }),
    fact('person', { lsn: 1, id: 'a', tenant: 'eu1.7' }),
    marker('end', { lsn: 2, snapshotId: 's' }),
  );
  expect(await eraseAbandoned(ctx.db)).toEqual([]);
  expect(await eraseTenant(ctx.db, TENANT)).toBe(false);
  await query(ctx.db, `delete from control.integration where tenant = ?`, [TENANT]);
  expect(await eraseAbandoned(ctx.db)).toEqual([TENANT]);
  const left = await query<{ tenant: string }>(
    ctx.db,
    `select tenant from sink.person union all select tenant from sink.snapshot union all select tenant from sink.ingest_progress
     union all select i.tenant from sink.work w join control.integration i on i.id = w.integration_id`,
    [],
  );
  expect(new Set(left.map((row) => row.tenant))).toEqual(new Set(['eu1.7']));
});

test('a new integration after the erasing asks for a snapshot again', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(marker('start', { lsn: 1, snapshotId: 's' }), marker('end', { lsn: 2, snapshotId: 's' }));
  await query(ctx.db, `delete from control.integration`, []);
  await eraseAbandoned(ctx.db);
  await query(ctx.db, `delete from control.command`, []);
  await ctx.integrate(TENANT);
  expect(await query(ctx.db, `select from control.command where kind = 'snapshot'`, [])).toHaveLength(1);
});

test('a new integration before the erasing asks for a snapshot too: facts were dropped meanwhile; a second one does not', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(marker('start', { lsn: 1, snapshotId: 's' }), marker('end', { lsn: 2, snapshotId: 's' }));
  await query(ctx.db, `update sink.snapshot set state = 'proved'`, []);
  await query(ctx.db, `delete from control.integration`, []);
  await query(ctx.db, `delete from control.command`, []);
  await ctx.integrate(TENANT);
  const asked = (): Promise<readonly unknown[]> =>
    query(ctx.db, `select from control.command where kind = 'snapshot'`, []);
  expect(await asked()).toHaveLength(1);
  await ctx.integrate(TENANT, 'sync', 'https://b.example');
  expect(await asked()).toHaveLength(1);
});

test('an integration cannot be removed while facts of its tenant are being taken in', async () => {
  await using ctx = await IngestContext.open();
  const removed = await ctx.db.transaction(async (tx) => {
    await readScope(tx, new Set([TENANT]));
    const removal = query(ctx.db, `delete from control.integration where tenant = ?`, [TENANT]);
    const waits = async (): Promise<boolean> =>
      (
        await query(
          ctx.db,
          `select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like 'delete from control.integration%'`,
          [],
        )
      ).length === 1;
    await until(waits, { deadlineMs: 5_000, what: 'the removal to wait' });
    return { removal };
  });
  await removed.removal;
  expect(await eraseAbandoned(ctx.db)).toEqual([]);
});
