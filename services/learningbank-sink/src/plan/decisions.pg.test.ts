import { expect, test } from 'vitest';
import type { ObjectKey } from '../model.ts';
import { plan } from './plan.ts';
import { inputKey, loadPlanInputs } from './plan-input-store.ts';
import { deletedUnit, membershipFact, personFact, roleFact, unitFact } from './test-support/facts.ts';
import { WorldDatabase } from './test-support/world-database.ts';
import { World } from './test-support/world.ts';

/** Units 1 to 3, roles 5 and 6, people 7 and 8. */
function acme(): World {
  const world = new World().unit('1', unitFact({})).unit('2', unitFact({ parentId: '1', name: 'North' }));
  world.unit('3', unitFact({ parentId: '1', name: 'South' })).role('5', roleFact({ name: 'Cook' }));
  world.role('6', roleFact({ name: 'Guard' })).person('7', personFact({ email: '7@example.com' }));
  world.person('8', personFact({ email: '8@example.com' })).member('7', membershipFact('1', '2', { roles: ['5'] }));
  return world.member('8', membershipFact('2', '3', { roles: ['6'] }));
}

const keys: readonly ObjectKey[] = ['unit/1', 'unit/2', 'unit/3', 'role/5', 'role/6', 'person/7', 'person/8'].map(
  (key) => ({ kind: key.split('/')[0] as ObjectKey['kind'], id: key.split('/')[1]! }),
);

/** The database leads to the same plans as the world in memory. */
async function expectSamePlans(database: WorldDatabase, world: World): Promise<void> {
  await database.write(world);
  const inputs = await loadPlanInputs(database.db, database.context, keys);
  for (const key of keys) {
    const loaded = plan(inputs.get(inputKey(key))!, world.policy());
    expect(loaded, inputKey(key)).toEqual(plan(world.input(key), world.policy()));
  }
}

test('what an operator decided is loaded with each object, and with what its people need to know of it', async () => {
  await using database = await WorldDatabase.open();
  const world = acme();
  world.resolutions.set('unit/2', { action: 'ignore', targetId: null });
  world.resolutions.set('unit/3', { action: 'create_new', targetId: null });
  world.resolutions.set('role/5', { action: 'adopt', targetId: 77 });
  world.resolutions.set('role/6', { action: 'ignore', targetId: null });
  world.resolutions.set('person/8', { action: 'ignore', targetId: null });
  await expectSamePlans(database, world);
  const inputs = await loadPlanInputs(database.db, database.context, keys);
  const [role, person, left] = ['role/5', 'person/7', 'person/8'].map((key) => inputs.get(key)!);
  expect(role?.kind === 'role' && role.roles.get('5')?.resolution).toEqual({ action: 'adopt', targetId: 77 });
  expect(person?.kind === 'person' && person.units.get('2')?.state).toBe('unmirrored');
  expect(left?.kind === 'person' && left.resolution).toEqual({ action: 'ignore', targetId: null });
  await expectSamePlans(database, world.converge());
});

test('the way back is loaded with each object: units to come, addresses and people of then', async () => {
  await using database = await WorldDatabase.open();
  const world = acme().converge();
  const then = structuredClone(world.links);
  const units = Object.fromEntries([...then.unit].map(([id, { targetId }]) => [targetId, id]));
  const roles = Object.fromEntries([...then.role].map(([id, { targetId }]) => [targetId, id]));
  world
    .unit('2', deletedUnit)
    .leave('1')
    .person('7', personFact({ email: 'new@example.com' }))
    .converge();
  world.person('8', personFact({ email: '7@example.com' })).converge();
  expect(world.links.person.get('8')?.applied.email).toBe('7@example.com');
  world.undo('unit', '2', { applied: then.unit.get('2')!.applied, units });
  world.undo('person', '7', { applied: then.person.get('7')!.applied, units, roles });
  world.undo('unit', '3', { applied: null }).undo('role', '6', { applied: null });
  await expectSamePlans(database, world);
  expect(world.outcome('person', '7')).toEqual({ kind: 'wait', on: { kind: 'unit', id: '2' } });
  expect(world.outcome('unit', '3')).toMatchObject({ kind: 'wait', on: { kind: 'person', id: '8' } });
  expect(world.outcome('role', '6')).toMatchObject({ kind: 'wait', on: { kind: 'person', id: '8' } });
  world.undo('person', '8', { applied: then.person.get('8')!.applied, units, roles });
  await expectSamePlans(database, world);
  world.converge().sweep().converge();
  await expectSamePlans(database, world);
});

test('a batch takes a constant number of statements, whatever was decided', async () => {
  await using database = await WorldDatabase.open();
  const world = acme().converge();
  await database.write(world);
  const statements = async (): Promise<number> => {
    let count = 0;
    const onQuery = (): void => void (count += 1);
    database.db.on('query', onQuery);
    await loadPlanInputs(database.db, database.context, keys);
    database.db.off('query', onQuery);
    return count;
  };
  const plain = await statements();
  for (const { kind, id } of keys) world.undo(kind, id, { applied: world.links[kind].get(id)!.applied });
  await database.write(world);
  expect(await statements()).toBe(plain);
  expect(plain).toBeLessThan(12);
});
