/** A small seeded generator (mulberry32): the same seed gives the same organisation on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [min, max], both included. */
  int(min: number, max: number): number;
  /** One entry of a list that must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** One entry, by weight. */
  weighted<T>(list: readonly (readonly [value: T, weight: number])[]): T;
  /** True with this probability. */
  chance(probability: number): boolean;
}

/** Starts the generator at `seed`; one instance is one sequence, do not share it between concurrent users. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    int: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick: (list) => entry(list, Math.floor(next() * list.length)),
    weighted: (list) => pickByWeight(list, next()),
    chance: (probability) => next() < probability,
  };
}

function pickByWeight<T>(list: readonly (readonly [T, number])[], share: number): T {
  let left = share * list.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of list) {
    left -= weight;
    if (left < 0) return value;
  }
  return entry(list, list.length - 1)[0];
}

function entry<T>(list: readonly T[], index: number): T {
  if (list.length === 0) throw new RangeError('picking from an empty list');
  return list[index] as T;
}
