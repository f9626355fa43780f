import type { ListedNotification } from '@orgstream/clients';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findStart, poll, type PollSteps } from './poll.ts';

const listed = (id: number, occurredAtMs = id): ListedNotification => {
  const fields = { type: 'module.assigned', userId: 1, email: null, fields: {}, link: null };
  return { id, notification: { ...fields, id: String(id), occurredAtMs }, problems: [] };
};

/** A platform that has sent these. */
function platform(all: readonly ListedNotification[]) {
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    notifications: async (after: number, { pageSize = 200 } = {}): Promise<readonly ListedNotification[]> => {
      calls += 1;
      return all.filter(({ id }) => id > after).slice(0, pageSize);
    },
  };
}

function run(all: readonly ListedNotification[], given: Partial<PollSteps> = {}) {
  const log: string[] = [];
  const client = platform(all);
  const taken: number[] = [];
  const done = poll({
    client,
    after: 0,
    sinceMs: 0,
    take: async (page) => {
      taken.push(...page.map(({ id }) => id));
      log.push(`take ${page.length}`);
    },
    move: async (after, received) => {
      log.push(`move ${after}${received ? '' : ' (nothing)'}`);
      return true;
    },
    signal: new AbortController().signal,
    ...given,
  });
  return { done, log, taken, client };
}

const many = (count: number) => Array.from({ length: count }, (_, n) => listed(n + 1));

test('every page is taken before the cursor moves behind it', async () => {
  const { done, log } = run(many(450));
  await done;
  expect(log).toEqual(['take 200', 'move 200', 'take 200', 'move 400', 'take 50', 'move 450']);
});

test('a long way is gone in turns: others wait for theirs', async () => {
  const { done, log } = run(many(1_450));
  expect(await done).toBe(true);
  expect(log.at(-1)).toBe('move 1000');
  const { done: rest, taken } = run(many(1_450), { after: 1_000 });
  expect([await rest, taken.length]).toEqual([false, 450]);
});

test('what cannot be taken does not move the cursor', async () => {
  const { done, log } = run(many(10), { take: () => Promise.reject(new Error('Kafka is away')) });
  await expect(done).rejects.toThrow('Kafka is away');
  expect(log).toEqual([]);
});

test('who has lost the intake stops', async () => {
  const { done, taken } = run(many(450), { move: async () => false });
  await done;
  expect(taken).toHaveLength(200);
});

test('a first poll remembers where it begins, also where there is nothing', async () => {
  const { done, log } = run([], { after: undefined, sinceMs: 5 });
  await done;
  expect(log).toEqual(['move 0 (nothing)']);
});

test('a first poll takes all that is young enough and hardly more, wherever the ids have gaps', async () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 400 });
  await fc.assert(
    fc.asyncProperty(gaps, fc.nat(400), async (steps, first) => {
      let id = 0;
      const all = steps.map((step) => (id += step)).map((one, n) => listed(one, n));
      const { done, taken } = run(all, { after: undefined, sinceMs: first });
      await done;
      const young = all.filter(({ notification }) => notification!.occurredAtMs >= first).map((one) => one.id);
      expect(taken.slice(taken.length - young.length)).toEqual(young);
      expect(taken.length - young.length).toBeLessThanOrEqual(200);
    }),
    { numRuns: 50 },
  );
});

test('millions of old ones are not read through', async () => {
  const newest = 3_000_000;
  let calls = 0;
  const notifications = async (after: number): Promise<readonly ListedNotification[]> => {
    calls += 1;
    return after < newest ? [listed(after + 1)] : [];
  };
  const start = await findStart({ notifications }, newest - 10);
  expect(start).toBeLessThan(newest - 10);
  expect(start).toBeGreaterThan(newest - 250);
  expect(calls).toBeLessThan(45);
});

test('a first poll leaves out nothing young because others cannot be read', async () => {
  const unreadable = (id: number): ListedNotification => ({ id, notification: null, problems: ['type'] });
  const all = Array.from({ length: 2_000 }, (_, n) => (n % 3 === 0 ? unreadable(n + 1) : listed(n + 1)));
  for (const sinceMs of [1, 500, 1_000, 1_234, 1_999]) {
    const start = await findStart(platform(all), sinceMs);
    expect(start).toBeLessThan(sinceMs);
    expect(start).toBeGreaterThanOrEqual(sinceMs - 205);
  }
});
