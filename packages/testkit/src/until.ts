import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Give up after this long. */
  readonly deadlineMs: number;
  /** What is waited for, in words; part of the error. May be asked at the end, to tell what was seen last. */
  readonly what: string | (() => string);
  /** Pause between two looks; default 25. */
  readonly intervalMs?: number;
}

/** A falsy answer means "not yet". */
export type Predicate<T> = () => T | Promise<T>;

/**
 * Waits until `predicate` gives something truthy, and returns that. A predicate that throws counts as "not yet"; its
 * last error is the cause when the deadline passes.
 */
export async function until<T>(predicate: Predicate<T>, options: UntilOptions): Promise<NonNullable<T>> {
  const end = performance.now() + options.deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await withDeadline(predicate, end);
      if (value) return value as NonNullable<T>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) throw timedOut(options, cause);
    await sleep(options.intervalMs ?? 25);
  }
}

/** A look that hangs must not hang the test. */
async function withDeadline<T>(predicate: Predicate<T>, end: number): Promise<T> {
  const answer = predicate();
  if (!(answer instanceof Promise)) return answer;
  const timer = new AbortController();
  const late = sleep(Math.max(0, end - performance.now()), undefined, { signal: timer.signal, ref: true }).then(
    () => {
      throw new Error('the look itself did not come back');
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}

function timedOut(options: UntilOptions, cause: unknown): Error {
  const what = typeof options.what === 'string' ? options.what : options.what();
  const last = cause instanceof Error ? `; last: ${cause.message}` : '';
  const message = `waited ${options.deadlineMs} ms for ${what}${last}`;
  return cause === undefined ? new Error(message) : new Error(message, { cause });
}
