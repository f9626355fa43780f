import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LowWaterMark } from './low-water-mark.ts';

test('before anything is done there is no mark, or the initial one', () => {
  expect(new LowWaterMark<number>().mark).toBeUndefined();
  expect(new LowWaterMark(7).mark).toBe(7);
});

test('the mark waits for the oldest open piece and then jumps over all that is done behind it', () => {
  const marks = new LowWaterMark<number>();
  const [a, b, c] = [marks.begin(10), marks.begin(20), marks.begin(30)];
  expect(marks.complete(c)).toBe(false);
  expect(marks.complete(b)).toBe(false);
  expect([marks.mark, marks.open, marks.oldest]).toEqual([undefined, 3, 10]);
  expect(marks.complete(a)).toBe(true);
  expect([marks.mark, marks.open, marks.oldest]).toEqual([30, 0, undefined]);
});

test('completing twice changes nothing', () => {
  const marks = new LowWaterMark<number>();
  const a = marks.begin(1);
  marks.begin(2);
  marks.complete(a);
  expect(marks.complete(a)).toBe(false);
  expect(marks.mark).toBe(1);
});

test('property: whatever the order of completion, the mark never passes a gap', () => {
  const runs = fc.array(fc.record({ begin: fc.boolean(), pick: fc.nat() }), { maxLength: 5_000 });
  fc.assert(
    fc.property(runs, (steps) => {
      const marks = new LowWaterMark<number>();
      const open: { at: number; ticket: ReturnType<typeof marks.begin> }[] = [];
      const done = new Set<number>();
      let next = 0;
      for (const { begin, pick } of steps) {
        if (begin || open.length === 0) open.push({ at: next, ticket: marks.begin(next++) });
        else {
          const [piece] = open.splice(pick % open.length, 1);
          done.add(piece!.at);
          marks.complete(piece!.ticket);
        }
        let expected = -1;
        while (done.has(expected + 1)) expected += 1;
        if ((marks.mark ?? -1) !== expected || marks.open !== next - 1 - expected) return false;
      }
      return true;
    }),
    { numRuns: 100 },
  );
});

test('it forgets what lies under the mark: a million pieces, memory stays flat', () => {
  const marks = new LowWaterMark<number>();
  const window = Array.from({ length: 10 }, (_, at) => marks.begin(at));
  for (let at = 10; at < 1_000_000; at += 1) {
    marks.complete(window.shift()!);
    window.push(marks.begin(at));
  }
  expect([marks.mark, marks.open]).toEqual([999_989, 10]);
});
