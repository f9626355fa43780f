import type { ErrorCode, Operation } from '@orgstream/core';
import type { Assessment, Outcome } from '../model.ts';

/** An assessment before it is put into its final form. */
export interface Judged extends Pick<Assessment, 'operations' | 'blocked' | 'before' | 'after' | 'code'> {
  readonly hints?: Assessment['hints'];
  /** What the fingerprint is taken of: plain data, in source terms. */
  readonly desired: unknown;
}

/** Nothing is desired: not synced, or not to be touched. */
export const leftAlone: Judged = {
  operations: [],
  blocked: [],
  before: null,
  after: null,
  code: null,
  desired: 'alone',
};

/** Stands still altogether. */
export function stopped(
  code: ErrorCode,
  blocked: readonly Operation[],
  rest: Pick<Judged, 'before' | 'after' | 'desired'>,
): Judged {
  return { operations: [], blocked, code, ...rest };
}

/** Why an outcome goes no further by itself; null = it does. */
export function codeOf(outcome: Outcome): ErrorCode | null {
  switch (outcome.kind) {
    case 'park':
    case 'conflict':
    case 'halt':
      return outcome.code;
    case 'wait':
      return outcome.code ?? null;
    case 'settled':
    case 'actions':
    case 'look_up':
    case 'first':
      return null;
  }
}
