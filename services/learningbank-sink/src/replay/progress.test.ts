import { expect, test } from 'vitest';
import { ReplayCounts } from './progress.ts';

test('rate and time to go come from what was read so far; unknown while nothing was', () => {
  let now = 1_000;
  const counts = new ReplayCounts(() => now);
  counts.total = 100;
  expect(counts.progress()).toEqual({
    done: 0,
    total: 100,
    calls: 0,
    perSecond: 0,
    etaSeconds: null,
    changed: 0,
    marked: 0,
  });
  now += 2_000;
  counts.done = 40;
  expect(counts.progress()).toMatchObject({ perSecond: 20, etaSeconds: 3 });
  // The end was captured before more came in.
  counts.done = 104;
  expect(counts.progress()).toMatchObject({ etaSeconds: 0 });
});
