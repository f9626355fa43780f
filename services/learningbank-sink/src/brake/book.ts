import type { BrakeLimit, BrakedOperation } from '@orgstream/core';
import type { ObjectKind } from '../model.ts';
import { dayMs, shortMs, Windows } from './windows.ts';

/** An object that is about to be changed. */
export interface BrakeRequest {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly operations: readonly BrakedOperation[];
}

/** How many objects of a kind an operation may reach within each window. */
export interface Allowed {
  readonly short: number;
  readonly day: number;
}

/** What is known of the rest of the integration while a request is judged. */
export interface BrakeView {
  readonly nowMs: number;
  readonly allowed: (operation: BrakedOperation) => Allowed;
  /** Objects of the kind that are to get the operation and have no approval; the asking one may be among them. */
  readonly pending: (operation: BrakedOperation) => ReadonlySet<string>;
}

/** Numbers at the moment an operation tripped. */
export interface Trip {
  readonly kind: ObjectKind;
  readonly operation: BrakedOperation;
  readonly applied: number;
  readonly pending: number;
  readonly allowed: number;
}

/** `held`: which of its operations are tripped; `tripped`: those that tripped by this very request. */
export type Judged =
  | { readonly pass: true }
  | { readonly pass: false; readonly held: readonly BrakedOperation[]; readonly tripped: readonly Trip[] };

/** Above both numbers it trips, so the larger one is what is let through. */
export function allowedBy(limit: BrakeLimit, linked: number): Allowed {
  return {
    short: Math.max(limit.count, Math.floor(limit.share * linked)),
    day: Math.max(limit.count, Math.floor(limit.dayShare * linked)),
  };
}

const keyOf = (kind: ObjectKind, operation: BrakedOperation): string => `${kind}/${operation}`;

/**
 * The brake of one integration, without any I/O: what was applied in the windows, and which operations are tripped.
 *
 * An operation trips when applied and pending together are above what is allowed. It stays tripped until nobody waits for
 * it any more, each decided by an operator or no longer wanted: the last few of a bad import are as wrong as the first,
 * and must not slip through because the others were rejected or the window has passed.
 */
export class BrakeBook {
  readonly windows = new Windows();
  readonly #tripped = new Set<string>();

  isTripped(kind: ObjectKind, operation: BrakedOperation): boolean {
    return this.#tripped.has(keyOf(kind, operation));
  }

  trip(kind: ObjectKind, operation: BrakedOperation): void {
    this.#tripped.add(keyOf(kind, operation));
  }

  release(kind: ObjectKind, operation: BrakedOperation): void {
    this.#tripped.delete(keyOf(kind, operation));
  }

  /** Judges a request; one that passes is counted as applied from now on. */
  judge(request: BrakeRequest, view: BrakeView): Judged {
    const { kind, id, operations } = request;
    const tripped: Trip[] = [];
    for (const operation of operations) {
      if (this.isTripped(kind, operation)) continue;
      const trip = this.tripOf(kind, operation, view, id);
      if (!trip) continue;
      this.trip(kind, operation);
      tripped.push(trip);
    }
    const held = operations.filter((operation) => this.isTripped(kind, operation));
    return held.length > 0 ? { pass: false, held, tripped } : { pass: true };
  }

  /** The numbers of an operation that is above what is allowed; undefined = it is not. `id`: who asks, counted as pending. */
  tripOf(kind: ObjectKind, operation: BrakedOperation, view: BrakeView, id?: string): Trip | undefined {
    const { short, day } = view.allowed(operation);
    const pending = view.pending(operation);
    const inShort = this.#sum(kind, operation, { pending, id, sinceMs: view.nowMs - shortMs, allowed: short });
    if (inShort) return { kind, operation, ...inShort, allowed: short };
    const inDay = this.#sum(kind, operation, { pending, id, sinceMs: view.nowMs - dayMs, allowed: day });
    return inDay && { kind, operation, ...inDay, allowed: day };
  }

  /** Applied and pending, where they are above what is allowed together; an object that is both counts once. */
  #sum(
    kind: ObjectKind,
    operation: BrakedOperation,
    window: {
      readonly pending: ReadonlySet<string>;
      readonly id: string | undefined;
      readonly sinceMs: number;
      readonly allowed: number;
    },
  ): { readonly applied: number; readonly pending: number } | undefined {
    const { pending, id, sinceMs, allowed } = window;
    const key = keyOf(kind, operation);
    const applied = this.windows.count(key, sinceMs);
    const asking = id !== undefined && !pending.has(id) ? 1 : 0;
    // Cheap first: counting each object once takes a look at all of them.
    if (applied + pending.size + asking <= allowed) return undefined;
    let waiting = asking === 1 && !this.windows.has(key, id!, sinceMs) ? 1 : 0;
    for (const one of pending) if (!this.windows.has(key, one, sinceMs)) waiting += 1;
    return applied + waiting > allowed ? { applied, pending: waiting } : undefined;
  }

  /** True when no pending object can trip any of these operations, whatever the `outstanding` ones turn out to want. */
  fits(request: BrakeRequest, outstanding: number, view: Pick<BrakeView, 'nowMs' | 'allowed'>): boolean {
    return request.operations.every((operation) => {
      if (this.isTripped(request.kind, operation)) return false;
      const key = keyOf(request.kind, operation);
      const { short, day } = view.allowed(operation);
      return (
        this.windows.count(key, view.nowMs - dayMs) + outstanding <= day &&
        this.windows.count(key, view.nowMs - shortMs) + outstanding <= short
      );
    });
  }

  /** Counts the operations of a request as applied, from now until the ticket is closed. */
  pass({ kind, id, operations }: BrakeRequest): Ticket {
    return new Ticket(this.windows, { id, keys: operations.map((operation) => keyOf(kind, operation)) });
  }
}

/** A place in the windows, taken when an object is let through and given back when nothing was sent for it after all. */
export class Ticket {
  readonly #windows: Windows;
  readonly #id: string;
  readonly #before: readonly (readonly [key: string, beforeMs: number | undefined])[];
  #sent = 0;

  constructor(windows: Windows, entry: { readonly id: string; readonly keys: readonly string[] }) {
    this.#windows = windows;
    this.#id = entry.id;
    // However long it takes until the call is made: it is in every window until then.
    this.#before = entry.keys.map((key) => [key, windows.put(key, entry.id, Number.POSITIVE_INFINITY)]);
  }

  /** A call is about to be made: it counts unless it is known to have failed. */
  sending(): void {
    this.#sent += 1;
  }

  /** The target refused it, or was not reached. */
  failed(): void {
    this.#sent -= 1;
  }

  /** The claim has ended. */
  close(nowMs: number): void {
    for (const [key, beforeMs] of this.#before) {
      if (this.#sent > 0) this.#windows.put(key, this.#id, nowMs);
      else this.#windows.restore(key, this.#id, beforeMs);
    }
  }
}
