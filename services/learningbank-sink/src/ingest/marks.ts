import type { ObjectKind } from '../model.ts';
import type { Change } from './change.ts';
import type { At } from './fact.ts';
import type { LookUp, Mark } from './mark.ts';

/** A transaction marking more objects than this is bulk (design: `work`). */
const BULK_OVER_OBJECTS = 100;

/** An object that a change touches, before its lane is known. */
export interface Touch {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly change: Change;
  readonly leaver: boolean;
}

/** Objects that one change touches by itself, and what has to be looked up for the rest. Pure. */
export function reachOf(change: Change): { readonly touches: readonly Touch[]; readonly lookUps: readonly LookUp[] } {
  const touch = (kind: ObjectKind, id: string | null, leaver = false): readonly Touch[] =>
    id === null ? [] : [{ kind, id, change, leaver }];
  const lookUp = (via: LookUp['via'], id: string | null): readonly LookUp[] =>
    id === null ? [] : [{ via, tenant: change.tenant, id }];
  const flipped = change.existed !== change.exists;
  switch (change.kind) {
    case 'tenant':
      // A site that is gone halts its integrations at once, not only when something else changes.
      return { touches: [], lookUps: change.exists ? [] : lookUp('tenant', change.id) };
    case 'unit':
      return {
        touches: touch('unit', change.id),
        lookUps: [
          ...lookUp('listed_unit', change.id),
          ...(flipped || change.was !== change.now ? lookUp('unit', change.id) : []),
        ],
      };
    case 'role':
      return { touches: touch('role', change.id), lookUps: lookUp(flipped ? 'role' : 'listed_role', change.id) };
    case 'person':
      return { touches: touch('person', change.id, turnsGone(change)), lookUps: [] };
    case 'membership':
      return { touches: distinct(change.was, change.now).flatMap((id) => touch('person', id)), lookUps: [] };
    case 'assignment':
      return { touches: [], lookUps: distinct(change.was, change.now).flatMap((id) => lookUp('membership', id)) };
  }
}

const distinct = (a: string | null, b: string | null): readonly (string | null)[] => (a === b ? [a] : [a, b]);

/**
 * Turning inactive, deleted, anonymised or expired. A live deletion of a person never met counts too: after a rebuild
 * the link may be older than the replica. In a snapshot it is merely somebody who left long ago.
 */
function turnsGone(change: Change): boolean {
  return change.now === 'gone' && (change.was === 'here' || (change.was === null && !change.exists && !change.bulk));
}

/** How far the records of a tenant have been passed, and how large its newest transaction is so far. */
export interface Progress {
  readonly passed: Omit<At, 'seq'>;
  readonly tx: { readonly epoch: number; readonly lsn: number; readonly objects: number };
}

/** The progress of a tenant nothing was ever read of. */
export const noProgress: Progress = { passed: { epoch: 0, lsn: 0 }, tx: { epoch: 0, lsn: 0, objects: 0 } };

/**
 * Marks for one batch: per object one, with the newest cause and the most urgent lane. A transaction that touches over
 * 100 objects, counting those of earlier batches, is bulk; leavers stay leavers. `run` = replay: everything waits for the
 * run that applies it, but leavers; so do corrections of a repaired normalizer (semantics.md §7.1).
 */
export function marksOf(
  touches: readonly Touch[],
  options: { readonly progress: ReadonlyMap<string, Progress>; readonly run: boolean },
): { readonly marks: readonly Mark[]; readonly largest: ReadonlyMap<string, Progress['tx']> } {
  const sizes = transactionSizes(touches, options.progress);
  const marks = new Map<string, Mark>();
  for (const touch of touches) {
    const { change } = touch;
    const bulk = options.run || change.bulk || (sizes.get(txKey(change)) ?? 0) > BULK_OVER_OBJECTS;
    const again = options.run || change.correction;
    const mark: Mark = {
      tenant: change.tenant,
      kind: touch.kind,
      id: touch.id,
      lane: touch.leaver ? 'leaver' : bulk ? 'bulk' : 'live',
      forRun: again && !touch.leaver ? 'replay' : null,
      lifts: !again && !change.bulk,
      cause: { epoch: change.epoch, lsn: change.lsn, committedAtMs: change.committedAtMs },
      ripe: change.bulk || !isAfter(change, (options.progress.get(change.tenant) ?? noProgress).passed),
      parkCode: change.rejectedCode,
      onlyIfKnown: !change.existed && !change.exists && change.rejectedCode === null && change.id === touch.id,
    };
    const key = `${mark.tenant}/${mark.kind}/${mark.id}`;
    const other = marks.get(key);
    marks.set(key, other ? merged(other, mark) : mark);
  }
  return { marks: [...marks.values()], largest: newestTransactions(touches, sizes) };
}

const isAfter = (a: Omit<At, 'seq'>, b: Omit<At, 'seq'>): boolean => (a.epoch - b.epoch || a.lsn - b.lsn) > 0;
const txKey = (change: Change): string => `${change.tenant}/${change.epoch}/${change.lsn}`;
const urgency = { leaver: 0, live: 1, bulk: 2 } as const;

/** Changes come in the order of the log within a kind; across kinds the newer transaction's cause stands. */
function merged(a: Mark, b: Mark): Mark {
  const newest = isAfter(a.cause, b.cause) ? a : b;
  // What waits for no run decides the lane; a leaver waits for none.
  const [x, y] = a.forRun && !b.forRun ? [b, b] : b.forRun && !a.forRun ? [a, a] : [a, b];
  const lane = urgency[x.lane] < urgency[y.lane] ? x.lane : y.lane;
  const forRun = (x.forRun && y.forRun) ?? null;
  const lifts = Boolean(a.lifts) || Boolean(b.lifts);
  return { ...newest, lane, forRun, lifts, onlyIfKnown: Boolean(a.onlyIfKnown && b.onlyIfKnown) };
}

function transactionSizes(
  touches: readonly Touch[],
  progress: ReadonlyMap<string, Progress>,
): ReadonlyMap<string, number> {
  const objects = new Map<string, Set<string>>();
  for (const { change, kind, id } of touches) {
    const key = txKey(change);
    let set = objects.get(key);
    if (!set) objects.set(key, (set = new Set()));
    set.add(`${kind}/${id}`);
  }
  const sizes = new Map([...objects].map(([key, set]) => [key, set.size]));
  for (const [tenant, { tx }] of progress) {
    const key = `${tenant}/${tx.epoch}/${tx.lsn}`;
    const here = sizes.get(key);
    if (here !== undefined) sizes.set(key, here + tx.objects);
  }
  return sizes;
}

function newestTransactions(
  touches: readonly Touch[],
  sizes: ReadonlyMap<string, number>,
): ReadonlyMap<string, Progress['tx']> {
  const newest = new Map<string, Progress['tx']>();
  for (const { change } of touches) {
    const before = newest.get(change.tenant);
    if (!before || isAfter(change, before)) {
      newest.set(change.tenant, { epoch: change.epoch, lsn: change.lsn, objects: sizes.get(txKey(change)) ?? 0 });
    }
  }
  return newest;
}
