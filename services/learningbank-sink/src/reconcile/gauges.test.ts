import type { Knex } from '@orgstream/database';
import { expect, test } from 'vitest';
import { createLinkCount } from './gauges.ts';

test('links are counted at every look while that is cheap, and rarely once it is not', async () => {
  let nowMs = 0;
  let countMs = 2;
  let counted = 0;
  const raw = () => {
    nowMs += countMs;
    return Promise.resolve({ rows: [{ linked: `${(counted += 1)}` }] });
  };
  const count = createLinkCount({ raw } as unknown as Knex, () => nowMs);
  const looks = async (times: number): Promise<number> => {
    let seen = 0;
    for (let n = 0; n < times; n += 1) {
      nowMs += 5_000;
      seen = await count();
    }
    return seen;
  };
  expect(await looks(5)).toBe(5);
  countMs = 3_000;
  expect(await looks(1)).toBe(6);
  // 3 s may be spent in 300 s: not within the next 59 looks.
  expect(await looks(59)).toBe(6);
  expect(await looks(1)).toBe(7);
});
