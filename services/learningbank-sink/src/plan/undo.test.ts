import { describe, expect, test } from 'vitest';
import { defaultSettings } from '@orgstream/core';
import type { AppliedPerson, AppliedUnit } from '../model.ts';
import { assess } from './assess.ts';
import { membershipFact, personFact, roleFact, unitFact } from './test-support/facts.ts';
import { World } from './test-support/world.ts';

/** Unit 2 "North" with 3 "South" below it, role 5, person 7 in North with role 5: all applied. */
function acme(world = new World()): World {
  world.unit('1', unitFact({})).unit('2', unitFact({ parentId: '1', name: 'North' }));
  world.unit('3', unitFact({ parentId: '2', name: 'South' })).role('5', roleFact({ name: 'Cook' }));
  return world
    .person('7', personFact({}))
    .member('7', membershipFact('1', '2', { roles: ['5'] }))
    .converge();
}

const appliedOf = (world: World, id = '7'): AppliedPerson => structuredClone(world.links.person.get(id)!.applied);
const userOf = (world: World, id = '7') => world.target.users.get(world.links.person.get(id)?.targetId ?? -1);

/** The calls that going back takes; nothing refused, and nothing to do afterwards. */
function back(world: World, kind: 'unit' | 'role' | 'person', id: string, applied: unknown): readonly string[] {
  const from = world.target.calls.length;
  world.undo(kind, id, { applied }).converge();
  expect(world.refusals).toEqual([]);
  const calls = world.target.calls.slice(from).map(({ op }) => op);
  world.undo(kind, id, { applied }).converge();
  expect(world.target.calls.length, 'a second time').toBe(from + calls.length);
  return calls;
}

describe('a person', () => {
  test('goes back with the fewest calls, and stays there', () => {
    const world = acme();
    const then = appliedOf(world);
    world.person('7', personFact({ lastName: 'King', email: 'k@example.com' }));
    world.member('7', membershipFact('1', '3')).converge();
    expect(back(world, 'person', '7', then)).toEqual(['user.update', 'user.departments', 'user.permissions']);
    expect(appliedOf(world)).toEqual(then);
    expect(world.work.get('person/7')).toMatchObject({ state: 'held', code: 'UNDONE' });
    expect(assess(world.input({ kind: 'person', id: '7' }), world.policy()).operations).toContain('rename');
  });

  test('who was deactivated is active again; who was made is deactivated, never deleted', () => {
    const world = acme();
    const then = appliedOf(world);
    world.person('7', personFact({ active: false })).converge();
    expect(back(world, 'person', '7', then)).toEqual(['user.reactivate']);
    expect(back(world, 'person', '7', null)).toEqual(['user.deactivate']);
    expect([world.target.users.size, userOf(world)?.active]).toEqual([1, false]);
  });

  test('who was adopted is let go of, without a call', () => {
    const world = new World();
    const found = world.target.addUser({ email: 'ada@example.com' });
    acme(world);
    expect(back(world, 'person', '7', null)).toEqual([]);
    expect([world.links.person.size, world.target.users.get(found)?.active]).toEqual([0, true]);
  });

  test('a user that is gone is UNDO_IMPOSSIBLE', () => {
    const world = acme();
    const then = appliedOf(world);
    world.links.person.delete('7');
    world.undo('person', '7', { applied: then }).converge();
    expect(world.work.get('person/7')).toMatchObject({ state: 'parked', code: 'UNDO_IMPOSSIBLE' });
  });

  test('a job profile goes back to what we wrote; what we never wrote is left as it is', () => {
    const world = acme();
    world.jobProfiles.set('Waiter', 42).set('Chef', 43);
    const never = appliedOf(world);
    world.role('6', roleFact({ name: 'Waiter' })).role('8', roleFact({ name: 'Chef' }));
    world.member('7', membershipFact('1', '2', { roles: ['6'] })).converge();
    const waiter = appliedOf(world);
    world.member('7', membershipFact('1', '2', { roles: ['8'] })).converge();
    expect([waiter.jobProfileId, userOf(world)?.jobProfileId]).toEqual([42, 43]);
    expect(back(world, 'person', '7', waiter)).toEqual(['user.update', 'user.permissions']);
    expect(userOf(world)?.jobProfileId).toBe(42);
    expect(back(world, 'person', '7', never)).toEqual(['user.permissions']);
    expect([userOf(world)?.jobProfileId, appliedOf(world).jobProfileRoles]).toEqual([42, ['5']]);
  });

  test('foreign permission types survive', () => {
    const world = acme();
    const [then, editor] = [appliedOf(world), world.target.addType('Editor')];
    userOf(world)!.permissionTypeIds.push(editor);
    world.member('7', membershipFact('1', '2')).converge();
    expect(back(world, 'person', '7', then)).toEqual(['user.permissions']);
    expect(userOf(world)?.permissionTypeIds.toSorted((a, b) => a - b)).toEqual(
      [...then.permissionTypeIds, editor].toSorted((a, b) => a - b),
    );
  });

  test('a protected identity is not moved, stripped, renamed by address or deactivated by an undo either', () => {
    const world = acme();
    const then = appliedOf(world);
    world.member('7', membershipFact('1', '3', { roles: ['5'] })).converge();
    world.settings = { ...defaultSettings, protectedEmails: ['ADA@example.com'] };
    for (const applied of [then, null]) {
      world.undo('person', '7', { applied }).converge();
      expect(world.work.get('person/7')).toMatchObject({ state: 'parked', code: 'PROTECTED' });
    }
  });

  test('an address that somebody else has by now is waited for, visibly', () => {
    const world = acme();
    const then = appliedOf(world);
    world.person('7', personFact({ email: 'k@example.com' })).converge();
    world.person('8', personFact({})).converge();
    world.undo('person', '7', { applied: then }).converge();
    expect(world.work.get('person/7')).toMatchObject({ state: 'waiting', code: 'EMAIL_TAKEN', on: 'person/8' });
    world.person('8', personFact({ email: 'other@example.com' })).converge();
    expect(appliedOf(world).email).toBe('ada@example.com');
  });
});

describe('units and roles', () => {
  test('a unit gets its name and place back, a role its name', () => {
    const world = acme()
      .unit('3', unitFact({ parentId: '1', name: 'S' }))
      .role('5', roleFact({ name: 'Chef' }))
      .converge();
    const north = world.links.unit.get('2')!.targetId;
    expect(back(world, 'unit', '3', { name: 'South', parentId: north })).toEqual(['department.update']);
    expect(back(world, 'role', '5', { name: 'Cook' })).toEqual(['permission_type.update']);
  });

  test('with Unique Units on too: exactly the name of then', () => {
    const world = acme();
    const then = structuredClone(world.links.unit.get('3')!.applied);
    world.settings = { ...defaultSettings, uniqueUnits: true };
    world.mark('unit', '3').converge();
    expect(world.links.unit.get('3')?.applied.name).toBe('South (3)');
    expect(back(world, 'unit', '3', then)).toEqual(['department.update']);
  });

  test('a unit goes back below a department that is none of ours', () => {
    const world = acme();
    const foreign = world.target.addDepartment({ name: 'Foreign' });
    expect(back(world, 'unit', '3', { name: 'South', parentId: foreign })).toEqual(['department.update']);
  });

  test('what was made is deleted once it is empty of ours and of others', () => {
    const world = acme();
    const south = world.links.unit.get('3')!.targetId;
    world.target.addUser({ email: 'foreign@example.com', departmentIds: [south] });
    world.undo('unit', '2', { applied: null }).converge();
    expect(world.work.get('unit/2')).toMatchObject({ state: 'waiting', code: 'DEPARTMENT_NOT_EMPTY', on: 'unit/3' });
    world.undo('unit', '3', { applied: null }).converge();
    expect(world.work.get('unit/3')).toMatchObject({ state: 'parked', code: 'DEPARTMENT_NOT_EMPTY' });
    world.target.users.delete([...world.target.users.keys()].at(-1)!);
    world.undo('person', '7', { applied: null }).sweep().converge();
    expect([...world.links.unit.keys()]).toEqual(['1']);
    expect(world.refusals).toEqual([]);
  });

  test('what was adopted is let go of', () => {
    const world = new World();
    world.target.addType('Cook');
    const north = world.target.addDepartment({ name: 'North' });
    acme(world)
      .undo('person', '7', { applied: null })
      .undo('role', '5', { applied: null })
      .undo('unit', '2', { applied: null });
    world.converge();
    expect([world.links.role.has('5'), world.links.unit.has('2')]).toEqual([false, false]);
    expect([world.target.types.size, world.target.departments.has(north)]).toEqual([1, true]);
  });

  test('what was deleted is made again with our marker, below what its parent is now', () => {
    const world = acme();
    const then = structuredClone(world.links.unit);
    const units = Object.fromEntries([...then].map(([id, { targetId }]) => [targetId, id]));
    world.leave('1');
    for (const id of ['3', '2']) world.unit(id, unitFact({ name: null, deleted: true }));
    world.converge();
    const applied = (id: string): AppliedUnit => then.get(id)!.applied;
    world.undo('unit', '3', { applied: applied('3'), units }).undo('unit', '2', { applied: applied('2'), units });
    world.converge();
    const south = world.target.departments.get(world.links.unit.get('3')!.targetId);
    expect(south).toEqual({ name: 'South', parentId: world.links.unit.get('2')!.targetId, externalId: 'eu1.1:unit:3' });
  });

  test('a way back that would close a circle is UNDO_IMPOSSIBLE', () => {
    const world = acme();
    const south = world.links.unit.get('3')!.targetId;
    world.undo('unit', '2', { applied: { name: 'North', parentId: south } }).converge();
    expect(world.work.get('unit/2')).toMatchObject({ state: 'parked', code: 'UNDO_IMPOSSIBLE' });
    expect(world.refusals).toEqual([]);
  });
});
