import { setTimeout as delay } from 'node:timers/promises';
import { AppError, isAppError } from '@orgstream/core';

/** Exponential back-off with full jitter on its upper half: attempt 1 waits baseMs/2..baseMs, doubling up to capMs. */
export function backoffMs(
  attempt: number,
  options: { readonly baseMs: number; readonly capMs: number; readonly random?: () => number },
): number {
  const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * (options.random ?? Math.random)());
}

/** Waits; resolves early, without an error, when the signal aborts. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** Repeats `work` while it fails with an AppError `retry`, with back-off, until the signal aborts. */
export async function retrying<T>(
  work: () => Promise<T>,
  options: {
    readonly signal: AbortSignal;
    readonly baseMs?: number;
    readonly capMs?: number;
    readonly onRetry?: (error: AppError, waitMs: number) => void;
  },
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (options.signal.aborted || !isAppError(error) || error.disposition !== 'retry') throw error;
      const waitMs = Math.max(
        error.waitMs ?? 0,
        backoffMs(attempt, { baseMs: options.baseMs ?? 200, capMs: options.capMs ?? 10_000 }),
      );
      options.onRetry?.(error, waitMs);
      await sleep(waitMs, options.signal);
    }
  }
}
