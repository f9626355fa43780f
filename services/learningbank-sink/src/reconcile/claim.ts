import type { ObjectKind } from '../model.ts';
import { lanes } from '../model.ts';
import { type Claimed, keyOf, type WorkKey } from './keys.ts';

const order: Readonly<Record<ObjectKind, number>> = { unit: 0, role: 1, person: 2 };

/** What decides who of the ripe is taken now. */
export interface Turn {
  /** Ripe work, of each integration and kind in its order. */
  readonly ripe: readonly Claimed[];
  readonly isInFlight: (key: WorkKey) => boolean;
  /** Objects of a kind of an integration in flight already. */
  readonly inFlight: (integrationId: string, kind: ObjectKind) => number;
  /** True while the integration makes its first sync: its units and roles go side by side. */
  readonly isFirstSync: (integrationId: string) => boolean;
  /** Places that any lane may use, and those that only leavers and live changes may use besides. */
  readonly room: number;
  readonly express: number;
}

/**
 * Chooses what is taken now: by lane, then round robin over the integrations, units before roles before people within
 * each. Pure.
 *
 * Outside a first sync one unit and one role of an integration at a time: renames and moves depend on each other, and a
 * plan is right only as long as nothing else of that kind moves. During a first sync its people wait until no unit or
 * role of it is ready or in flight, so that few of them are planned in vain.
 */
export function chooseTurn(turn: Turn): readonly Claimed[] {
  const chosen: Claimed[] = [];
  let room = turn.room;
  let express = turn.express;
  const structure = new Map<string, number>();
  for (const candidate of fairOrder(turn.ripe.filter((one) => !turn.isInFlight(one)))) {
    const urgent = candidate.lane < lanes.bulk;
    if (room <= 0 && !(urgent && express > 0)) {
      if (express <= 0) break;
      continue;
    }
    if (!mayGo(candidate, structure, turn)) continue;
    if (candidate.kind !== 'person') {
      const key = `${candidate.integrationId}/${candidate.kind}`;
      structure.set(key, (structure.get(key) ?? 0) + 1);
    }
    if (room > 0) room -= 1;
    else express -= 1;
    chosen.push(candidate);
  }
  return chosen;
}

function mayGo({ integrationId, kind, lane }: Claimed, chosen: ReadonlyMap<string, number>, turn: Turn): boolean {
  const busy = (of: ObjectKind): number =>
    turn.inFlight(integrationId, of) + (chosen.get(`${integrationId}/${of}`) ?? 0);
  if (kind !== 'person') return turn.isFirstSync(integrationId) || busy(kind) === 0;
  return lane < lanes.bulk || !turn.isFirstSync(integrationId) || busy('unit') + busy('role') === 0;
}

/** By lane; within a lane one of each integration in turn; within an integration units, roles, people. */
function fairOrder(ripe: readonly Claimed[]): readonly Claimed[] {
  const ranked = ripe.toSorted((a, b) => a.lane - b.lane || order[a.kind] - order[b.kind]);
  const taken = new Map<string, number>();
  return ranked
    .map((one) => {
      const queue = `${one.integrationId}/${one.lane}`;
      const turn = taken.get(queue) ?? 0;
      taken.set(queue, turn + 1);
      return { one, turn };
    })
    .toSorted((a, b) => a.one.lane - b.one.lane || a.turn - b.turn)
    .map(({ one }) => one);
}

/**
 * The objects of one platform that are being worked on. A row read from the table may be older than it looks: its object
 * was worked on while it was being read, and its row settled. Work on it would be for nothing: its generation is gone.
 */
export class InFlight {
  readonly #keys = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #ended = new Set<string>();

  get size(): number {
    return this.#keys.size;
  }

  /** To be called before rows are read: from here on `mayBeStale` knows whose claim ended. */
  beginReading(): void {
    this.#ended.clear();
  }

  /** True when the object was in flight at any time since the reading began. */
  mayBeStale = (key: WorkKey): boolean => this.has(key) || this.#ended.has(keyOf(key));
  has = (key: WorkKey): boolean => this.#keys.has(keyOf(key));
  count = (integrationId: string, kind: ObjectKind): number => this.#counts.get(`${integrationId}/${kind}`) ?? 0;

  add(key: WorkKey): void {
    this.#keys.add(keyOf(key));
    this.#change(key, 1);
  }

  delete(key: WorkKey): void {
    if (!this.#keys.delete(keyOf(key))) return;
    this.#ended.add(keyOf(key));
    this.#change(key, -1);
  }

  /** Does something to an object that nobody else works on meanwhile; false, and nothing done, when somebody does. */
  exclusively = async (key: WorkKey, work: () => Promise<void>): Promise<boolean> => {
    if (this.has(key)) return false;
    this.add(key);
    try {
      await work();
      return true;
    } finally {
      this.delete(key);
    }
  };

  #change({ integrationId, kind }: WorkKey, by: number): void {
    this.#counts.set(`${integrationId}/${kind}`, this.count(integrationId, kind) + by);
  }
}
