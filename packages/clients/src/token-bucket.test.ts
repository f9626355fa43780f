import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeTime } from '../test/fake-time.ts';
import { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';

function open(options: Partial<TokenBucketOptions> = {}) {
  const time = new FakeTime();
  const bucket = new TokenBucket({
    ratePerS: 10,
    minPerS: 1,
    maxPerS: 100,
    now: time.now,
    schedule: time.schedule,
    ...options,
  });
  return { time, bucket };
}

/** Takes `count` turns; `at` collects when each came. */
function takeAll(bucket: TokenBucket, time: FakeTime, count: number): { at: number[] } {
  const at: number[] = [];
  for (let n = 0; n < count; n += 1) void bucket.take().then(() => at.push(time.now()));
  return { at };
}

test('turns come at the rate, in the order of asking', async () => {
  const { bucket, time } = open();
  const order: number[] = [];
  for (let n = 0; n < 5; n += 1) void bucket.take().then(() => order.push(n));
  const { at } = takeAll(bucket, time, 5);
  await time.pass(2_000);
  expect(order).toEqual([0, 1, 2, 3, 4]);
  expect(at).toEqual([500, 600, 700, 800, 900]);
  expect(time.timers).toBe(0);
});

test('a pause saves up no more than the burst', async () => {
  const { bucket, time } = open({ burst: 3 });
  await time.pass(60_000);
  const { at } = takeAll(bucket, time, 6);
  await time.pass(1_000);
  expect(at.map((ms) => ms - 60_000)).toEqual([0, 0, 0, 100, 200, 300]);
});

test('late timers do not slow the rate down', async () => {
  const { bucket, time } = open({ ratePerS: 1_000, maxPerS: 1_000 });
  const { at } = takeAll(bucket, time, 1_000);
  for (let ms = 0; ms < 1_000; ms += 20) {
    time.stall(19);
    await time.pass(1);
  }
  expect(at.length).toBeGreaterThan(970);
});

test('a 429 halves the rate and nobody goes before Retry-After is over', async () => {
  const { bucket, time } = open();
  await bucket.take();
  bucket.refused(5_000);
  expect(bucket.ratePerS).toBe(5);
  expect(bucket.blockedMs).toBe(5_000);
  const { at } = takeAll(bucket, time, 3);
  await time.pass(10_000);
  // Nothing was saved up while waiting either.
  expect(at).toEqual([5_200, 5_400, 5_600]);
});

test('the end of a Retry-After does not begin with a burst', async () => {
  const { bucket, time } = open({ burst: 3 });
  bucket.refused(5_000);
  const { at } = takeAll(bucket, time, 3);
  await time.pass(10_000);
  expect(at).toEqual([5_200, 5_400, 5_600]);
});

test('nobody overtakes those who wait, even when a turn is free already', async () => {
  const { bucket, time } = open();
  const order: string[] = [];
  await bucket.take();
  void bucket.take().then(() => order.push('first'));
  time.stall(150);
  void bucket.take().then(() => order.push('second'));
  await time.pass(1_000);
  expect(order).toEqual(['first', 'second']);
});

test('refusals of calls that were under way together halve once, the longest wait holds', () => {
  const { bucket } = open();
  for (const waitMs of [1_000, 9_000, 2_000]) bucket.refused(waitMs);
  expect(bucket.ratePerS).toBe(5);
  expect(bucket.blockedMs).toBe(9_000);
});

test('a 429 while somebody waits moves his turn', async () => {
  const { bucket, time } = open();
  const { at } = takeAll(bucket, time, 2);
  await time.pass(50);
  bucket.refused(1_000);
  await time.pass(5_000);
  expect(at).toEqual([0, 1_250]);
});

test('the rate never leaves its bounds', async () => {
  const { bucket, time } = open({ growthPerS: 10 });
  for (let n = 0; n < 20; n += 1) {
    bucket.refused(0);
    await time.pass(1_000);
  }
  expect(bucket.ratePerS).toBe(1);
  for (let n = 0; n < 10_000; n += 1) bucket.succeeded();
  expect(bucket.ratePerS).toBe(100);
});

test('used to the full, the rate grows by growthPerS a second', async () => {
  const { bucket, time } = open({ growthPerS: 2 });
  const worker = async () => {
    while (time.now() < 10_000) {
      await bucket.take();
      bucket.succeeded();
    }
  };
  void worker();
  await time.pass(10_000);
  expect(bucket.ratePerS).toBeGreaterThan(25);
  expect(bucket.ratePerS).toBeLessThan(32);
});

test('a wait ended by its signal leaves the queue and costs nobody a turn', async () => {
  const { bucket, time } = open();
  const stop = new AbortController();
  await bucket.take();
  const left = bucket.take(stop.signal);
  const { at } = takeAll(bucket, time, 1);
  stop.abort();
  await expect(left).rejects.toMatchObject({ code: 'PLATFORM_PAUSED' });
  await expect(bucket.take(stop.signal)).rejects.toMatchObject({ code: 'PLATFORM_PAUSED' });
  await time.pass(1_000);
  expect(at).toEqual([100]);
  expect(bucket.waiting).toBe(0);
});

test('unlimited: no waiting, no timers; after a 429 it has a rate, half of what went through', async () => {
  const { bucket, time } = open({ ratePerS: Infinity, maxPerS: Infinity });
  for (let n = 0; n < 400; n += 1) await bucket.take();
  expect(time.timers).toBe(0);
  bucket.refused(2_000);
  expect(bucket.ratePerS).toBe(200);
  const { at } = takeAll(bucket, time, 3);
  await time.pass(3_000);
  expect(at).toEqual([2_005, 2_010, 2_015]);
});

test('in any stretch of time no more goes through than rate and burst allow', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('take' as const), count: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 10 }),
      fc.array(step, { maxLength: 15 }),
      async (ratePerS, burst, steps) => {
        const { bucket, time } = open({ ratePerS, burst, maxPerS: ratePerS });
        const at: number[] = [];
        let asked = 0;
        for (const next of steps) {
          if (next.kind === 'pass') await time.pass(next.ms);
          else {
            asked += next.count;
            for (let n = 0; n < next.count; n += 1) void bucket.take().then(() => at.push(time.now()));
          }
        }
        await time.pass((asked / ratePerS) * 1_000 + 2_000);
        expect(at).toHaveLength(asked);
        for (let i = 0; i < at.length; i += 1) {
          for (let j = i + burst; j < at.length; j += 1) {
            // Timers have whole milliseconds: what the rounding cost is made up for.
            const allowed = burst + ((at[j]! - at[i]! + 1) / 1_000) * ratePerS;
            expect(j - i + 1).toBeLessThanOrEqual(Math.floor(allowed + 1e-6));
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});
