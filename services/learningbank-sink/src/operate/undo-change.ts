import type { ErrorCode, Operation } from '@orgstream/core';
import type { ObjectKind, TargetId } from '../model.ts';
import { type Applied, operationsBetween } from './terms.ts';

/** A call on record that was made, or may have been. */
export interface PastCall {
  readonly id: number;
  readonly op: string;
  readonly state: 'sent' | 'unknown' | 'done';
  readonly targetId: TargetId | null;
  readonly before: Applied | null;
  readonly after: Applied | null;
  readonly runId: string | null;
  readonly causeEpoch: number;
  readonly causeLsn: number;
}

/** An object with its calls, newest first, and what is true of it now. */
export interface Past {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly calls: readonly PastCall[];
  /** null = not linked. */
  readonly applied: Applied | null;
}

/** Where undoing leads: `back` null = as if it had never been made. */
export interface Undoing {
  readonly now: Applied | null;
  readonly back: Applied | null;
  readonly operations: readonly Operation[];
}

/** What to undo: an object's latest change, or what one run did. */
export type UndoOf = { readonly latest: true } | { readonly run: string };

/** How one object goes back, or why it does not. Pure. */
export function undoing(past: Past, of: UndoOf): Undoing | { readonly refused: ErrorCode } {
  const { meant, newer } = split(past.calls, of);
  // What the run did is older than the calls that are looked at.
  if (meant.length === 0)
    return { refused: 'run' in of && past.calls.length > 0 ? 'UNDO_CHANGED_SINCE' : 'UNDO_NOTHING' };
  if (meant.some(({ op }) => op === 'user.delete')) return { refused: 'UNDO_IMPOSSIBLE' };
  // A call whose outcome nobody knows yet may have changed it too.
  if (newer || past.calls.some(({ state }) => state !== 'done')) return { refused: 'UNDO_CHANGED_SINCE' };
  const [last, first] = [meant[0]!, meant.at(-1)!];
  const { applied: now } = past;
  if (!sameState(past.kind, now, last.after)) return { refused: 'UNDO_CHANGED_SINCE' };
  const back = first.before;
  const operations = operationsBetween(past.kind, now, back);
  // Never linked and now inactive is what undoing the making of a user leads to.
  const isThere = back === null && now !== null && 'active' in now && !now.active;
  return operations.length === 0 || isThere ? { refused: 'UNDO_NOTHING' } : { now, back, operations };
}

/** The calls of the change, newest first; `newer`: something else came after them. */
function split(
  calls: readonly PastCall[],
  of: UndoOf,
): { readonly meant: readonly PastCall[]; readonly newer: boolean } {
  if ('latest' in of) {
    const newest = calls[0];
    const end = calls.findIndex((call) => !isSameChange(call, newest!));
    return { meant: end < 0 ? calls : calls.slice(0, end), newer: false };
  }
  const meant = calls.filter(({ runId }) => runId === of.run);
  // Something of another cause in between was built upon, and would be undone with it.
  const start = calls.findIndex(({ runId }) => runId === of.run);
  const unbroken = calls.slice(start, start + meant.length).every(({ runId }) => runId === of.run);
  return { meant, newer: meant.length > 0 && (start > 0 || !unbroken) };
}

function isSameChange(a: PastCall, b: PastCall): boolean {
  if (a.runId !== null || b.runId !== null) return a.runId === b.runId;
  return a.causeEpoch === b.causeEpoch && a.causeLsn === b.causeLsn;
}

/** What the target shows; on which roles a job profile was decided is only on record. */
function sameState(kind: ObjectKind, a: Applied | null, b: Applied | null): boolean {
  if (a === null || b === null) return a === b;
  if (operationsBetween(kind, a, b).length > 0) return false;
  return !('jobProfileId' in a) || !('jobProfileId' in b) || a.jobProfileId === b.jobProfileId;
}

/** Order in which objects go back: what others need is made first, people, then names and places, deletions last. */
export function undoRank({ kind }: Pick<Past, 'kind'>, { now, back }: Pick<Undoing, 'now' | 'back'>): number {
  if (kind === 'person') return 2;
  if (now === null) return kind === 'unit' ? 0 : 1;
  if (back !== null) return 3;
  return kind === 'role' ? 4 : 5;
}
