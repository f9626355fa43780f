import type { FilterList, Filters } from '@orgstream/core';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { membershipFact, personFact, roleFact, unitFact } from './test-support/facts.ts';
import { expectedPicture, actualPicture, type Picture } from './test-support/oracle.ts';
import { applyChange, change, type Change } from './test-support/organisation.ts';
import { scopeFromScratch } from './test-support/scope-oracle.ts';
import type { WorldWork } from './test-support/world-state.ts';
import { World } from './test-support/world.ts';

// A machine under load needs its time for some hundred histories.
vi.setConfig({ testTimeout: 60_000 });

const entries = ['Shop', 'store ', 'Outlet', 'Cook', 'WAITER', 'Chef', 'p100@example.com', 'P101.1@example.com', '102', '3', '51', 'F7 Lovelace', 'West']; // prettier-ignore
const list: fc.Arbitrary<FilterList> = fc.record({
  include: fc.array(fc.constantFrom(...entries), { maxLength: 3 }),
  exclude: fc.array(fc.constantFrom(...entries), { maxLength: 2 }),
});
const filters: fc.Arbitrary<Filters> = fc.record({
  users: list,
  departments: list,
  jobProfiles: fc.constant({ include: [], exclude: [] }),
  permissions: list,
});
const numbers = fc.infiniteStream(fc.nat({ max: 100_000 }));

/** Changes that become known together, perhaps with another version of the settings. */
interface Stretch {
  readonly changes: readonly Change[];
  readonly filters: Filters | null;
  readonly steps: number;
}
const history: fc.Arbitrary<readonly Stretch[]> = fc.array(
  fc.record({
    changes: fc.array(change, { minLength: 3, maxLength: 12, size: 'large' }),
    filters: fc.option(filters, { freq: 2 }),
    steps: fc.nat({ max: 15 }),
  }),
  { minLength: 1, maxLength: 5, size: 'large' },
);

function organisation(): World {
  const world = new World().unit('1', unitFact({ name: 'Top' }));
  ['1', '1', '2', '2', '3', '3'].forEach((parentId, at) => {
    world.unit(`${at + 2}`, unitFact({ parentId, name: at % 2 ? 'Store' : 'Shop' }));
  });
  ['Cook', 'Waiter', 'Chef'].forEach((name, at) => world.role(`${50 + at}`, roleFact({ name })));
  for (let id = 100; id < 106; id += 1) {
    world.person(`${id}`, personFact({ email: `p${id}@example.com` }));
    world.member(`${id}`, membershipFact(`${id}0`, `${2 + (id % 6)}`, { roles: [`${50 + (id % 3)}`] }));
  }
  return world.converge();
}

/** Takes a step, and makes sure that nobody out of scope was called for. */
function step(world: World, pick: number): void {
  const ready = world.ready();
  const work = ready[pick % ready.length];
  if (!work) return;
  const calls = world.target.calls.length;
  const inScope = work.kind !== 'person' || scopeFromScratch(world, work.id) !== false;
  world.step(work);
  if (!inScope) expect(world.target.calls.slice(calls)).toEqual([]);
}

function live(world: World, stretches: readonly Stretch[], order: Iterator<number>): World {
  const pick = (): number => order.next().value as number;
  for (const { changes, filters: next, steps } of stretches) {
    if (next) {
      world.settings = { ...world.settings, filters: next };
      world.markAll();
    }
    for (const one of changes) applyChange(world, one);
    for (let taken = 0; taken < steps; taken += 1) step(world, pick());
  }
  for (let sweeps = 0; sweeps < 3; sweeps += 1) {
    for (let left = 2_000; left > 0 && world.ready().length > 0; left -= 1) step(world, pick());
    world.sweep();
  }
  for (let left = 2_000; left > 0 && world.ready().length > 0; left -= 1) step(world, pick());
  return world;
}

/** A department that somebody keeps who is left alone stays, and so do those above it. */
function standsBehindKept(world: World, work: WorldWork): boolean {
  let at: WorldWork | undefined = work;
  while (at?.state === 'waiting') at = world.work.get(at.on ?? '');
  return at?.code === 'DEPARTMENT_NOT_EMPTY';
}

function ofThoseInScope(world: World, picture: Picture): Picture['users'] {
  return Object.fromEntries(Object.entries(picture.users).filter(([id]) => scopeFromScratch(world, id) === true));
}

test('random filters and histories: who is in scope is as the facts say, and nobody out of scope is ever called for', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const world = live(organisation(), stretches, order);
      expect(world.refusals).toEqual([]);
      expect([...world.work.values()].filter((work) => !standsBehindKept(world, work))).toEqual([]);
      const [actual, expected] = [actualPicture(world, new Set()), expectedPicture(world)];
      expect(ofThoseInScope(world, actual)).toEqual(ofThoseInScope(world, expected));
      expect(actual.permissionTypes).toEqual(expected.permissionTypes);
      expect(actual.departments).toEqual(expect.arrayContaining([...expected.departments]));
      if (world.work.size === 0) expect(actual.departments).toEqual(expected.departments);
    }),
    { numRuns: 300 },
  );
});

test('without filters everybody is brought into step, whatever the filters were before', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const world = live(organisation(), stretches, order);
      const none: FilterList = { include: [], exclude: [] };
      const open = { users: none, departments: none, jobProfiles: none, permissions: none };
      live(world, [{ changes: [], filters: open, steps: 0 }], order);
      expect(world.refusals).toEqual([]);
      expect([...world.work.values()]).toEqual([]);
      expect(actualPicture(world, new Set())).toEqual(expectedPicture(world));
    }),
    { numRuns: 150 },
  );
});
