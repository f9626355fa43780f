import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Committer, type CommitOffset } from './committer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const commits: (readonly CommitOffset[])[] = [];
  const errors: unknown[] = [];
  const offsets = new Map([
    [0, 0],
    [1, 0],
  ]);
  let answer: () => Promise<void> = () => Promise.resolve();
  const committer = new Committer({
    intervalMs: 200,
    offsets: () => [...offsets].map(([partition, offset]) => ({ topic: 't', partition, offset })),
    commit: (entries) => {
      commits.push(entries);
      return answer();
    },
    onError: (error) => errors.push(error),
  });
  committer.known([...offsets].map(([partition, offset]) => ({ topic: 't', partition, offset })));
  const move = (partition: number, offset: number) => {
    offsets.set(partition, offset);
    committer.schedule();
  };
  return { committer, commits, errors, move, answerWith: (next: () => Promise<void>) => (answer = next) };
}

const entry = (partition: number, offset: number) => ({ topic: 't', partition, offset });

test('many moves make one commit, of the last values, without another move to trigger it', async () => {
  const { commits, move } = setUp();
  for (let offset = 1; offset <= 50; offset += 1) move(0, offset);
  move(1, 7);
  expect(commits).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(commits).toEqual([[entry(0, 50), entry(1, 7)]]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(commits).toHaveLength(1);
});

test('only what moved is committed', async () => {
  const { commits, move } = setUp();
  move(1, 3);
  await vi.advanceTimersByTimeAsync(200);
  move(0, 4);
  await vi.advanceTimersByTimeAsync(200);
  expect(commits).toEqual([[entry(1, 3)], [entry(0, 4)]]);
});

test('a failed commit is tried again by itself', async () => {
  const { commits, errors, move, answerWith } = setUp();
  answerWith(() => Promise.reject(new Error('away')));
  move(0, 1);
  await vi.advanceTimersByTimeAsync(600);
  expect(errors.length).toBeGreaterThanOrEqual(2);
  answerWith(() => Promise.resolve());
  await vi.advanceTimersByTimeAsync(400);
  const before = commits.length;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(commits).toHaveLength(before);
  expect(commits.at(-1)).toEqual([entry(0, 1)]);
});

test('never two commits at once, and what moved meanwhile follows', async () => {
  const { commits, move, answerWith } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  answerWith(() => promise);
  move(0, 1);
  await vi.advanceTimersByTimeAsync(200);
  move(0, 2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(commits).toHaveLength(1);
  resolve();
  await vi.advanceTimersByTimeAsync(200);
  expect(commits.at(-1)).toEqual([entry(0, 2)]);
});

test('after stop nothing is committed any more', async () => {
  const { committer, commits, move } = setUp();
  move(0, 1);
  committer.stop();
  move(0, 2);
  await committer.flush();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(commits).toEqual([]);
});
