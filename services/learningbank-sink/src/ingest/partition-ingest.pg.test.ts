import { topics } from '@orgstream/core';
import type { Batch, Codec, Decoded, InRecord, Unreadable } from '@orgstream/kafka';
import { expect, test } from 'vitest';
import { fact, IngestContext, marker } from './fixture.ts';
import { PartitionIngest } from './partition-ingest.ts';
import { query } from './query.ts';

/** Records are JSON here: what a record says is the point, not how it is written. */
const codec = { decode: (value: Buffer) => JSON.parse(value.toString()) as Decoded } as unknown as Codec;

const record = (offset: number, decoded: Decoded): InRecord => ({
  offset,
  key: `eu1.42/membership/${'id' in decoded.value ? decoded.value.id : 'marker'}`,
  value: Buffer.from(JSON.stringify(decoded)),
  headers: {},
  timestampMs: 0,
});

function batch(records: readonly InRecord[], signal = new AbortController().signal): Batch {
  return { topic: topics.directoryChanges, partition: 0, records, signal };
}

function partition(ctx: IngestContext, aside: Unreadable[] = []): PartitionIngest {
  const setAside = (_: Batch, unreadable: readonly Unreadable[]): Promise<void> => {
    aside.push(...unreadable);
    return Promise.resolve();
  };
  return new PartitionIngest(
    { db: ctx.db, codec, setAside, onResult: () => {} },
    { topic: topics.directoryChanges, partition: 0 },
    0,
  );
}

const membership = (id: string, ordinal: number): Decoded => fact('membership', { lsn: 1, id, personId: id, ordinal });
const stored = async (ctx: IngestContext): Promise<readonly unknown[]> =>
  query(ctx.db, `select id from sink.membership order by id`, []);
const offsetOf = async (ctx: IngestContext): Promise<unknown> =>
  (await query<{ next_offset: string }>(ctx.db, `select next_offset from sink.ingest_offset`, []))[0]?.next_offset;

test('a value that only Postgres refuses is set aside alone, the rest of its batch goes in', async () => {
  await using ctx = await IngestContext.open();
  const aside: Unreadable[] = [];
  const beyondInt = 3_000_000_000;
  const records = ['a', 'b', 'bad', 'c', 'd'].map((id, n) => record(n, membership(id, id === 'bad' ? beyondInt : 0)));
  await partition(ctx, aside).take(batch(records));
  expect(await stored(ctx)).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'bad' }, { id: 'c' }, { id: 'd' }]);
  expect(await ctx.row('membership', 'bad')).toMatchObject({ log_offset: '-1', rejected_code: 'FACT_INVALID' });
  expect(aside).toMatchObject([{ code: 'FACT_INVALID', record: { offset: 2 } }]);
  expect(await offsetOf(ctx)).toBe('5');
});

test('whose change Postgres refuses during a snapshot is not swept: the snapshot left it to that change', async () => {
  await using ctx = await IngestContext.open();
  const snapshot = { snapshotId: 's' };
  const refused = fact('membership', { lsn: 11, id: 'x', personId: 'x', ordinal: 3_000_000_000 });
  const log = [membership('x', 0), membership('gone', 0), marker('start', { lsn: 10, ...snapshot }), refused];
  const end = marker('end', { lsn: 12, ...snapshot, chunks: [{ no: 1, kind: 'membership', rows: 0 }] });
  await partition(ctx).take(batch([...log, end].map((decoded, n) => record(n, decoded))));
  expect(await ctx.row('membership', 'gone')).toMatchObject({ deleted: true });
  expect(await ctx.row('membership', 'x')).toMatchObject({ deleted: false, rejected_code: 'FACT_INVALID' });
});

test('an owner that lost its partition is refused, and stores nothing once its batch is aborted', async () => {
  await using ctx = await IngestContext.open();
  const [old, present] = [partition(ctx), partition(ctx)];
  await present.take(batch([record(0, membership('a', 0)), record(1, membership('b', 0))]));
  const lost = new AbortController();
  const stale = batch([record(0, membership('a', 0))], lost.signal);
  await expect(old.take(stale)).rejects.toMatchObject({ code: 'LEASE_LOST', disposition: 'retry' });
  lost.abort();
  await old.take(batch([record(2, membership('late', 0))], lost.signal));
  expect(await offsetOf(ctx)).toBe('2');
});

test('an owner whose commit went through unanswered finds its records in, and goes on behind them', async () => {
  await using ctx = await IngestContext.open();
  const [unanswered, owner] = [partition(ctx), partition(ctx)];
  const first = [record(0, membership('a', 0)), record(1, membership('b', 0))];
  await unanswered.take(batch(first));
  await expect(owner.take(batch(first))).rejects.toMatchObject({ code: 'LEASE_LOST' });
  await owner.take(batch(first));
  await owner.take(batch([record(2, membership('c', 0))]));
  expect(await stored(ctx)).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  expect(await offsetOf(ctx)).toBe('3');
});

test('a stored offset that fell means another database: nothing is taken in, nothing skipped', async () => {
  await using ctx = await IngestContext.open();
  const ingest = partition(ctx);
  await ingest.take(batch([record(0, membership('a', 0)), record(1, membership('b', 0))]));
  expect(ingest.reached).toBe(2);
  // An older copy is put back under the running process.
  await query(ctx.db, `update sink.ingest_offset set next_offset = 1`, []);
  await query(ctx.db, `delete from sink.membership where id = 'b'`, []);
  await expect(ingest.take(batch([record(2, membership('c', 0))]))).rejects.toMatchObject({ code: 'LEASE_LOST' });
  await expect(ingest.take(batch([record(2, membership('c', 0))]))).rejects.toMatchObject({
    code: 'DATABASE_RESTORED',
  });
  expect(await stored(ctx)).toEqual([{ id: 'a' }]);
  expect(await offsetOf(ctx)).toBe('1');
});
