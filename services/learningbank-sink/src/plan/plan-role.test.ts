import { describe, expect, test } from 'vitest';
import { deletedRole, membershipFact, personFact, roleFact, unitFact } from './test-support/facts.ts';
import { World } from './test-support/world.ts';

const typeOf = (world: World, id: string) => world.target.types.get(world.links.role.get(id)?.targetId ?? -1);
const ops = (world: World): readonly string[] => world.target.calls.map(({ op }) => op);

/** A person with role `roleId` in the top unit. */
function withPerson(world: World, roleId: string): World {
  world.unit('1', unitFact({})).person('7', personFact({}));
  return world.member('7', membershipFact('1', '1', { roles: [roleId] })).converge();
}

describe('semantics.md §1, table', () => {
  test('role created: permission type of the same name', () => {
    const world = new World().role('5', roleFact({ name: ' Cook ' })).converge();
    expect(typeOf(world, '5')).toEqual({ name: 'Cook', externalId: 'eu1.1:role:5', isSystem: false });
  });

  test('role renamed: permission type renamed', () => {
    const world = new World().role('5', roleFact({ name: 'Cook' })).converge();
    world.role('5', roleFact({ name: 'Chef' })).converge();
    expect(typeOf(world, '5')?.name).toBe('Chef');
    expect(ops(world)).toEqual(['permission_type.create', 'permission_type.update']);
  });

  test('role deleted: permission type deleted, once nobody of ours has it any more', () => {
    const world = withPerson(new World().role('5', roleFact({ name: 'Cook' })), '5');
    const user = world.target.users.get(world.links.person.get('7')!.targetId)!;
    world.role('5', deletedRole);
    expect(world.outcome('role', '5')).toEqual({ kind: 'wait', on: { kind: 'person', id: '7' } });
    world.converge();
    expect(ops(world).slice(-2)).toEqual(['user.permissions', 'permission_type.delete']);
    expect([user.permissionTypeIds, world.target.types.size, world.links.role.size]).toEqual([[], 0, 0]);
    expect(world.refusals).toEqual([]);
  });
});

describe('decided 8: adoption', () => {
  test('permission type by exact name; an adopted one is assigned, never renamed or deleted', () => {
    const world = new World();
    const found = world.target.addType('Cook');
    withPerson(world.role('5', roleFact({ name: 'Cook' })), '5');
    expect(world.links.role.get('5')).toMatchObject({ targetId: found, madeByUs: false });
    expect([...world.target.users.values()][0]?.permissionTypeIds).toEqual([found]);
    world.role('5', roleFact({ name: 'Chef' })).converge();
    expect(world.target.types.get(found)?.name).toBe('Cook');
    world.role('5', deletedRole).converge();
    expect(world.target.types.has(found)).toBe(true);
    expect(world.links.role.size).toBe(0);
    expect([...world.target.users.values()][0]?.permissionTypeIds, 'we assigned it').toEqual([]);
  });

  test('a role named like a built-in permission type is a match case PERMISSION_TYPE_HAS_RIGHTS', () => {
    const world = new World();
    world.target.addType('Owner', true);
    world.role('5', roleFact({ name: 'Owner' })).converge();
    expect(world.work.get('role/5')).toMatchObject({ state: 'conflict', code: 'PERMISSION_TYPE_HAS_RIGHTS' });
    expect(world.target.calls).toEqual([]);
  });

  test('linked by another integration: LINKED_ELSEWHERE', () => {
    const world = new World();
    world.linkElsewhere('role', world.target.addType('Cook'));
    expect(world.role('5', roleFact({ name: 'Cook' })).outcome('role', '5')).toMatchObject({
      kind: 'conflict',
      code: 'LINKED_ELSEWHERE',
    });
  });

  test('our marker: made before a crash, under whatever name', () => {
    const world = new World().role('5', roleFact({ name: 'Cook' })).converge();
    world.links.role.clear();
    world.role('5', roleFact({ name: 'Chef' })).converge();
    expect(ops(world)).toEqual(['permission_type.create', 'permission_type.update']);
  });
});

describe('names', () => {
  test('a second role of the same name is parked with PERMISSION_TYPE_NAME_TAKEN and resumes by itself', () => {
    const world = new World()
      .role('5', roleFact({ name: 'Cook' }))
      .role('6', roleFact({ name: 'Cook' }))
      .converge();
    expect(world.work.get('role/6')?.code).toBe('PERMISSION_TYPE_NAME_TAKEN');
    world.role('5', roleFact({ name: 'Chef' })).converge();
    expect(typeOf(world, '6')?.name).toBe('Cook');
    expect(world.refusals).toEqual([]);
  });

  test('people with a parked role do without its permission type until it settles', () => {
    const world = new World().role('5', roleFact({ name: 'Cook' })).role('6', roleFact({ name: 'Cook' }));
    withPerson(world, '6');
    expect([...world.target.users.values()][0]).toMatchObject({ active: true, permissionTypeIds: [] });
    expect(world.work.get('person/7')).toMatchObject({ state: 'waiting', on: 'role/6' });
    world.role('5', roleFact({ name: 'Chef' })).converge();
    expect([...world.target.users.values()][0]?.permissionTypeIds).toEqual([world.links.role.get('6')!.targetId]);
    expect(world.work.size).toBe(0);
  });

  test('two roles that swap names: an interim name, no clash sent', () => {
    const world = new World()
      .role('5', roleFact({ name: 'A' }))
      .role('6', roleFact({ name: 'B' }))
      .converge();
    world
      .role('5', roleFact({ name: 'B' }))
      .role('6', roleFact({ name: 'A' }))
      .converge();
    expect([typeOf(world, '5')?.name, typeOf(world, '6')?.name]).toEqual(['B', 'A']);
    expect(ops(world).slice(2)).toHaveLength(3);
    expect(world.refusals).toEqual([]);
  });

  test.each([
    ['null', null, 'FACT_INVALID'],
    ['blank', '  ', 'FACT_INVALID'],
    ['256 characters', 'x'.repeat(256), 'VALUE_TOO_LONG'],
  ])('a %s name parks the role', (_, name, code) => {
    expect(new World().role('5', roleFact({ name })).outcome('role', '5')).toMatchObject({ kind: 'park', code });
  });
});
