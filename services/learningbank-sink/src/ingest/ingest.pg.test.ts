import { topics } from '@orgstream/core';
import { expect, test } from 'vitest';
import { fact, IngestContext, rejected, TENANT } from './fixture.ts';
import { ingest, ingestAgain } from './ingest.ts';

test('a newer fact replaces an older one, an older never a newer one', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('role', { lsn: 20, id: '1', name: 'new' }));
  const result = await ctx.take(fact('role', { lsn: 10, id: '1', name: 'old' }));
  expect(await ctx.row('role', '1')).toMatchObject({ name: 'new', lsn: '20' });
  expect(result).toMatchObject({ changed: 0, marked: 0 });
});

test('a higher epoch beats any LSN', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('role', { lsn: 900, id: '1', name: 'before the restore' }));
  await ctx.take(fact('role', { epoch: 2, lsn: 1, id: '1', name: 'after' }));
  expect(await ctx.row('role', '1')).toMatchObject({ name: 'after', epoch: '2' });
});

test('at an equal position the later offset wins', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('role', { lsn: 10, id: '1', name: 'as mapped first' }));
  const result = await ctx.take(fact('role', { lsn: 10, id: '1', name: 'as mapped by a corrected normalizer' }));
  expect(await ctx.row('role', '1')).toMatchObject({ name: 'as mapped by a corrected normalizer' });
  expect(result.changed).toBe(1);
});

test('the same content moves the position and marks nothing', async () => {
  await using ctx = await IngestContext.open();
  const content = { id: '1', email: 'a@b.c', expiresAtMs: 4_102_444_800_123 };
  await ctx.take(fact('person', { lsn: 10, ...content }));
  await ctx.settle();
  const result = await ctx.take(fact('person', { lsn: 30, ...content }));
  expect(result).toMatchObject({ changed: 0, marked: 0 });
  expect(await ctx.row('person', '1')).toMatchObject({ lsn: '30', log_offset: '1' });
  expect(await ctx.work()).toEqual([]);
});

test('a second delivery of a whole batch changes nothing', async () => {
  await using ctx = await IngestContext.open();
  const facts = [
    fact('unit', { lsn: 10, id: '1' }),
    fact('person', { lsn: 10, seq: 2, id: '1' }),
    fact('membership', { lsn: 10, seq: 3, id: '1', personId: '1', unitId: '1' }),
  ];
  await ctx.take(...facts);
  await ctx.settle();
  const again = await ctx.take(...facts);
  expect(again).toMatchObject({ changed: 0, marked: 0 });
});

test('within one batch the newest of an object wins, whatever its place', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(
    fact('role', { lsn: 10, id: '1', name: 'first' }),
    fact('role', { lsn: 30, id: '1', name: 'third' }),
    fact('role', { lsn: 20, id: '1', name: 'second' }),
  );
  expect(await ctx.row('role', '1')).toMatchObject({ name: 'third' });
});

test('a deletion keeps its version and no personal data, and an older update does not revive it', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 10, id: '1' }));
  await ctx.take(fact('person', { lsn: 30, id: '1', deleted: true }));
  await ctx.take(fact('person', { lsn: 20, id: '1', firstName: 'late' }));
  expect(await ctx.row('person', '1')).toMatchObject({ deleted: true, first_name: null, email: null, lsn: '30' });
  await ctx.take(fact('person', { lsn: 40, id: '1', firstName: 'back' }));
  expect(await ctx.row('person', '1')).toMatchObject({ deleted: false, first_name: 'back' });
});

test('facts of tenants without an integration are dropped, of any integration kept', async () => {
  await using ctx = await IngestContext.open();
  await ctx.integrate('eu1.7', 'login');
  const result = await ctx.take(
    fact('role', { lsn: 10, id: '1', tenant: 'eu1.99' }),
    fact('role', { lsn: 10, id: '2' }),
    fact('role', { lsn: 10, id: '3', tenant: 'eu1.7' }),
  );
  expect(result).toMatchObject({ dropped: 1, facts: { role: 2 } });
  const { rows } = await ctx.db.raw<{ rows: { tenant: string }[] }>(`select tenant from sink.role order by 1`);
  expect(rows.map((row) => row.tenant)).toEqual([TENANT, 'eu1.7']);
  expect((await ctx.work()).map((row) => row.id)).toEqual(['2']);
});

test('two integrations of a tenant get their own work', async () => {
  await using ctx = await IngestContext.open();
  await ctx.integrate(TENANT, 'sync', 'https://b.example');
  await ctx.take(fact('role', { lsn: 10, id: '1' }));
  expect(await ctx.work()).toHaveLength(2);
});

test('one owner moves the offset, the other is refused and has stored nothing', async () => {
  await using ctx = await IngestContext.open();
  const place = { topic: topics.directoryChanges, partition: 0, expectedOffset: 0, nextOffset: 1 };
  const items = ctx.items([fact('role', { lsn: 10, id: '1' })]);
  const others = ctx.items([fact('role', { lsn: 10, id: '2' })]);
  const results = await Promise.allSettled([
    ingest(ctx.db, { ...place, items }),
    ingest(ctx.db, { ...place, items: others }),
  ]);
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused).toHaveLength(1);
  expect(refused[0]?.reason).toMatchObject({ code: 'LEASE_LOST', disposition: 'retry' });
  const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select from sink.role`);
  expect(rows).toHaveLength(1);
});

test('names of 10,000 characters, emoji, right-to-left text and nulls are stored as they are', async () => {
  await using ctx = await IngestContext.open();
  const long = 'ضü🧑‍🚀"\\{},\'NULL'.repeat(700).slice(0, 10_000);
  await ctx.take(
    fact('person', { lsn: 10, id: '1', firstName: long, lastName: 'محمد بن سلمان', email: null, language: null }),
    fact('unit', { lsn: 10, seq: 2, id: 'a', name: long, unitType: null }),
    fact('role', { lsn: 10, seq: 3, id: '1', name: '', reference: 'NULL' }),
  );
  expect(await ctx.row('person', '1')).toMatchObject({ first_name: long, last_name: 'محمد بن سلمان', email: null });
  expect(await ctx.row('unit', 'a')).toMatchObject({ name: long, unit_type: null });
  expect(await ctx.row('role', '1')).toMatchObject({ name: '', reference: 'NULL' });
});

test('a value that cannot be stored parks its object alone', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(
    fact('person', { lsn: 10, id: 'nul', firstName: 'a\0b' }),
    fact('person', { lsn: 10, seq: 2, id: 'long', email: `${'x'.repeat(10_000)}@example.org` }),
    fact('person', { lsn: 10, seq: 3, id: 'never', expiresAtMs: 9e15 }),
    fact('person', { lsn: 10, seq: 4, id: 'good' }),
  );
  expect((await ctx.work()).map(({ id, state, code }) => [id, state, code])).toEqual([
    ['good', 'ready', null],
    ['long', 'parked', 'VALUE_TOO_LONG'],
    ['never', 'parked', 'FACT_INVALID'],
    ['nul', 'parked', 'FACT_INVALID'],
  ]);
});

test('a rejection parks the object beside its last good fact, and the next good record heals it', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 10, id: '1', firstName: 'good' }));
  await ctx.settle();
  await ctx.take(rejected('person', { lsn: 20, id: '1' }));
  expect(await ctx.row('person', '1')).toMatchObject({ first_name: 'good', rejected_code: 'FACT_INVALID', lsn: '10' });
  const [parked] = await ctx.work();
  expect(parked).toMatchObject({ state: 'parked', code: 'FACT_INVALID' });
  const healed = await ctx.take(fact('person', { lsn: 30, id: '1', firstName: 'good' }));
  expect(healed.changed).toBe(1);
  expect(await ctx.row('person', '1')).toMatchObject({ rejected_code: null, rejected_offset: null, lsn: '30' });
  const [ready] = await ctx.work();
  expect(ready).toMatchObject({ state: 'ready', code: null });
  expect(Number(ready!.generation)).toBeGreaterThan(Number(parked!.generation));
});

test('a rejection without a fact leaves a bare row, an older good fact fills it and does not heal it', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(rejected('person', { lsn: 20, id: '1' }));
  expect(await ctx.row('person', '1')).toMatchObject({
    log_offset: '-1',
    rejected_code: 'FACT_INVALID',
    deleted: false,
  });
  await ctx.take(fact('person', { lsn: 10, id: '1', firstName: 'older' }));
  expect(await ctx.row('person', '1')).toMatchObject({ first_name: 'older', rejected_code: 'FACT_INVALID' });
  expect(await ctx.work()).toMatchObject([{ state: 'parked' }]);
});

test('an older rejection does not park a newer good fact', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 30, id: '1' }));
  const result = await ctx.take(rejected('person', { lsn: 20, id: '1' }));
  expect(result.changed).toBe(0);
  expect(await ctx.row('person', '1')).toMatchObject({ rejected_code: null });
});

test('a rejected change of a leaver does not hold the leaver', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 10, id: '1' }), fact('person', { lsn: 20, id: '1', active: false }));
  await ctx.take(rejected('person', { lsn: 30, id: '1' }));
  expect(await ctx.work()).toMatchObject([{ state: 'ready', code: null }]);
});

test('a replay of what is in changes nothing and marks nothing, also while a snapshot is under way', async () => {
  await using ctx = await IngestContext.open();
  const records = [
    fact('unit', { lsn: 10, id: '1', snapshotId: 's', chunk: 1 }),
    fact('person', { lsn: 10, id: '1', snapshotId: 's', chunk: 2 }),
    rejected('role', { lsn: 10, id: '1', snapshotId: 's', chunk: 3 }),
    fact('person', { lsn: 20, id: '1', active: false }),
  ];
  await ctx.take(...records);
  await ctx.take(fact('unit', { lsn: 30, id: '1', snapshotId: 'newer', chunk: 1 }));
  await ctx.settle();
  const before = await ctx.replica();
  ctx.offset = 0;
  const again = await ingestAgain(ctx.db, { topic: topics.directoryChanges, partition: 0, items: ctx.items(records) });
  expect(again).toEqual({ changed: 0, marked: 0 });
  expect(await ctx.replica()).toEqual(before);
});
