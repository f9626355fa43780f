import { expect, test } from 'vitest';
import { answered, createBatcher, failed } from './batcher.ts';

test('what is handed in while a batch runs forms the next one', async () => {
  const batches: (readonly number[])[] = [];
  const gate = Promise.withResolvers<void>();
  const double = createBatcher({
    max: 3,
    run: async (items: readonly number[]) => {
      batches.push(items);
      if (batches.length === 1) await gate.promise;
      return items.map((item) => answered(2 * item));
    },
  });
  const first = double(1);
  await new Promise((resolve) => setImmediate(resolve));
  const rest = [2, 3, 4, 5].map(double);
  gate.resolve();
  expect(await Promise.all([first, ...rest])).toEqual([2, 4, 6, 8, 10]);
  expect(batches).toEqual([[1], [2, 3, 4], [5]]);
});

test('an item that poisons its batch fails alone', async () => {
  const one = createBatcher({
    max: 9,
    run: async (items: readonly number[]) => {
      if (items.includes(3)) throw Object.assign(new Error('bad row'), { code: '22001' });
      return items.map((item) => (item === 4 ? failed(new Error('four')) : answered(item)));
    },
  });
  const results = await Promise.allSettled([1, 2, 3, 4].map(one));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
});

test('a lost connection fails the batch once, not item by item', async () => {
  let runs = 0;
  const one = createBatcher({
    max: 9,
    run: async () => {
      runs += 1;
      throw Object.assign(new Error('gone'), { code: '57P01' });
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map(one));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(runs).toBe(1);
});
