import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { ObjectKind } from '../model.ts';
import { applyChange } from './test-support/organisation.ts';
import { history, live, numbers, type Numbers } from './test-support/history.ts';
import { actualPicture } from './test-support/oracle.ts';
import type { World } from './test-support/world.ts';

// A machine under load needs its time for some hundred histories.
vi.setConfig({ testTimeout: 60_000 });

const kinds: readonly ObjectKind[] = ['unit', 'role', 'person'];

type Links = Readonly<
  Record<ObjectKind, ReadonlyMap<string, { readonly targetId: number; readonly applied: unknown }>>
>;

const linksOf = (world: World): Links => structuredClone(world.links);

/** What operators are to see again: everything, but for who did not exist then: they are not active. */
function pictureOf(world: World): object {
  const { departments, permissionTypes, users } = actualPicture(world, new Set());
  return {
    departments,
    permissionTypes,
    users: Object.fromEntries(Object.entries(users).filter(([, user]) => user !== 'not active')),
  };
}

/** Everything that differs goes back to what was applied `then`. */
function undoAll(world: World, then: Links): void {
  const idOf = (kind: ObjectKind): Record<string, string> =>
    Object.fromEntries([...then[kind]].map(([id, { targetId }]) => [targetId, id]));
  const refs = { units: idOf('unit'), roles: idOf('role') };
  for (const kind of kinds) {
    for (const id of new Set([...then[kind].keys(), ...world.links[kind].keys()])) {
      const applied = then[kind].get(id)?.applied ?? null;
      const now = world.links[kind].get(id)?.applied ?? null;
      if (JSON.stringify(applied) !== JSON.stringify(now)) world.undo(kind, id, { applied, ...refs });
    }
  }
}

test('undoing everything that happened since gives back what was there, in whatever order it is done, and then stays', () => {
  fc.assert(
    fc.property(history, history, numbers, (before, after, order: Numbers) => {
      const world = live(before, order);
      const then = linksOf(world);
      const picture = pictureOf(world);
      for (const { changes } of after) for (const one of changes) applyChange(world, one);
      const pick = (): number => order.next().value as number;
      world.converge(pick).sweep().converge(pick).sweep().converge(pick);
      undoAll(world, then);
      world.converge(pick).sweep().converge(pick).sweep().converge(pick);
      expect(world.refusals).toEqual([]);
      expect(
        [...world.undos.keys()].map((key) => [
          key,
          world.work.get(key),
          world.links.unit,
          world.units.get('6'),
          world.units.get('3'),
        ]),
      ).toEqual([]);
      expect(pictureOf(world)).toEqual(picture);
      const calls = world.target.calls.length;
      undoAll(world, linksOf(world));
      expect(world.converge(pick).target.calls.length).toBe(calls);
    }),
    { numRuns: 200 },
  );
});

test('undoing only some of it sends nothing that is refused, and comes to rest', () => {
  fc.assert(
    fc.property(history, history, fc.nat({ max: 4 }), numbers, (before, after, some, order: Numbers) => {
      const world = live(before, order);
      const then = linksOf(world);
      for (const { changes } of after) for (const one of changes) applyChange(world, one);
      const pick = (): number => order.next().value as number;
      world.converge(pick).sweep().converge(pick);
      undoAll(world, then);
      for (const [at, key] of [...world.undos.keys()].entries()) if (at % 5 > some) world.undos.delete(key);
      world.converge(pick).sweep().converge(pick);
      expect(world.refusals).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
