import { expect, test } from 'vitest';
import { fact, IngestContext, marker, rejected, TENANT } from './fixture.ts';
import { query } from './query.ts';
import { eraseTenant } from './erase.ts';

const S1 = { snapshotId: 's1' };
const S2 = { snapshotId: 's2' };

/** What the log holds: Ada left before the second snapshot without a record of it (her deletion was missed). */
const log = [
  fact('person', { lsn: 5, id: 'ada' }),
  fact('person', { lsn: 6, id: 'eva' }),
  rejected('person', { lsn: 7, id: 'odd' }),
];
const second = [
  marker('start', { lsn: 20, ...S2 }),
  fact('person', { lsn: 20, id: 'eva', ...S2, chunk: 1 }),
  marker('end', { lsn: 21, ...S2, chunks: [{ no: 1, kind: 'person', rows: 1 }] }),
];

const alive = async (ctx: IngestContext): Promise<readonly string[]> =>
  (await query<{ id: string }>(ctx.db, `select id from sink.person where not deleted order by id`, [])).map(
    ({ id }) => id,
  );

test('regression: a replay after the tenant was removed and added again brings back nobody whom a snapshot has not met', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(...log);
  // Removed, and added again: the replica begins anew, by a snapshot.
  await query(ctx.db, `delete from control.integration`, []);
  expect(await eraseTenant(ctx.db, TENANT)).toBe(true);
  await ctx.integrate(TENANT);
  await ctx.take(...second);
  await ctx.settle();
  expect(await alive(ctx)).toEqual(['eva']);

  ctx.offset = 0;
  const again = await ctx.takeAgain(...log, ...second);
  expect(again).toEqual({ changed: 0, marked: 0 });
  expect(await alive(ctx)).toEqual(['eva']);
  expect(await ctx.row('person', 'odd')).toBeUndefined();
  expect(await ctx.work()).toEqual([]);
});

test('the same records written once more by the normalizer, with later offsets, bring back nobody either', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(...second);
  await ctx.settle();
  await ctx.take(...log);
  expect(await alive(ctx)).toEqual(['eva']);
  expect(await ctx.work()).toEqual([]);
});

test("the snapshot's own rows, and what came after its start, come back when the replica has lost them", async () => {
  await using ctx = await IngestContext.open();
  const hired = fact('person', { lsn: 30, id: 'hired' });
  await ctx.take(...second, hired);
  await query(ctx.db, `delete from sink.person`, []);
  ctx.offset = 0;
  await ctx.takeAgain(...second, hired);
  expect(await alive(ctx)).toEqual(['eva', 'hired']);
});

test('a bare row, whose rejection is all we know of it, takes no fact from before the snapshot', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(...second, rejected('person', { lsn: 25, id: 'odd' }));
  await ctx.settle();
  await ctx.take(fact('person', { lsn: 5, id: 'odd' }));
  expect(await ctx.row('person', 'odd')).toMatchObject({ log_offset: '-1', rejected_code: 'FACT_INVALID' });
  await ctx.take(fact('person', { lsn: 26, id: 'odd' }));
  expect(await ctx.row('person', 'odd')).toMatchObject({ first_name: 'Ada', rejected_code: null });
});

test('without a proved snapshot nothing is fenced: history is read in its order', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(marker('start', { lsn: 20, ...S1 }), ...log);
  expect(await alive(ctx)).toEqual(['ada', 'eva', 'odd']);
});

test('rows of an older snapshot that come again during a new one count for neither', async () => {
  await using ctx = await IngestContext.open();
  const first = [
    marker('start', { lsn: 10, ...S1 }),
    fact('person', { lsn: 10, id: 'eva', ...S1, chunk: 7 }),
    marker('end', { lsn: 11, ...S1, chunks: [{ no: 7, kind: 'person', rows: 1 }] }),
  ];
  await ctx.take(...first);
  await ctx.take(second[0]!, second[1]!);
  await ctx.take(...first);
  const { snapshots } = await ctx.take(second[2]!);
  expect(snapshots).toMatchObject([{ snapshotId: 's2', state: 'proved' }]);
});
