import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { ObjectKey, Outcome } from '../model.ts';
import { assess } from './assess.ts';
import type { PlanInput } from './input.ts';
import { operationsOf } from './operations-of.ts';
import { history, live, numbers, organisation } from './test-support/history.ts';
import { World } from './test-support/world.ts';

// A machine under load needs its time for some hundred histories.
vi.setConfig({ testTimeout: 60_000 });

function objectsOf(world: World): readonly ObjectKey[] {
  return [
    ...[...world.units.keys()].map((id): ObjectKey => ({ kind: 'unit', id })),
    ...[...world.roles.keys()].map((id): ObjectKey => ({ kind: 'role', id })),
    ...[...world.people.keys()].map((id): ObjectKey => ({ kind: 'person', id })),
  ];
}

const hashesOf = (world: World): Record<string, string> =>
  Object.fromEntries(
    objectsOf(world).map((key) => [`${key.kind}/${key.id}`, assess(world.input(key), world.policy()).hash]),
  );

/** Nothing but the record of it changes. */
const isIdle = (outcome: Outcome, isLinked: boolean): boolean =>
  outcome.kind === 'settled' ||
  (outcome.kind === 'actions' && outcome.actions.every((action) => operationsOf(action, isLinked).length === 0));

test('everything assesses to nothing once it is applied, and to something exactly as long as the planner is not at rest', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const check = (world: World): void => {
        for (const key of objectsOf(world)) {
          const { operations, blocked, code } = assess(world.input(key), world.policy());
          const isNothing = operations.length + blocked.length === 0 && code === null;
          expect([key, isNothing]).toEqual([
            key,
            isIdle(world.outcome(key.kind, key.id), world.links[key.kind].has(key.id)),
          ]);
        }
      };
      const world = live(stretches, order, check);
      check(world);
      for (const key of objectsOf(world)) expect(assess(world.input(key), world.policy()).operations).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('the fingerprint of what is desired stays the same while it is applied', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const world = organisation();
      let known: Record<string, string> | null = null;
      world.onOutcome = () => {
        if (known) expect(hashesOf(world)).toEqual(known);
      };
      live(stretches, order, () => (known = hashesOf(world)), world);
    }),
    { numRuns: 60 },
  );
});

test('whatever the planner does to an object, its assessment said so', () => {
  const announced = (input: PlanInput, outcome: Outcome, world: World): void => {
    if (outcome.kind === 'first') {
      const { operations } = assess(world.input(outcome.object), world.policy());
      // An interim name, perhaps an interim place: of what is to be renamed, moved or deleted anyway.
      expect(operations.filter((operation) => ['rename', 'move', 'delete'].includes(operation))).not.toEqual([]);
    }
    if (outcome.kind !== 'actions') return;
    const { operations, code } = assess(input, world.policy());
    const isLinked = world.links[input.kind].has(input.id);
    const done = outcome.actions.flatMap((action) => operationsOf(action, isLinked));
    expect(done.filter((operation) => !operations.includes(operation))).toEqual([]);
    expect(code).toBeNull();
  };
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const world = new World();
      world.onOutcome = (input, outcome) => announced(input, outcome, world);
      live(stretches, order, () => {}, organisation(world));
    }),
    { numRuns: 150 },
  );
});

test('the order of facts does not matter to an assessment', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      live(stretches, order, (world) => {
        const all = (): unknown[] => objectsOf(world).map((key) => [key, assess(world.input(key), world.policy())]);
        const before = new Map(all().map((one) => [JSON.stringify((one as [ObjectKey])[0]), one]));
        for (const facts of [world.units, world.roles, world.people, world.memberships] as Map<string, unknown>[]) {
          const entries = [...facts].reverse();
          facts.clear();
          for (const [id, fact] of entries) facts.set(id, fact);
        }
        for (const [id, fact] of world.memberships) {
          world.memberships.set(id, { ...fact, assignments: fact.assignments.toReversed() });
        }
        for (const one of all()) expect(one).toEqual(before.get(JSON.stringify((one as [ObjectKey])[0])));
      });
    }),
    { numRuns: 80 },
  );
});
