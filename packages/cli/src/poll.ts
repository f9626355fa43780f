import { AppError } from '@orgstream/core';
import { sleep } from '@orgstream/runtime';

/** Looks again and again until `done`; COMMAND_UNANSWERED after the deadline, AbortError on Ctrl-C. */
export async function poll<T>(
  look: () => Promise<T>,
  options: {
    readonly done: (seen: T) => boolean;
    readonly onLook?: (seen: T) => void;
    readonly what: string;
    readonly timeoutSeconds: number;
    readonly intervalMs?: number;
    readonly signal: AbortSignal;
  },
): Promise<T> {
  const deadline = performance.now() + options.timeoutSeconds * 1_000;
  for (;;) {
    options.signal.throwIfAborted();
    const seen = await look();
    options.onLook?.(seen);
    if (options.done(seen)) return seen;
    if (performance.now() > deadline) {
      const remedy = 'look again with `orgstream status`, or give a longer --timeout';
      throw new AppError(
        'COMMAND_UNANSWERED',
        `${options.what} is not finished after ${options.timeoutSeconds} s; it goes on`,
        {
          remedy,
        },
      );
    }
    await sleep(options.intervalMs ?? 300, options.signal);
  }
}
