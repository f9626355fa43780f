import type { Db, Id, IdLike } from './db.ts';
import { peopleChanges } from './random-people.ts';
import { unitChanges } from './random-units.ts';
import type { Random } from './random.ts';

const changes = { ...peopleChanges, ...unitChanges } as const;

/** Kinds of change that the generator knows. */
export type ChangeKind = keyof typeof changes;

/** How often each kind comes in daily life; `hireInHalves` and the like are rare but there. */
export const dailyWeights: Readonly<Record<ChangeKind, number>> = {
  hire: 14,
  hireInHalves: 3,
  hireTeam: 2,
  renamePerson: 12,
  changeEmail: 5,
  handOverEmail: 1,
  deactivate: 6,
  reactivate: 3,
  softDelete: 2,
  restore: 1,
  hardDelete: 1,
  anonymise: 1,
  expire: 1,
  addMembership: 7,
  moveMembership: 8,
  removeMembership: 5,
  reorderMemberships: 4,
  changeRole: 8,
  transfer: 4,
  createUnit: 3,
  createDepartment: 1,
  renameUnit: 3,
  moveUnit: 2,
  swapUnitNames: 1,
  deleteUnit: 1,
  hardDeleteUnit: 1,
  deleteUnitWithPeople: 1,
  deleteBranch: 1,
  openShop: 1,
  createRole: 1,
  renameRole: 1,
  deleteRole: 1,
  hardDeleteRole: 1,
};

/** Every kind, for tables in tests. */
export const changeKinds: readonly ChangeKind[] = Object.keys(dailyWeights) as ChangeKind[];

/** What was done: ids only. */
export interface ChangeMade {
  readonly kind: ChangeKind;
  readonly ids: readonly Id[];
}

/** One change, committed. Kinds that find nothing to change are drawn anew; undefined when none of 50 draws fits. */
export async function randomChange(
  db: Db,
  siteId: IdLike,
  random: Random,
  weights: Partial<Record<ChangeKind, number>> = dailyWeights,
): Promise<ChangeMade | undefined> {
  const list = Object.entries(weights) as [ChangeKind, number][];
  for (let tries = 0; tries < 50; tries += 1) {
    const kind = random.weighted(list);
    const ids = await changes[kind]({ db, siteId: String(siteId), random });
    if (ids !== undefined) return { kind, ids };
  }
  return undefined;
}

/** `count` changes, one after the other, at no more than `ratePerSecond`; stops early on `signal`. */
export async function randomChanges(
  db: Db,
  siteId: IdLike,
  options: {
    readonly random: Random;
    readonly count: number;
    readonly ratePerSecond?: number;
    readonly weights?: Partial<Record<ChangeKind, number>>;
    readonly signal?: AbortSignal;
    /** Awaited before each change: how a generator is paused. */
    readonly gate?: () => Promise<void>;
    readonly onChange?: (change: ChangeMade) => void;
  },
): Promise<ChangeMade[]> {
  const made: ChangeMade[] = [];
  const startedMs = performance.now();
  while (made.length < options.count && !options.signal?.aborted) {
    await options.gate?.();
    if (options.ratePerSecond) await dueAt(startedMs + (made.length * 1000) / options.ratePerSecond);
    const change = await randomChange(db, siteId, options.random, options.weights);
    if (change === undefined) break;
    made.push(change);
    options.onChange?.(change);
  }
  return made;
}

async function dueAt(atMs: number): Promise<void> {
  const waitMs = atMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
