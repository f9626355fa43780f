import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommittedXids, isInvisible, parsePgSnapshot } from '../src/xids.ts';

test.each([
  ['10:20:12,15', 12, true],
  ['10:20:12,15', 13, false],
  ['10:20:12,15', 20, true],
  ['10:20:12,15', 9, false],
  ['10:20:', 19, false],
  // beyond 2^32: epoch 1, xmax 5
  ['4294967290:4294967301:4294967295', 0xffff_ffff, true],
  ['4294967290:4294967301:4294967295', 4, false],
  ['4294967290:4294967301:4294967295', 5, true],
  // xmax just before the wrap: an xid just after it is ahead
  ['4294967290:4294967295:', 3, true],
])('a snapshot %s and transaction %i: invisible %s', (text, xid, invisible) => {
  expect(isInvisible(parsePgSnapshot(text), xid)).toBe(invisible);
});

test('only commits before the mark count, and the newest 65536 of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200_000 }), fc.nat(), (count, seed) => {
      const xids = new CommittedXids();
      for (let i = 0; i < count; i += 1) xids.add(1_000 + i);
      const at = seed % count;
      const snapshot = { xmax: 1_000_000, inProgress: new Set([1_000 + at]) };
      const kept = at >= count - 65_536;
      expect(xids.findInvisible(snapshot, count)).toBe(kept ? 1_000 + at : undefined);
      expect(xids.findInvisible(snapshot, at)).toBe(undefined);
    }),
    { numRuns: 20 },
  );
});
