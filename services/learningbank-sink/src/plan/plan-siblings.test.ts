import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { deletedUnit, unitFact } from './test-support/facts.ts';
import { World } from './test-support/world.ts';

// A machine under load needs its time for some hundred arrangements.
vi.setConfig({ testTimeout: 60_000 });

/** Where one of the siblings is: absent, or under one of the parents (`r` top, `a`, `b`) with a name. */
interface Place {
  readonly parent: string;
  readonly name: string;
}
type Arrangement = readonly (Place | null)[];

const parents = ['1', '2', '3'];
const names = ['x', 'y', 'z', 'x (11)'];

/** No two at the same place. */
const arrangement = (count: number): fc.Arbitrary<Arrangement> =>
  fc
    .array(
      fc.option(fc.record({ parent: fc.constantFrom(...parents), name: fc.constantFrom(...names) }), { freq: 4 }),
      {
        minLength: count,
        maxLength: count,
      },
    )
    .map((places) => {
      const used = new Set<string>();
      return places.map((place) => {
        const key = place && `${place.parent}/${place.name}`;
        if (key === null || used.has(key)) return null;
        used.add(key);
        return place;
      });
    });

const idOf = (at: number): string => `${11 + at}`;

function base(): World {
  const world = new World();
  world.unit('1', unitFact({ name: 'Top' }));
  world.unit('2', unitFact({ parentId: '1', name: 'A' }));
  world.unit('3', unitFact({ parentId: '1', name: 'B' }));
  return world;
}

function arrange(world: World, before: Arrangement, after: Arrangement): void {
  after.forEach((place, at) => {
    if (place) world.unit(idOf(at), unitFact({ parentId: place.parent, name: place.name }));
    else if (before[at]) world.unit(idOf(at), deletedUnit);
  });
}

/** The arrangement as the target has it, by unit. */
function seen(world: World, count: number): Arrangement {
  return Array.from({ length: count }, (_, at) => {
    const link = world.links.unit.get(idOf(at));
    if (!link) return null;
    const { name, parentId } = world.target.departments.get(link.targetId)!;
    const parent = [...world.links.unit].find(([, other]) => other.targetId === parentId)!;
    return { parent: parent[0], name };
  });
}

function expectArranged(world: World, wanted: Arrangement): void {
  expect(world.refusals).toEqual([]);
  expect([...world.work.values()]).toEqual([]);
  expect(seen(world, wanted.length)).toEqual(wanted);
  expect(world.target.departments.size).toBe(3 + wanted.filter(Boolean).length);
  const calls = world.target.calls.length;
  world.markAll().converge();
  expect(world.target.calls.length, 'planning after applying gives nothing').toBe(calls);
}

test('any create, delete, rename and move over six siblings converges in any order, and no clash is ever sent', () => {
  const arbitrary = fc.record({
    before: arrangement(6),
    after: arrangement(6),
    order: fc.infiniteStream(fc.nat({ max: 10_000 })),
  });
  fc.assert(
    fc.property(arbitrary, ({ before, after, order }) => {
      const world = base();
      arrange(world, [], before);
      world.converge();
      expectArranged(world, before);
      arrange(world, before, after);
      world.converge(() => order.next().value as number);
      expectArranged(world, after);
    }),
    { numRuns: 300 },
  );
});

test('every permutation of the names of four siblings converges in every order of work', () => {
  const permutations = permute([0, 1, 2, 3]);
  const letters = ['p', 'q', 'r', 's'];
  for (const permutation of permutations) {
    for (const order of permutations) {
      const world = base();
      const before = letters.map((name) => ({ parent: '2', name }));
      const after = permutation.map((at) => ({ parent: '2', name: letters[at]! }));
      arrange(world, [], before);
      world.converge();
      for (const at of order) world.unit(idOf(at), unitFact({ parentId: '2', name: after[at]!.name }));
      const calls = world.target.calls.length;
      world.converge();
      expectArranged(world, after);
      const moved = permutation.filter((to, at) => to !== at).length;
      // One call each, and one interim name per cycle: two at most among four.
      expect(world.target.calls.length - calls).toBeLessThanOrEqual(moved + 2);
    }
  }
});

/** A tree of `count` units below the top one: each under the top or under one that comes earlier in some order. */
const tree = (count: number): fc.Arbitrary<Arrangement> =>
  fc
    .record({
      order: fc.shuffledSubarray([...Array(count).keys()], { minLength: count }),
      ranks: fc.array(fc.nat({ max: 100 }), { minLength: count, maxLength: count }),
      wanted: fc.array(fc.constantFrom('x', 'y'), { minLength: count, maxLength: count }),
    })
    .map(({ order, ranks, wanted }) => {
      const places: Place[] = [];
      const used = new Set<string>();
      order.forEach((at, rank) => {
        const above = ranks[rank]! % (rank + 1);
        const parent = above === 0 ? '1' : idOf(order[above - 1]!);
        const name = used.has(`${parent}/${wanted[at]}`) ? `n${at}` : wanted[at]!;
        used.add(`${parent}/${name}`);
        places[at] = { parent, name };
      });
      return places;
    });

test('any tree of six becomes any other, in any order of work: no clash, no circle and no full department is ever sent', () => {
  fc.assert(
    fc.property(tree(6), tree(6), fc.infiniteStream(fc.nat({ max: 10_000 })), (before, after, order) => {
      const world = base();
      arrange(world, [], before);
      world.converge();
      expectArranged(world, before);
      arrange(world, before, after);
      world.converge(() => order.next().value as number);
      expectArranged(world, after);
    }),
    { numRuns: 300 },
  );
});

test('facts that change again in the middle of the work converge too', () => {
  const step = fc.record({ after: arrangement(5), steps: fc.nat({ max: 6 }) });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 2, maxLength: 5 }),
      fc.infiniteStream(fc.nat({ max: 10_000 })),
      (history, order) => {
        const world = base().converge();
        let before: Arrangement = [];
        for (const { after, steps } of history) {
          arrange(world, before, after);
          before = after.map((place, at) => place ?? before[at] ?? null);
          for (let taken = 0; taken < steps; taken += 1) {
            const ready = world.ready();
            if (ready.length > 0) world.step(ready[(order.next().value as number) % ready.length]!);
          }
        }
        const last = history.at(-1)!.after;
        world.converge(() => order.next().value as number);
        // What still waits for what has settled otherwise meanwhile is found by the sweeper.
        world.sweep().converge().sweep().converge();
        expectArranged(world, last);
      },
    ),
    { numRuns: 300 },
  );
});

function permute(list: readonly number[]): number[][] {
  if (list.length <= 1) return [[...list]];
  return list.flatMap((head) => permute(list.filter((other) => other !== head)).map((tail) => [head, ...tail]));
}
