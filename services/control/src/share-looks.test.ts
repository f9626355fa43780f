import { expect, test } from 'vitest';
import { shareLooks } from './share-looks.ts';

/** Looks that end when they are told to. */
function stage() {
  const begun: { readonly key: string; readonly waitMs: number; end: (error?: Error) => void }[] = [];
  const look = shareLooks((key: string, waitMs) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const no = begun.length;
    begun.push({ key, waitMs, end: (error) => (error ? reject(error) : resolve(no)) });
    return promise;
  }, String);
  return { begun, look };
}

test('who asks while a look is under way gets the next one, all the same, with the longest wait', async () => {
  const { begun, look } = stage();
  const first = look('a', 0);
  const others = [look('a', 5), look('a', 3_000), look('a', 1)];
  expect(begun).toHaveLength(1);
  begun[0]!.end();
  expect(await first).toBe(0);
  await expect.poll(() => begun.length).toBe(2);
  expect(begun[1]!.waitMs).toBe(3_000);
  const late = look('a', 0);
  begun[1]!.end();
  expect(await Promise.all(others)).toEqual([1, 1, 1]);
  await expect.poll(() => begun.length).toBe(3);
  begun[2]!.end();
  expect(await late).toBe(2);
});

test('nobody waits for another key, and a look that fails ends nothing', async () => {
  const { begun, look } = stage();
  const first = look('a', 0);
  const second = look('a', 0);
  const other = look('b', 0);
  begun[1]!.end();
  expect(await other).toBe(1);
  begun[0]!.end(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  await expect.poll(() => begun.length).toBe(3);
  begun[2]!.end();
  expect(await second).toBe(2);
  const again = look('a', 0);
  begun[3]!.end();
  expect(await again).toBe(3);
});
