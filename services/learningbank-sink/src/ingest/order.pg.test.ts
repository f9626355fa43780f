import { kinds, topics, type Kind } from '@orgstream/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Decoded } from '@orgstream/kafka';
import { fact, IngestContext, rejected } from './fixture.ts';
import type { Item } from './fact.ts';
import { ingestAgain } from './ingest.ts';
import { query } from './query.ts';

const ids = fc.constantFrom('1', '2');
const kind = fc.constantFrom<Kind>(...kinds);
const record: fc.Arbitrary<Decoded> = fc
  .record({
    kind,
    id: ids,
    lsn: fc.integer({ min: 1, max: 6 }),
    name: fc.constantFrom('a', 'b'),
    what: fc.constantFrom('good', 'good', 'deleted', 'rejected'),
  })
  .map(({ kind: of, id, lsn, name, what }) => {
    if (what === 'rejected') return rejected(of, { lsn, id });
    const content =
      of === 'membership'
        ? { personId: name }
        : of === 'assignment'
          ? { membershipId: name }
          : { name, firstName: name };
    return fact(of, what === 'deleted' ? { lsn, id, deleted: true } : { lsn, id, ...content });
  });

/** A log, and two ways it may reach us: permuted, with duplicates, cut into batches. Offsets are the log's. */
const history = fc.array(record, { minLength: 1, maxLength: 14 }).chain((records) => {
  const delivery = fc
    .tuple(
      fc.shuffledSubarray([...records.keys()], { minLength: records.length, maxLength: records.length }),
      fc.array(fc.nat({ max: records.length - 1 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 6 }),
    )
    .map(([order, doubles, size]) => ({ order: [...order, ...doubles], size }));
  return fc.record({ records: fc.constant(records), one: delivery, other: delivery });
});

test('the order of facts does not matter, nor do duplicates: the replica ends the same', async () => {
  await using ctx = await IngestContext.open();
  const deliver = async (items: readonly Item[], { order, size }: { order: readonly number[]; size: number }) => {
    for (const of of kinds) await query(ctx.db, `delete from sink.${of}`, []);
    for (let at = 0; at < order.length; at += size) {
      const batch = order.slice(at, at + size).map((index) => items[index]!);
      await ingestAgain(ctx.db, { topic: topics.directoryChanges, partition: 0, items: batch });
    }
    return stable(await ctx.replica());
  };
  await fc.assert(
    fc.asyncProperty(history, async ({ records, one, other }) => {
      ctx.offset = 0;
      const items = ctx.items(records);
      expect(await deliver(items, one)).toEqual(await deliver(items, other));
    }),
    { numRuns: 40, endOnFailure: true },
  );
});

/** A bare row's commit time is that of whichever rejection came first: nobody reads it. */
function stable(replica: unknown): unknown {
  return (replica as Record<string, unknown>[][]).map((rows) =>
    rows.map(({ committed_at, ...row }) => (row['log_offset'] === '-1' ? row : { ...row, committed_at })),
  );
}
