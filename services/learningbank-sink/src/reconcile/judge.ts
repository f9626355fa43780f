import type { ErrorCode, IntegrationSettings } from '@orgstream/core';
import type { Assessment, ObjectKind } from '../model.ts';
import { unconfirmed } from '../plan/index.ts';
import type { Standing } from './keys.ts';

/** `go`: nothing but the brake (where not approved) and shadow mode can hold it. */
export type Judgement =
  { readonly to: 'go'; readonly approved: boolean } | { readonly to: 'held'; readonly code: ErrorCode };

/** What was undone, rejected or ignored stays as it is, while the same is desired. */
export function heldBy(standing: Standing, hash: string): ErrorCode | null {
  return standing.holdHash === hash ? (standing.holdCode ?? 'REJECTED') : null;
}

/** True when something else is desired than what was to be undone: somebody left meanwhile, say. */
export function isOutdated({ undo, hash }: Standing, desired: string): boolean {
  return undo !== null && hash !== null && hash !== desired;
}

/**
 * What operators and runs say about an object that is to be changed. A hold comes before an approval; an approval of a
 * run covers what is not more destructive than what was approved (semantics.md §7.1); what the source itself changed since is
 * no longer the run's, but a live change like any other: a leaver, say, whom only the brake may hold. Pure.
 */
export function judge(
  standing: Standing,
  { operations, hash }: Pick<Assessment, 'operations' | 'hash'>,
  object: { readonly kind: ObjectKind; readonly settings: IntegrationSettings },
): Judgement {
  const hold = heldBy(standing, hash);
  if (hold) return { to: 'held', code: hold };
  if (standing.approvedHash === hash) return { to: 'go', approved: true };
  const { runId, own, approvedOperations } = standing;
  if (runId !== null && approvedOperations !== null) {
    if (operations.every((operation) => approvedOperations.includes(operation))) return { to: 'go', approved: true };
    if (!own) return { to: 'held', code: 'MORE_DESTRUCTIVE' };
  }
  const waits = unconfirmed(object.kind, operations, object.settings);
  return waits ? { to: 'held', code: waits } : { to: 'go', approved: false };
}
