import fc from 'fast-check';
import { membershipFact, personFact, roleFact, unitFact } from './facts.ts';
import { applyChange, change, type Change } from './organisation.ts';
import { World } from './world.ts';

/** A stretch of changes that become known together, and how much of the work is done before the next ones. */
export interface Stretch {
  readonly changes: readonly Change[];
  readonly steps: number;
}

export const history: fc.Arbitrary<readonly Stretch[]> = fc.array(
  fc.record({ changes: fc.array(change, { minLength: 3, maxLength: 15, size: 'large' }), steps: fc.nat({ max: 15 }) }),
  { minLength: 1, maxLength: 6, size: 'large' },
);
export const numbers = fc.infiniteStream(fc.nat({ max: 100_000 }));
export type Numbers = Iterator<number>;

/** Eight units on three levels, four roles, six people: what the changes then work on. */
export function organisation(world: World = new World()): World {
  world.unit('1', unitFact({ name: 'Top' }));
  ['1', '1', '2', '2', '3', '3', '4', '4'].forEach((parentId, at) => {
    world.unit(`${at + 2}`, unitFact({ parentId, name: at % 2 ? 'Store' : 'Shop' }));
  });
  ['Cook', 'Waiter', 'Chef', 'Guard'].forEach((name, at) => world.role(`${50 + at}`, roleFact({ name })));
  for (let id = 100; id < 106; id += 1) {
    world.person(`${id}`, personFact({ email: `p${id}@example.com` }));
    world.member(`${id}`, membershipFact(`${id}0`, `${2 + (id % 8)}`, { roles: [`${50 + (id % 4)}`] }));
  }
  return world;
}

/** Lives through a history; `onStretch` sees the world before what has changed is worked on. */
export function live(
  stretches: readonly Stretch[],
  order: Numbers,
  onStretch: (world: World) => void = () => {},
  world = organisation(),
): World {
  for (const { changes, steps } of stretches) {
    for (const one of changes) applyChange(world, one);
    onStretch(world);
    for (let taken = 0; taken < steps; taken += 1) {
      const ready = world.ready();
      if (ready.length > 0) world.step(ready[(order.next().value as number) % ready.length]!);
    }
  }
  return settle(world, order);
}

/** All work, in random order; then what the sweeper finds: who waits for what came to rest otherwise meanwhile. */
function settle(world: World, order: Numbers): World {
  const pick = (): number => order.next().value as number;
  return world.converge(pick).sweep().converge(pick).sweep().converge(pick);
}
