import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ObjectKey } from '../model.ts';
import { membershipFact, personFact, roleFact, unitFact } from './test-support/facts.ts';
import { applyChange, change } from './test-support/organisation.ts';
import { WorldDatabase } from './test-support/world-database.ts';
import { World } from './test-support/world.ts';
import type { PlanInput } from './input.ts';
import { inputKey, loadPlanInputs } from './plan-input-store.ts';
import { isGone } from './unit-tree.ts';

const keysOf = (world: World): readonly ObjectKey[] => [
  ...[...world.units.keys(), 'unknown'].map((id) => ({ kind: 'unit', id }) as const),
  ...[...world.roles.keys()].map((id) => ({ kind: 'role', id }) as const),
  ...[...world.people.keys(), 'unknown'].map((id) => ({ kind: 'person', id }) as const),
];

/** An input as data that can be compared: trees and books become lists; order and choices that mean nothing are taken out. */
function plain(input: PlanInput, world: World): unknown {
  const byId = <T extends { readonly id: string }>(list: readonly T[]): readonly T[] =>
    list.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (input.kind === 'unit') {
    const nodes = byId([...input.units.nodes()]);
    return {
      ...input,
      units: nodes.map((node) => ({
        ...node,
        memberId: isGone(node) && node.memberId !== null,
        keepsMember: isGone(node) && node.keepsMember === true,
      })),
    };
  }
  const roles = [...world.roles.keys()].map((id) => input.roles.get(id)!);
  if (input.kind === 'role') {
    return {
      ...input,
      roles: roles.map((node) => ({ ...node, memberId: node.fact?.deleted === true && node.memberId !== null })),
    };
  }
  const memberships = byId(input.memberships).map(({ id, ordinal, unitId, departmentId, rejectedCode, assignments }) => ({
    id, ordinal, unitId, departmentId, rejectedCode, assignments: byId(assignments),
  })); // prettier-ignore
  const units = memberships.flatMap(({ unitId, departmentId }) => [unitId, departmentId ?? null]);
  return {
    ...input,
    roles: roles.map((node) => ({ ...node, memberId: null })),
    memberships,
    units: units.map((id) => id !== null && input.units.get(id)),
    twins: byId(input.twins),
  };
}

async function expectLoaded(database: WorldDatabase, world: World): Promise<void> {
  await database.write(world);
  const keys = keysOf(world);
  const inputs = await loadPlanInputs(database.db, database.context, keys);
  expect(inputs.size).toBe(keys.length);
  for (const key of keys) {
    expect(plain(inputs.get(inputKey(key))!, world), inputKey(key)).toEqual(plain(world.input(key), world));
  }
}

test('what is loaded is what is there: random organisations in the middle of their work', async () => {
  await using database = await WorldDatabase.open();
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 10, maxLength: 40 }),
      fc.array(change, { maxLength: 12 }),
      fc.nat({ max: 5 }),
      async (past, recent, steps) => {
        const world = new World().unit('1', unitFact({}));
        for (const one of past) applyChange(world, one);
        world.converge();
        for (const one of recent) applyChange(world, one);
        for (let taken = 0; taken < steps && world.ready().length > 0; taken += 1) world.step(world.ready()[0]!);
        await expectLoaded(database, world);
      },
    ),
    { numRuns: 40 },
  );
});

test('holders of an address with circles, twins, blocked units, rejected facts, a deleted site', async () => {
  await using database = await WorldDatabase.open();
  const world = new World().unit('1', unitFact({})).unit('2', unitFact({ parentId: '1', name: 'North' }));
  world.unit('3', unitFact({ parentId: '1', name: 'North' })).unit('4', unitFact({ parentId: '3', name: 'Below' }));
  world.role('5', roleFact({})).role('6', roleFact({}));
  for (const id of ['10', '11', '12']) world.person(id, personFact({ email: `${id}@example.com` }));
  world.converge();
  world.person('10', personFact({ email: '11@EXAMPLE.com' })).person('11', personFact({ email: '12@example.com' }));
  world.person('12', personFact({ email: '10@example.com', expiresAtMs: 1_234 }));
  world
    .person('20', personFact({ email: ' Twin@example.com' }))
    .person('21', personFact({ email: 'twin@example.com' }));
  world
    .member('20', membershipFact('1', '4', { roles: ['6', '5'], departmentId: '5' }))
    .member('20', membershipFact('2', 'heard-of'));
  world.member('21', membershipFact('3', null, { ordinal: null, rejectedCode: 'FACT_INVALID' }));
  world.person('22', personFact({ rejectedCode: 'FACT_INVALID', email: null }));
  world.unit('5', unitFact({ parentId: '2', isDepartment: true })).tenantGone = true;
  expect(world.input({ kind: 'person', id: '10' })).toMatchObject({ emailHolder: { id: '11', inCycle: true } });
  await expectLoaded(database, world);
});

test('work in the gap lane counts as held', async () => {
  await using database = await WorldDatabase.open();
  await database.write(new World().unit('1', unitFact({})));
  await database.db.raw(`update sink.work set lane = 3`);
  const inputs = await loadPlanInputs(database.db, database.context, [{ kind: 'unit', id: '1' }]);
  expect(inputs.get('unit/1')).toMatchObject({ kind: 'unit' });
  const input = inputs.get('unit/1')!;
  expect(input.kind === 'unit' && input.units.get('1')?.work).toBe('held');
});

test('another tenant and another integration are not seen', async () => {
  await using database = await WorldDatabase.open();
  const world = new World().unit('1', unitFact({})).person('7', personFact({})).converge();
  await database.write(world);
  const id = '00000000-0000-0000-0000-000000000000';
  const inputs = await loadPlanInputs(database.db, { id, tenant: 'eu1.2' }, [{ kind: 'person', id: '7' }]);
  expect(inputs.get('person/7')).toMatchObject({ fact: null, link: null, emailHolder: null, memberships: [] });
});

test('of many people who share an address, those that matter to a plan are loaded: active, ready, lowest id', async () => {
  await using database = await WorldDatabase.open();
  const world = new World().unit('1', unitFact({}));
  for (let id = 1; id <= 300; id += 1) world.person(`${id}`, personFact({ active: id % 10 === 0 }));
  world.work.get('person/10')!.state = 'parked';
  await database.write(world);
  const inputs = await loadPlanInputs(database.db, database.context, [
    { kind: 'person', id: '20' },
    { kind: 'person', id: '7' },
  ]);
  const twinsOf = (id: string): readonly string[] => {
    const input = inputs.get(`person/${id}`);
    return input?.kind === 'person' ? input.twins.map((twin) => twin.id) : [];
  };
  expect(twinsOf('7').slice(0, 3)).toEqual(['20', '30', '40']);
  expect(twinsOf('20').slice(0, 2)).toEqual(['30', '40']);
  expect(twinsOf('20').length).toBeLessThan(10);
});
