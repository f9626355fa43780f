import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('of one key one after the other in the order of asking, of others at once; whose turn is over waits for nobody', async () => {
  const turns = new Turns();
  const told: string[] = [];
  const first = await turns.take(1);
  const waiting = ['a', 'b'].map(async (name) => {
    using _turn = await turns.take(1);
    told.push(name);
    await Promise.resolve();
    told.push(`${name} ended`);
  });
  using _other = await turns.take(2);
  expect(told).toEqual([]);
  first[Symbol.dispose]();
  await Promise.all(waiting);
  expect(told).toEqual(['a', 'a ended', 'b', 'b ended']);
  using _again = await turns.take(1);
});
