import type { Decoded } from '@orgstream/kafka';
import { expect, test } from 'vitest';
import { fact, IngestContext, marker, rejected, TENANT } from './fixture.ts';
import { query } from './query.ts';

const S = { snapshotId: 's1' };

const stateOf = async (
  ctx: IngestContext,
  id = 's1',
): Promise<{ readonly state: string; readonly detail: unknown } | undefined> => {
  const rows = await query<{ state: string; detail: unknown }>(
    ctx.db,
    `select state, detail from sink.snapshot where tenant = ? and snapshot_id = ?`,
    [TENANT, id],
  );
  return rows[0];
};

const chunks = (people: number, units = 1) => [
  { no: 1, kind: 'unit', rows: units },
  { no: 2, kind: 'person', rows: people },
];

test('a snapshot whose counts hold is proved, and sweeps what it has not seen', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(
    fact('person', { lsn: 5, id: 'gone' }),
    fact('unit', { lsn: 5, seq: 2, id: 'old' }),
    fact('membership', { lsn: 5, seq: 3, id: 'm', personId: 'here', unitId: '1' }),
    fact('tenant', { lsn: 5, seq: 4, id: '42' }),
  );
  await ctx.settle();
  await ctx.take(marker('start', { lsn: 10, ...S }), fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 }));
  await ctx.take(fact('person', { lsn: 11, id: 'here', ...S, chunk: 2 }));
  const result = await ctx.take(marker('end', { lsn: 12, ...S, chunks: chunks(1) }));
  expect(result.snapshots).toMatchObject([{ state: 'proved' }]);
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved', detail: { swept: 3 } });
  expect(await ctx.row('person', 'gone')).toMatchObject({ deleted: true, first_name: null, lsn: '10', seq: 0 });
  expect(await ctx.row('unit', 'old')).toMatchObject({ deleted: true });
  expect(await ctx.row('membership', 'm')).toMatchObject({ deleted: true, person_id: null });
  expect(await ctx.row('tenant', '42')).toMatchObject({ deleted: false });
  expect((await ctx.work()).map(({ id, lane }) => [id, lane])).toEqual([
    ['gone', 0],
    ['here', 2],
    ['1', 2],
    ['old', 2],
  ]);
});

test('one row missing: unproved, nobody is removed, it says what is missing, and asks again', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 5, id: 'gone' }));
  await query(ctx.db, `delete from control.command`, []);
  const result = await ctx.take(
    marker('start', { lsn: 10, ...S }),
    fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 }),
    fact('person', { lsn: 10, id: 'a', ...S, chunk: 2 }),
    marker('end', { lsn: 12, ...S, chunks: chunks(2) }),
  );
  expect(result.snapshots).toMatchObject([{ state: 'unproved' }]);
  expect(await stateOf(ctx)).toMatchObject({
    state: 'unproved',
    detail: { reason: 'ROWS_MISSING', first: [{ no: 2, kind: 'person', rows: 2, met: 1 }] },
  });
  expect(await ctx.row('person', 'gone')).toMatchObject({ deleted: false });
  const commands = await query<{ payload: unknown }>(ctx.db, `select payload from control.command`, []);
  expect(commands).toMatchObject([{ payload: { source: 'eu1', tenant: TENANT, reason: 'unproved' } }]);
});

test('an end without a start is unproved', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 5, id: 'a' }));
  await ctx.take(marker('end', { lsn: 12, ...S, chunks: [] }));
  expect(await stateOf(ctx)).toMatchObject({ state: 'unproved', detail: { reason: 'START_NOT_SEEN' } });
  expect(await ctx.row('person', 'a')).toMatchObject({ deleted: false });
});

test('an empty tenant is proved by an end marker of zeros, and whoever was there has left', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 5, id: 'a' }));
  await ctx.take(marker('start', { lsn: 10, ...S }), marker('end', { lsn: 11, ...S, chunks: chunks(0, 0) }));
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
  expect(await ctx.row('person', 'a')).toMatchObject({ deleted: true });
});

test('rows that lose to a newer fact count, also within one batch', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('unit', { lsn: 50, id: '1', name: 'newer' }));
  await ctx.take(
    marker('start', { lsn: 10, ...S }),
    fact('unit', { lsn: 10, id: '1', name: 'older', ...S, chunk: 1 }),
    fact('person', { lsn: 10, id: 'a', ...S, chunk: 2 }),
    fact('person', { lsn: 60, id: 'a', firstName: 'newer' }),
    marker('end', { lsn: 12, ...S, chunks: chunks(1) }),
  );
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
  expect(await ctx.row('unit', '1')).toMatchObject({ name: 'newer' });
  expect(await ctx.row('person', 'a')).toMatchObject({ first_name: 'newer', seen_snapshot: 's1' });
});

test('rejected rows count, and are not swept', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(
    marker('start', { lsn: 10, ...S }),
    fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 }),
    rejected('person', { lsn: 10, seq: 0, id: 'a', ...S, chunk: 2 }),
    marker('end', { lsn: 12, ...S, chunks: chunks(1) }),
  );
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
  expect(await ctx.row('person', 'a')).toMatchObject({ deleted: false, rejected_code: 'FACT_INVALID' });
});

test('rows overtaken by a live change are neither sent nor counted, and not swept; nor are those rejected since', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 5, id: 'changed' }), fact('person', { lsn: 5, seq: 2, id: 'broken' }));
  await ctx.take(
    marker('start', { lsn: 10, ...S }),
    fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 }),
    fact('person', { lsn: 11, id: 'changed', firstName: 'live' }),
    rejected('person', { lsn: 11, seq: 2, id: 'broken' }),
    marker('end', { lsn: 12, ...S, chunks: chunks(0) }),
  );
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
  expect(await ctx.row('person', 'changed')).toMatchObject({ deleted: false });
  expect(await ctx.row('person', 'broken')).toMatchObject({
    deleted: false,
    first_name: 'Ada',
    rejected_code: 'FACT_INVALID',
  });
});

test('a chunk that was retried counts under its new number only', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(
    marker('start', { lsn: 10, ...S }),
    fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 }),
    fact('person', { lsn: 10, id: 'a', ...S, chunk: 2 }),
    fact('person', { lsn: 11, id: 'a', ...S, chunk: 3 }),
    fact('person', { lsn: 11, id: 'b', ...S, chunk: 3 }),
    marker('end', {
      lsn: 12,
      ...S,
      chunks: [
        { no: 1, kind: 'unit', rows: 1 },
        { no: 3, kind: 'person', rows: 2 },
      ],
    }),
  );
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
});

test('markers that come again change nothing, whoever came in since stays', async () => {
  await using ctx = await IngestContext.open();
  const end = marker('end', { lsn: 12, ...S, chunks: chunks(0, 0) });
  await ctx.take(marker('start', { lsn: 10, ...S }), end);
  await ctx.take(fact('person', { lsn: 20, id: 'hired' }));
  await ctx.take(marker('start', { lsn: 10, ...S }), end);
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
  expect(await ctx.row('person', 'hired')).toMatchObject({ deleted: false });
});

test('a newer snapshot supersedes one that has not ended', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(marker('start', { lsn: 10, ...S }), marker('start', { lsn: 20, snapshotId: 's2' }));
  await ctx.take(marker('end', { lsn: 12, ...S, chunks: [] }));
  expect(await stateOf(ctx)).toMatchObject({ state: 'superseded' });
  expect(await stateOf(ctx, 's2')).toMatchObject({ state: 'started' });
});

test('the start of an older snapshot, come again, supersedes nothing and proves nothing', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(marker('start', { lsn: 20, snapshotId: 's2' }), fact('person', { lsn: 15, id: 'a' }));
  await ctx.take(marker('start', { lsn: 10, ...S }), marker('end', { lsn: 12, ...S, chunks: [] }));
  expect(await stateOf(ctx)).toMatchObject({ state: 'superseded' });
  expect(await stateOf(ctx, 's2')).toMatchObject({ state: 'started' });
  await ctx.take(marker('end', { lsn: 22, snapshotId: 's2', chunks: [] }));
  expect(await stateOf(ctx, 's2')).toMatchObject({ state: 'proved', detail: { swept: 1 } });
});

test('the site is gone only when the snapshot looked for it', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('tenant', { lsn: 5, id: '42' }));
  await ctx.take(
    marker('start', { lsn: 10, ...S }),
    marker('end', { lsn: 12, ...S, chunks: [{ no: 1, kind: 'tenant', rows: 0 }] }),
  );
  expect(await ctx.row('tenant', '42')).toMatchObject({ deleted: true });
});

test('while history is read again nothing counts as proved; once it is passed, the newest that holds does', async () => {
  await using ctx = await IngestContext.open();
  await query(ctx.db, `update sink.ingest_offset set rebuild_until = 6`, []);
  await ctx.take(
    marker('start', { lsn: 10, ...S }),
    fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 }),
    fact('person', { lsn: 10, id: 'a', ...S, chunk: 2 }),
    marker('end', { lsn: 12, ...S, chunks: chunks(1) }),
  );
  expect(await stateOf(ctx)).toMatchObject({ state: 'counted' });
  await ctx.take(
    fact('person', { lsn: 20, id: 'a', active: false }),
    fact('unit', { lsn: 20, seq: 2, id: '1', name: 'n' }),
  );
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
});

test('history with a later snapshot that does not hold asks for a fresh one instead', async () => {
  await using ctx = await IngestContext.open();
  await query(ctx.db, `update sink.ingest_offset set rebuild_until = 5`, []);
  await query(ctx.db, `delete from control.command`, []);
  await ctx.take(
    marker('start', { lsn: 10, ...S }),
    marker('end', { lsn: 12, ...S, chunks: [] }),
    marker('start', { lsn: 20, snapshotId: 's2' }),
    marker('end', { lsn: 22, snapshotId: 's2', chunks: chunks(1, 0) }),
  );
  expect(await stateOf(ctx)).toMatchObject({ state: 'counted' });
  await ctx.take(fact('role', { lsn: 30, id: '1' }));
  expect(await stateOf(ctx)).toMatchObject({ state: 'superseded' });
  const commands = await query<{ payload: unknown }>(ctx.db, `select payload from control.command`, []);
  expect(commands).toMatchObject([{ payload: { tenant: TENANT, reason: 'rebuild' } }]);
});

test.each<readonly [what: string, records: readonly Decoded[]]>([
  ['its end never came', [fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 })]],
  ['it has not begun to send', []],
])('cut short (%s): nobody is removed, and nothing is proved', async (_, records) => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 5, id: 'there' }));
  const { snapshots } = await ctx.take(marker('start', { lsn: 10, ...S }), ...records);
  expect(snapshots).toEqual([]);
  expect(await stateOf(ctx)).toMatchObject({ state: 'started' });
  expect(await ctx.row('person', 'there')).toMatchObject({ deleted: false });
});

test('more distinct rows than it says: unproved too', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 5, id: 'there' }));
  const { snapshots } = await ctx.take(
    marker('start', { lsn: 10, ...S }),
    fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 }),
    fact('unit', { lsn: 10, id: '2', ...S, chunk: 1 }),
    marker('end', { lsn: 12, ...S, chunks: chunks(0) }),
  );
  expect(snapshots).toMatchObject([{ state: 'unproved', detail: { reason: 'ROWS_MISSING' } }]);
  expect(await ctx.row('person', 'there')).toMatchObject({ deleted: false });
});

test('a row that is sent twice is one row: a source that resumes counts right', async () => {
  await using ctx = await IngestContext.open();
  const unit = fact('unit', { lsn: 10, id: '1', ...S, chunk: 1 });
  const ada = fact('person', { lsn: 11, id: 'a', ...S, chunk: 2 });
  await ctx.take(marker('start', { lsn: 10, ...S }), unit, ada);
  // Resumed after a crash: the start again, and rows whose acknowledgement was lost.
  const resumed = [marker('start', { lsn: 10, ...S }), unit, ada];
  await ctx.take(...resumed, marker('end', { lsn: 12, ...S, chunks: chunks(1) }));
  expect(await stateOf(ctx)).toMatchObject({ state: 'proved' });
});

test('a snapshot taken anew after one that failed half-way is proved, and sweeps what the failed one has met', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(marker('start', { lsn: 10, ...S }), fact('person', { lsn: 10, id: 'left since', ...S, chunk: 2 }));
  const again = { snapshotId: 's2' };
  const { snapshots } = await ctx.take(
    marker('start', { lsn: 20, ...again }),
    fact('unit', { lsn: 20, id: '1', ...again, chunk: 1 }),
    marker('end', { lsn: 22, ...again, chunks: chunks(0) }),
  );
  expect(snapshots).toMatchObject([{ snapshotId: 's2', state: 'proved' }]);
  expect(await stateOf(ctx)).toMatchObject({ state: 'superseded' });
  expect(await ctx.row('person', 'left since')).toMatchObject({ deleted: true });
});

test('whoever is at the same position as the start was there: only older rows are swept', async () => {
  await using ctx = await IngestContext.open();
  const start = marker('start', { lsn: 10, ...S });
  await ctx.take(fact('person', { lsn: 10, id: 'in the same transaction' }), start);
  await ctx.take(marker('end', { lsn: 12, ...S, chunks: [] }));
  expect(await ctx.row('person', 'in the same transaction')).toMatchObject({ deleted: false });
});
