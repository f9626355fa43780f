import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { ObjectKind, Outcome } from '../model.ts';
import { assess } from './assess.ts';
import type { PlanInput } from './input.ts';
import { operationsOf } from './operations-of.ts';
import { mess, unruly, type Mess } from './test-support/mess.ts';
import type { World } from './test-support/world.ts';

// A machine under load needs its time for some hundred worlds.
vi.setConfig({ testTimeout: 60_000 });

interface Stretch {
  readonly changes: readonly Mess[];
  readonly steps: number;
}

const stretches: fc.Arbitrary<readonly Stretch[]> = fc.array(
  fc.record({ changes: fc.array(mess, { minLength: 1, maxLength: 12, size: 'large' }), steps: fc.nat({ max: 12 }) }),
  { minLength: 1, maxLength: 4, size: 'large' },
);
const numbers = fc.infiniteStream(fc.nat({ max: 100_000 }));

const kinds: readonly ObjectKind[] = ['unit', 'role', 'person'];
const facts = (world: World, kind: ObjectKind): ReadonlyMap<string, unknown> =>
  ({ unit: world.units, role: world.roles, person: world.people })[kind];

/** Lives through it until nothing more happens, or the tenant halts. */
function live(all: readonly Stretch[], order: Iterator<number>, world: World = unruly()): World {
  const step = (): boolean => {
    const ready = world.halted ? [] : world.ready();
    if (ready.length > 0) world.step(ready[(order.next().value as number) % ready.length]!);
    return ready.length > 0;
  };
  for (const { changes, steps } of all) {
    for (const change of changes) change(world);
    for (let taken = 0; taken < steps && step(); taken += 1);
  }
  for (let taken = 0; taken < 400 && step(); taken += 1);
  return world;
}

function agrees(world: World, input: PlanInput, outcome: Outcome): void {
  const assessment = assess(input, world.policy());
  const { operations, blocked, code } = assessment;
  const what = { key: `${input.kind}/${input.id}`, outcome, assessment };
  expect(
    operations.filter((operation) => blocked.includes(operation)),
    JSON.stringify(what),
  ).toEqual([]);
  if (code !== null) expect(operations, JSON.stringify(what)).toEqual([]);
  const isLinked = world.links[input.kind].has(input.id);
  if (outcome.kind === 'settled') expect({ operations, code, what }).toEqual({ operations: [], code: null, what });
  if (outcome.kind === 'park' || outcome.kind === 'conflict')
    expect({ code, what }).toEqual({ code: outcome.code, what });
  if (outcome.kind === 'actions') {
    const done = outcome.actions.flatMap((action) => operationsOf(action, isLinked));
    expect({ unannounced: done.filter((operation) => !operations.includes(operation)), what }).toEqual({
      unannounced: [],
      what,
    });
  }
}

test('plan and assessment never disagree, whatever source, target and operators do', () => {
  fc.assert(
    fc.property(stretches, numbers, (all, order) => {
      const world = unruly();
      world.onOutcome = (input, outcome) => agrees(world, input, outcome);
      live(all, order, world);
    }),
    { numRuns: 300 },
  );
});

test('what has come to rest has no operations that would go on by themselves', () => {
  fc.assert(
    fc.property(stretches, numbers, (all, order) => {
      const world = live(all, order);
      if (world.halted) return;
      for (const { kind, id, state } of world.work.values()) {
        if (state !== 'parked' && state !== 'conflict') continue;
        agrees(world, ...world.planned({ kind, id }));
      }
    }),
    { numRuns: 200 },
  );
});

test('fingerprints stay the same while anything is applied', () => {
  fc.assert(
    fc.property(stretches, numbers, (all, order) => {
      const world = unruly();
      const hashes = (): unknown =>
        kinds.flatMap((kind) =>
          [...facts(world, kind).keys()].map((id) => [
            kind,
            id,
            assess(world.input({ kind, id }), world.policy()).hash,
          ]),
        );
      let known: unknown;
      world.onOutcome = () => {
        if (known) expect(hashes()).toEqual(known);
      };
      const seen = all.map(({ changes, steps }) => ({ steps, changes: [...changes, () => void (known = hashes())] }));
      live(seen, order, world);
    }),
    { numRuns: 100 },
  );
});
