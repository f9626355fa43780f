import { AppError } from '@orgstream/core';
import { describe, expect, test } from 'vitest';
import { backoffMs, retrying } from './backoff.ts';

const never = new AbortController().signal;

describe('back-off', () => {
  test.each([
    [1, 50, 100],
    [2, 100, 200],
    [5, 500, 1_000],
    [60, 500, 1_000],
  ])('attempt %d waits between %d and %d ms', (attempt, low, high) => {
    expect(backoffMs(attempt, { baseMs: 100, capMs: 1_000, random: () => 0 })).toBe(low);
    expect(backoffMs(attempt, { baseMs: 100, capMs: 1_000, random: () => 1 })).toBe(high);
  });

  test('a retry error is repeated, and told, until it succeeds', async () => {
    let calls = 0;
    const told: string[] = [];
    const work = async (): Promise<number> => {
      calls += 1;
      if (calls < 3) throw new AppError('KAFKA_UNREACHABLE', 'asking');
      return calls;
    };
    const onRetry = (error: AppError): void => void told.push(error.code);
    await expect(retrying(work, { signal: never, baseMs: 1, capMs: 1, onRetry })).resolves.toBe(3);
    expect(told).toEqual(['KAFKA_UNREACHABLE', 'KAFKA_UNREACHABLE']);
  });

  test.each([new AppError('SLOT_LOST', 'reading'), new Error('unknown')])('%s is not repeated', async (error) => {
    let calls = 0;
    const work = async (): Promise<never> => {
      calls += 1;
      throw error;
    };
    await expect(retrying(work, { signal: never })).rejects.toBe(error);
    expect(calls).toBe(1);
  });
});
