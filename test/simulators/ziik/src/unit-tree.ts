import { unitNames } from './names.ts';
import type { Random } from './random.ts';

/** A unit before it has an id; `parent` is an index into the list, which holds parents before children. */
export interface PlannedUnit {
  readonly parent: number | null;
  readonly name: string;
  readonly unitType: 'unit' | 'department';
  readonly level: keyof typeof unitNames | 'top';
}

/** Shape of the tree to draw. */
export interface UnitTreeOptions {
  /** Units in all, the top unit included, Ziik departments not. */
  readonly units: number;
  /** Share of shops that have one to three Ziik departments (`unit_type = 'department'`). */
  readonly departmentShare: number;
  /** Share of shops and teams that take the very name of a sibling. 0 = siblings always differ. */
  readonly equalSiblings: number;
  readonly topName: string;
}

/** Draws a chain's tree: top, chains, regions, areas, shops, teams; up to six levels, breadth-first within the budget. */
export function planUnitTree(random: Random, options: UnitTreeOptions): PlannedUnit[] {
  const tree = new Tree(random, options);
  const budget = Math.max(options.units, 1) - 1;
  const chains = budget < 8 ? 1 : Math.min(6, 2 + Math.floor(budget / 80));
  const regions = Math.min(6, Math.max(1, Math.round(Math.sqrt(budget / chains) / 2)));
  const areas = budget >= 100 ? 2 : budget >= 30 ? 1 : 0;

  const top = tree.add(null, 'top', options.topName);
  const chainUnits = tree.grow([top], 'chain', chains, budget);
  const regionUnits = tree.grow(chainUnits, 'region', regions, budget);
  const areaUnits = areas === 0 ? regionUnits : tree.grow(regionUnits, 'area', areas, budget);
  const left = budget - tree.size + 1;
  const shops = tree.spread(areaUnits, 'shop', Math.ceil(left * 0.65));
  tree.spread(shops, 'team', left - Math.ceil(left * 0.65));
  for (const shop of shops)
    if (random.chance(options.departmentShare)) tree.grow([shop], 'department', random.int(1, 3));
  return tree.units;
}

class Tree {
  readonly units: PlannedUnit[] = [];
  readonly #taken = new Map<number, Set<string>>();
  readonly #random: Random;
  readonly #options: UnitTreeOptions;

  constructor(random: Random, options: UnitTreeOptions) {
    this.#random = random;
    this.#options = options;
  }

  get size(): number {
    return this.units.length;
  }

  /** `each` children under every parent, while the budget (units below the top) lasts. */
  grow(parents: readonly number[], level: keyof typeof unitNames, each: number, budget = Infinity): number[] {
    const grown: number[] = [];
    for (let round = 0; round < each; round += 1) {
      for (const parent of parents) if (this.size - 1 < budget) grown.push(this.#child(parent, level));
    }
    return grown;
  }

  /** `count` children over the parents, in turn for the first ones and then at random: branches differ in size. */
  spread(parents: readonly number[], level: keyof typeof unitNames, count: number): number[] {
    if (parents.length === 0) return [];
    return Array.from({ length: Math.max(count, 0) }, (_, index) =>
      this.#child(parents[index] ?? this.#random.pick(parents), level),
    );
  }

  add(parent: number | null, level: PlannedUnit['level'], name: string): number {
    this.units.push({ parent, name, level, unitType: level === 'department' ? 'department' : 'unit' });
    return this.units.length - 1;
  }

  #child(parent: number, level: keyof typeof unitNames): number {
    const taken = this.#taken.get(parent) ?? new Set<string>();
    this.#taken.set(parent, taken);
    const equal = (level === 'shop' || level === 'team') && this.#random.chance(this.#options.equalSiblings);
    const name = equal && taken.size > 0 ? this.#random.pick([...taken]) : this.#freeName(taken, level);
    taken.add(name);
    return this.add(parent, level, name);
  }

  #freeName(taken: ReadonlySet<string>, level: keyof typeof unitNames): string {
    const base = this.#random.pick<string>(unitNames[level]);
    let name = base;
    for (let number = 2; taken.has(name); number += 1) name = `${base} ${number}`;
    return name;
  }
}
