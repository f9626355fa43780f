import type { Action } from '../model.ts';
import type { Claimed, WorkKey } from './keys.ts';
import type { Grant } from './permit.ts';

/** An action on an object, and the claimed work that caused it (of the object itself, but for interim actions). */
export interface Doing {
  readonly key: WorkKey;
  readonly cause: Claimed;
  readonly action: Action;
  readonly refusedOnce: boolean;
  /** What its object was let through for; null = on behalf of another object, or going back: the brake counts nothing. */
  readonly grant: Grant | null;
}
