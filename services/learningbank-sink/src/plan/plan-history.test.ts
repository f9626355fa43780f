import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { deletedPerson, membershipFact, personFact, unitFact } from './test-support/facts.ts';
import { history, live, numbers } from './test-support/history.ts';
import { actualPicture, expectedPicture } from './test-support/oracle.ts';
import { World } from './test-support/world.ts';
import { plan } from './plan.ts';

// A machine under load needs its time for some hundred histories.
vi.setConfig({ testTimeout: 60_000 });

const weird = fc.constantFrom(
  null,
  '',
  ' ',
  '\0',
  'b@b',
  'x'.repeat(256),
  '\u{1F642}'.repeat(300),
  '\uD800',
  '\u202Eabc',
);
test('random organisations and histories converge to what the facts say from scratch, and nothing refused is ever sent', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const world = live(stretches, order);
      expect(world.refusals).toEqual([]);
      expect([...world.work.values()]).toEqual([]);
      expect(actualPicture(world, new Set())).toEqual(expectedPicture(world));
    }),
    { numRuns: 300 },
  );
});

test('planning after applying gives nothing', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const world = live(stretches, order);
      const calls = world.target.calls.length;
      world.markAll().converge(() => order.next().value as number);
      expect(world.target.calls.length).toBe(calls);
    }),
    { numRuns: 200 },
  );
});

test('the same input gives the same plan, and planning changes nothing', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      live(stretches, order, (world) => {
        for (const { kind, id } of world.ready()) {
          const input = world.input({ kind, id });
          const policy = world.policy();
          const first = plan(input, policy);
          expect(plan(input, policy)).toEqual(first);
          expect(plan(world.input({ kind, id }), policy)).toEqual(first);
        }
      });
    }),
    { numRuns: 100 },
  );
});

test('the order of facts does not matter to a plan', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      live(stretches, order, (world) => {
        const outcomes = world.ready().map(({ kind, id }) => world.outcome(kind, id));
        for (const facts of [world.units, world.roles, world.people, world.memberships] as Map<string, unknown>[]) {
          const entries = [...facts].reverse();
          facts.clear();
          for (const [id, fact] of entries) facts.set(id, fact);
        }
        for (const [id, fact] of world.memberships) {
          world.memberships.set(id, { ...fact, assignments: fact.assignments.toReversed() });
        }
        expect(world.ready().map(({ kind, id }) => world.outcome(kind, id))).toEqual(outcomes);
      });
    }),
    { numRuns: 100 },
  );
});

test('foreign permission types survive, whatever happens to a person', () => {
  fc.assert(
    fc.property(history, numbers, (stretches, order) => {
      const given = new Map<number, readonly number[]>();
      const foreign = new Set<number>();
      const world = live(stretches, order, ({ target }) => {
        if (foreign.size === 0) for (const name of ['Editor', 'Analyst']) foreign.add(target.addType(name));
        for (const [id, user] of target.users) {
          if (given.has(id)) continue;
          given.set(id, [...foreign].slice(id % 2));
          user.permissionTypeIds.push(...given.get(id)!);
        }
      });
      for (const [id, types] of given) {
        const has = world.target.users.get(id)?.permissionTypeIds.filter((type) => foreign.has(type)) ?? [];
        expect(new Set(has)).toEqual(new Set(types));
      }
      expect(world.refusals).toEqual([]);
      expect(actualPicture(world, foreign)).toEqual(expectedPicture(world));
    }),
    { numRuns: 200 },
  );
});

test('leavers are deactivated whatever else is wrong with them', () => {
  const broken = fc.record({
    firstName: weird,
    lastName: weird,
    email: weird,
    language: weird,
    rejectedCode: fc.constantFrom(null, 'FACT_INVALID' as const),
  });
  const way = fc.constantFrom({ active: false }, { anonymised: true }, { expiresAtMs: 1 }, deletedPerson);
  const membership = fc.record({
    unitId: fc.constantFrom('1', 'unknown', null),
    ordinal: fc.option(fc.integer(), { nil: null }),
    roles: fc.array(fc.constantFrom('unknown'), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(broken, way, fc.array(membership, { maxLength: 3 }), (fact, left, memberships) => {
      const world = new World().unit('1', unitFact({})).person('7', personFact({})).converge();
      const before = structuredClone(world.target.users.get(world.links.person.get('7')!.targetId)!);
      memberships.forEach(({ unitId, ...rest }, at) => world.member('7', membershipFact(`${at}`, unitId, rest)));
      world.person('7', { ...personFact(fact), ...left }).converge();
      expect(world.target.users.get(world.links.person.get('7')!.targetId)).toEqual({ ...before, active: false });
      expect(world.work.has('person/7')).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('a plan is total: any fact has an outcome', () => {
  const text = fc.oneof(weird, fc.string({ maxLength: 20 }));
  fc.assert(
    fc.property(
      fc.record({ a: text, b: text, parent: fc.option(fc.constantFrom('1', '2', '3', 'x'), { nil: null }) }),
      ({ a, b, parent }) => {
        const world = new World().unit('1', unitFact({}));
        world.unit('2', unitFact({ parentId: parent, name: a })).unit('3', unitFact({ parentId: '2', name: b }));
        world.person('7', personFact({ firstName: a, lastName: b, email: b, language: a }));
        world.member('7', membershipFact('1', parent, { roles: [parent ?? ''] })).converge();
        expect(world.refusals).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
