import { describe, expect, test } from 'vitest';
import type { ObjectKind } from '../model.ts';
import { assess } from './assess.ts';
import type { Resolution } from './facts.ts';
import { deletedRole, deletedUnit, membershipFact, personFact, roleFact, unitFact } from './test-support/facts.ts';
import { World } from './test-support/world.ts';

const nothing = { operations: [], blocked: [], code: null };

function decide(
  world: World,
  key: `${ObjectKind}/${string}`,
  action: Resolution['action'],
  targetId: number | null = null,
): World {
  const [kind, id] = key.split('/') as [ObjectKind, string];
  world.resolutions.set(key, { action, targetId });
  return world.mark(kind, id).converge();
}

const assessed = (world: World, kind: ObjectKind, id: string) => assess(world.input({ kind, id }), world.policy());
const codeOf = (world: World, key: string) => world.work.get(key)?.code ?? null;
const callsOf = (world: World) => world.target.calls.map(({ op }) => op);

/** Unit 1, role 5 "Cook", person 7 in both; everything else is up to the test. */
function acme(world = new World()): World {
  world.unit('1', unitFact({})).role('5', roleFact({ name: 'Cook' }));
  return world.person('7', personFact({})).member('7', membershipFact('1', '1', { roles: ['5'] }));
}

describe('adopt', () => {
  test('an inactive user is linked, then brought into step', () => {
    const world = new World();
    const found = world.target.addUser({ email: 'ada@example.com', active: false });
    acme(world).converge();
    expect(codeOf(world, 'person/7')).toBe('MATCH_INACTIVE');
    decide(world, 'person/7', 'adopt', found);
    expect(world.links.person.get('7')).toMatchObject({ targetId: found, madeByUs: false });
    expect(world.target.users.get(found)?.active).toBe(true);
    expect(world.work.size).toBe(0);
  });

  test('a user whom two people match goes to the one that was chosen; the other has to have another address', () => {
    const world = new World();
    const found = world.target.addUser({ email: 'ada@example.com' });
    acme(world)
      .person('8', personFact({ firstName: 'Twin' }))
      .converge();
    expect([codeOf(world, 'person/7'), codeOf(world, 'person/8')]).toContain('MATCHED_TWICE');
    decide(world, 'person/8', 'adopt', found);
    expect(world.links.person.get('8')?.targetId).toBe(found);
    world.sweep().converge();
    expect(codeOf(world, 'person/7')).toBe('EMAIL_TAKEN');
  });

  test('a built-in permission type is assigned, never renamed or deleted', () => {
    const world = new World();
    const owner = world.target.addType('Cook', true);
    acme(world).converge();
    expect(codeOf(world, 'role/5')).toBe('PERMISSION_TYPE_HAS_RIGHTS');
    decide(world, 'role/5', 'adopt', owner).sweep().converge();
    const user = [...world.target.users.values()][0]!;
    expect(user.permissionTypeIds).toEqual([owner]);
    world.role('5', roleFact({ name: 'Chef' })).converge();
    expect(world.target.types.get(owner)?.name).toBe('Cook');
    world.role('5', deletedRole).converge();
    expect(world.target.types.has(owner)).toBe(true);
    expect(user.permissionTypeIds, 'we assigned it').toEqual([]);
    expect(world.refusals).toEqual([]);
  });

  test.each([
    ['another integration', (world: World, user: number) => world.linkElsewhere('person', user), 'LINKED_ELSEWHERE'],
  ] as const)('a user linked by %s stays with it', (_, link, code) => {
    const world = new World();
    const found = world.target.addUser({ email: 'ada@example.com' });
    link(world, found);
    decide(acme(world).converge(), 'person/7', 'adopt', found);
    expect(world.links.person.size).toBe(0);
    expect(codeOf(world, 'person/7')).toBe(code);
  });

  test('what is not found any more is not adopted: the usual rules go on', () => {
    const world = decide(acme(), 'person/7', 'adopt', 4711);
    expect(callsOf(world)).toContain('user.create');
  });
});

describe('create_new', () => {
  test('a role gets a permission type of its own, with the role id in its name, and keeps it', () => {
    const world = new World();
    world.target.addType('Cook', true);
    decide(acme(world).converge(), 'role/5', 'create_new').sweep().converge();
    const made = world.links.role.get('5')!;
    expect([made.madeByUs, made.applied.name]).toEqual([true, 'Cook (5)']);
    world.role('5', roleFact({ name: 'Chef' })).converge();
    expect(world.target.types.get(made.targetId)?.name).toBe('Chef (5)');
    expect(world.refusals).toEqual([]);
  });

  test('a unit whose sibling has its name gets one with its id', () => {
    const world = new World().unit('1', unitFact({})).unit('2', unitFact({ parentId: '1', name: 'North' }));
    world.unit('3', unitFact({ parentId: '1', name: 'North' })).converge();
    expect(codeOf(world, 'unit/3')).toBe('DEPARTMENT_NAME_TAKEN');
    decide(world, 'unit/3', 'create_new');
    expect(world.links.unit.get('3')?.applied.name).toBe('North (3)');
    expect(assessed(world, 'unit', '3')).toMatchObject(nothing);
  });

  test('a person cannot: e-mails are unique', () => {
    const world = new World();
    world.target.addUser({ email: 'ada@example.com', active: false });
    decide(acme(world).converge(), 'person/7', 'create_new');
    expect([codeOf(world, 'person/7'), world.links.person.size]).toEqual(['MATCH_INACTIVE', 0]);
  });
});

describe('ignore', () => {
  test.each(['unit/2', 'role/5', 'person/7'] as const)(
    '%s is left alone, whatever happens, and released again',
    (key) => {
      const world = acme()
        .unit('2', unitFact({ parentId: '1', name: 'North' }))
        .converge();
      const [kind, id] = key.split('/') as [ObjectKind, string];
      decide(world, key, 'ignore');
      const calls = world.target.calls.length;
      const { hash } = assessed(world, kind, id);
      if (kind === 'unit') world.unit(id, unitFact({ parentId: '1', name: 'Other' })).unit(id, deletedUnit);
      if (kind === 'role') world.role(id, roleFact({ name: 'Other' }));
      if (kind === 'person') world.person(id, personFact({ lastName: 'Other', active: false }));
      world.converge();
      expect(world.target.calls.length).toBe(calls);
      expect(assessed(world, kind, id)).toMatchObject({ ...nothing, hash });
      expect(world.work.size).toBe(0);
      world.resolutions.clear();
      world.mark(kind, id).converge();
      expect(world.target.calls.length).toBeGreaterThan(calls);
    },
  );

  test('nobody waits for a unit or role that is left alone before it was made; what is below it waits visibly', () => {
    const world = acme()
      .unit('2', unitFact({ parentId: '1', name: 'North' }))
      .unit('3', unitFact({ parentId: '2' }));
    world.member('7', membershipFact('2', '2'));
    world.resolutions.set('unit/2', { action: 'ignore', targetId: null });
    decide(world, 'role/5', 'ignore');
    const user = [...world.target.users.values()][0]!;
    expect([user.departmentIds, user.permissionTypeIds]).toEqual([[1], []]);
    expect([...world.work.keys()]).toEqual(['unit/3']);
    expect(codeOf(world, 'unit/3')).toBe('IGNORED');
    expect(assessed(world, 'person', '7')).toMatchObject(nothing);
  });

  test('a name that an ignored unit holds is not taken from it', () => {
    const world = new World()
      .unit('1', unitFact({}))
      .unit('2', unitFact({ parentId: '1', name: 'North' }))
      .converge();
    decide(world, 'unit/2', 'ignore');
    world.unit('2', unitFact({ parentId: '1', name: 'South' })).unit('3', unitFact({ parentId: '1', name: 'North' }));
    world.converge();
    expect(codeOf(world, 'unit/3')).toBe('DEPARTMENT_NAME_TAKEN');
    expect(world.links.unit.get('2')?.applied.name).toBe('North');
  });
});
