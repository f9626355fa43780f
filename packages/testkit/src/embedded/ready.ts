import { AppError } from '@orgstream/core';
import type { ProcessHandle } from '../process.ts';
import { until } from '../until.ts';

export interface ReadyOptions {
  readonly deadlineMs: number;
  /** Pause between two looks; default 50. */
  readonly intervalMs?: number;
}

/**
 * Waits until a freshly started process answers. One that ends meanwhile, or does not answer in time, is an error with
 * the end of what it wrote.
 */
export async function ready(
  handle: ProcessHandle,
  answers: () => Promise<boolean>,
  options: ReadyOptions,
): Promise<void> {
  try {
    await until(async () => !handle.running || (await answers()), {
      intervalMs: 50,
      ...options,
      what: `${handle.name} to answer`,
    });
  } catch (cause) {
    throw failed(handle, `starting ${handle.name}: no answer in ${options.deadlineMs} ms`, cause);
  }
  if (handle.running) return;
  const { code, signal } = await handle.exited;
  throw failed(handle, `starting ${handle.name}: it ended with ${signal ?? `code ${code}`}`);
}

function failed(handle: ProcessHandle, message: string, cause?: unknown): AppError {
  return new AppError('STACK_UNAVAILABLE', `${message}\n${handle.output().slice(-2_000)}`.trimEnd(), { cause });
}
