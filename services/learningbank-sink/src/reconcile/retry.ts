import type { ErrorCode } from '@orgstream/core';
import { backoffMs } from '@orgstream/runtime';
import type { ObjectContext, Patience } from './object-context.ts';
import type { Verdict } from './end-work.ts';

/** `drop` = leave the row as it is: the lease is lost, the integration changed, or the database is in trouble. */
export type RunEnd = Verdict | { readonly to: 'drop' };

/** Back-off with jitter, and after the last try the object parks: alone, and looked at again by the sweeper. */
export function retryOrPark(
  failure: { readonly code: ErrorCode; readonly attempts: number; readonly waitMs?: number | undefined },
  patience: Patience,
): Verdict {
  const attempt = failure.attempts + 1;
  if (attempt >= patience.maxAttempts) {
    return { to: 'parked', code: 'UNEXPECTED', detail: { lastCode: failure.code, attempts: attempt } };
  }
  const waitMs = backoffMs(attempt, { baseMs: patience.retryBaseMs, capMs: patience.retryCapMs });
  return { to: 'retry', code: failure.code, waitMs: Math.max(waitMs, failure.waitMs ?? 0), burn: true };
}

/** Failures that may be the platform's rather than the object's. */
const perhapsThePlatforms: ReadonlySet<ErrorCode> = new Set([
  'TARGET_UNREACHABLE',
  'TARGET_ERROR',
  'TARGET_ANSWER_INVALID',
]);

/**
 * As {@link retryOrPark}; but before an object is given up for what may be the platform's fault, the platform is asked. A
 * single change makes too few calls for the breaker to open, and would be parked while the platform is down.
 */
export async function retryOrAsk(
  failure: Parameters<typeof retryOrPark>[0],
  { patience, session }: Pick<ObjectContext, 'patience' | 'session'>,
): Promise<Verdict> {
  const verdict = retryOrPark(failure, patience);
  if (verdict.to !== 'parked' || !perhapsThePlatforms.has(failure.code) || (await session.probe())) return verdict;
  return { to: 'retry', code: failure.code, waitMs: 1_000, burn: false };
}
