import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AppError } from '@orgstream/core';
import { Watchdog } from './watchdog.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(): { watchdog: Watchdog; dead: AppError[] } {
  const dead: AppError[] = [];
  const onDead = (error: AppError) => dead.push(error);
  return { watchdog: new Watchdog({ silentMs: 60_000, maxRestarts: 3, onDead }), dead };
}

test('silence longer than the limit is death, told once', () => {
  const { watchdog, dead } = setUp();
  vi.advanceTimersByTime(55_000);
  watchdog.activity();
  vi.advanceTimersByTime(59_000);
  expect(dead).toEqual([]);
  vi.advanceTimersByTime(6_000);
  expect(dead).toMatchObject([{ code: 'KAFKA_CLIENT_DEAD', disposition: 'halt' }]);
  vi.advanceTimersByTime(600_000);
  expect(dead).toHaveLength(1);
});

test('a crash without restart is death at once', () => {
  const { watchdog, dead } = setUp();
  const cause = new Error('x');
  watchdog.crashed(cause, false);
  expect(dead).toMatchObject([{ code: 'KAFKA_CLIENT_DEAD', cause }]);
});

test('so many restarts in a row are borne; activity between begins the count anew', () => {
  const { watchdog, dead } = setUp();
  for (let round = 0; round < 5; round += 1) {
    for (let crash = 0; crash < 3; crash += 1) watchdog.crashed(new Error('x'), true);
    watchdog.activity();
  }
  expect(dead).toEqual([]);
  for (let crash = 0; crash < 4; crash += 1) watchdog.crashed(new Error('x'), true);
  expect(dead).toHaveLength(1);
});

test('disposed, it watches no longer', () => {
  const { watchdog, dead } = setUp();
  watchdog[Symbol.dispose]();
  vi.advanceTimersByTime(600_000);
  expect(dead).toEqual([]);
});
