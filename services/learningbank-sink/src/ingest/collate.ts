import { kinds, type Kind } from '@orgstream/core';
import type { At, Collated, Fact, Item, Rejection, Seen } from './fact.ts';

/**
 * Splits a run of items by kind and keeps, per object, the newest fact, the newest rejection, and where a snapshot met it
 * last. The same key twice in one upsert is an error in Postgres, and locks are taken in key order: hence newest only,
 * sorted. A snapshot's sighting is kept even when its row lost to a newer one of the same batch.
 */
export function collate(items: readonly Item[]): ReadonlyMap<Kind, Collated> {
  const found = new Map<Kind, Gathering>();
  for (const item of items) {
    if (item.type === 'marker') continue;
    const met = item.type === 'fact' ? item.fact : item.rejection;
    let gathering = found.get(met.kind);
    if (!gathering) found.set(met.kind, (gathering = new Gathering()));
    gathering.add(item);
  }
  return new Map(kinds.flatMap((kind) => (found.has(kind) ? [[kind, found.get(kind)!.done()] as const] : [])));
}

/** Of one kind, by object. */
class Gathering {
  readonly #facts = new Map<string, Fact>();
  readonly #rejections = new Map<string, Rejection>();
  readonly #seen = new Map<string, Seen>();

  add(item: Exclude<Item, { type: 'marker' }>): void {
    const met = item.type === 'fact' ? item.fact : item.rejection;
    const key = `${met.tenant}/${met.id}`;
    if (item.type === 'fact') keepNewer(this.#facts, key, item.fact);
    else keepNewer(this.#rejections, key, item.rejection);
    if (met.snapshotId !== null && met.chunk !== null) {
      this.#seen.set(key, { tenant: met.tenant, id: met.id, snapshotId: met.snapshotId, chunk: met.chunk });
    }
  }

  done(): Collated {
    return { facts: sorted(this.#facts), rejections: sorted(this.#rejections), seen: sorted(this.#seen) };
  }
}

interface Versioned {
  readonly at: At | null;
  readonly offset: number;
}

function keepNewer<T extends Versioned>(into: Map<string, T>, key: string, value: T): void {
  const kept = into.get(key);
  if (!kept || isNewer(value, kept)) into.set(key, value);
}

/** Records without a position (unreadable ones) are compared by their place in the log. */
function isNewer(a: Versioned, b: Versioned): boolean {
  if (!a.at || !b.at) return a.offset > b.offset;
  return (a.at.epoch - b.at.epoch || a.at.lsn - b.at.lsn || a.at.seq - b.at.seq || a.offset - b.offset) > 0;
}

function sorted<T>(from: ReadonlyMap<string, T>): readonly T[] {
  return [...from].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

/** Newest transaction of each tenant whose last record is among the items, whether or not its own fact wins. */
export function passedBy(items: readonly Item[]): ReadonlyMap<string, At> {
  const passed = new Map<string, At>();
  for (const item of items) {
    if (item.type === 'marker') continue;
    const met = item.type === 'fact' ? item.fact : item.rejection;
    if (!met.last || !met.at) continue;
    const before = passed.get(met.tenant);
    if (!before || isLater(met.at, before)) passed.set(met.tenant, met.at);
  }
  return passed;
}

/** By transaction: the index within it does not count. */
export function isLater(a: Omit<At, 'seq'>, b: Omit<At, 'seq'>): boolean {
  return (a.epoch - b.epoch || a.lsn - b.lsn) > 0;
}
