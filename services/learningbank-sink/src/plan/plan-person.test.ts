import { describe, expect, test } from 'vitest';
import { marker } from '../model.ts';
import { deletedPerson, deletedUnit, membershipFact, personFact, roleFact, unitFact } from './test-support/facts.ts';
import type { ModelUser } from './test-support/target-model.ts';
import { World } from './test-support/world.ts';

/** Units 1 (top), 2 "North", 3 "South"; roles 5 "Cook", 6 "Waiter"; nobody yet. */
function acme(): World {
  const world = new World();
  world.unit('1', unitFact({})).unit('2', unitFact({ parentId: '1', name: 'North' }));
  world.unit('3', unitFact({ parentId: '1', name: 'South' }));
  return world
    .role('5', roleFact({ name: 'Cook' }))
    .role('6', roleFact({ name: 'Waiter' }))
    .converge();
}

/** Person 7 in North as Cook, settled. */
function withAda(world = acme()): World {
  world.person('7', personFact({})).member('7', membershipFact('1', '2', { roles: ['5'] }));
  return world.converge();
}

const userOf = (world: World, id: string): ModelUser | undefined =>
  world.target.users.get(world.links.person.get(id)?.targetId ?? -1);
const department = (world: World, id: string): number => world.links.unit.get(id)!.targetId;
const type = (world: World, id: string): number => world.links.role.get(id)!.targetId;
const callsSince = (world: World, from: number): readonly string[] =>
  world.target.calls.slice(from).map(({ op }) => op);
const codeOf = (world: World, id: string) => world.work.get(`person/${id}`)?.code;

/** Ops of the calls that `change` leads to. */
function callsOf(world: World, change: (world: World) => unknown): readonly string[] {
  const from = world.target.calls.length;
  change(world);
  world.converge();
  expect(world.refusals).toEqual([]);
  return callsSince(world, from);
}

describe('semantics.md §1, table: person created', () => {
  test('first name, last name, e-mail, active flag, language, departments, permission types: one call', () => {
    const world = acme();
    expect(callsOf(world, withAda)).toEqual(['user.create']);
    expect(userOf(world, '7')).toMatchObject({
      firstName: 'Ada',
      lastName: 'Lovelace',
      email: 'ada@example.com',
      active: true,
      language: 'da',
      departmentIds: [department(world, '2')],
      permissionTypeIds: [type(world, '5')],
      externalId: marker('eu1.1', 'person', '7'),
    });
  });

  test.each([
    ['da-DK', 'da'],
    [' PL ', 'pl'],
    ['danish', null],
    [null, null],
  ])('language %s is written as %s', (language, written) => {
    const world = acme().person('7', personFact({ language })).converge();
    expect(userOf(world, '7')?.language).toBe(written);
  });

  test('a person without membership gets the default department (decided 13)', () => {
    const world = acme().person('7', personFact({})).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([world.target.defaultDepartmentId]);
  });
});

describe('semantics.md §1, table: person changed', () => {
  test('changed names and e-mail are one update', () => {
    const world = withAda();
    expect(
      callsOf(world, () => world.person('7', personFact({ firstName: 'A', lastName: 'L', email: 'al@example.com' }))),
    ).toEqual(['user.update']);
    expect(world.target.calls.at(-1)).toMatchObject({
      set: { firstName: 'A', lastName: 'L', email: 'al@example.com' },
    });
  });

  test('except language, which is written at creation only', () => {
    const world = withAda();
    expect(callsOf(world, () => world.person('7', personFact({ language: 'en' })))).toEqual([]);
    expect(userOf(world, '7')?.language).toBe('da');
  });

  test("memberships: the user is in the departments of all; the first membership's is the primary one (decided 16)", () => {
    const world = withAda();
    const calls = callsOf(world, () => world.member('7', membershipFact('9', '3', { ordinal: 0, roles: ['5'] })));
    expect(calls).toEqual(['user.departments']);
    expect(userOf(world, '7')?.departmentIds).toEqual([department(world, '3'), department(world, '2')]);
  });

  test('decided 1: first membership = lowest position, then lowest membership id, as a number', () => {
    const world = acme().person('7', personFact({}));
    world.member('7', membershipFact('10', '2', { ordinal: 1 })).member('7', membershipFact('9', '3', { ordinal: 1 }));
    world.member('7', membershipFact('1', '1', { ordinal: null })).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual(['3', '2', '1'].map((id) => department(world, id)));
  });

  test('roles: permission types of the roles on the first membership are assigned', () => {
    const world = withAda();
    world.member('7', membershipFact('2', '3', { roles: ['6'] }));
    world.converge();
    expect(userOf(world, '7')?.permissionTypeIds).toEqual([type(world, '5')]);
    const calls = callsOf(world, () => world.member('7', membershipFact('1', '2', { ordinal: 3, roles: ['5'] })));
    expect(calls).toEqual(['user.departments', 'user.permissions']);
    expect(userOf(world, '7')?.permissionTypeIds).toEqual([type(world, '6')]);
  });

  test('removed is only what we made or assigned ourselves; every other permission type of the user stays', () => {
    const world = acme();
    const foreign = world.target.addType('Editor');
    withAda(world);
    userOf(world, '7')!.permissionTypeIds.push(foreign);
    expect(callsOf(world, () => world.member('7', membershipFact('1', '2')))).toEqual(['user.permissions']);
    expect(userOf(world, '7')?.permissionTypeIds).toEqual([foreign]);
  });
});

describe('decided 2, 3, 4: job profile', () => {
  function withProfiles(...names: readonly string[]): World {
    const world = acme();
    names.forEach((name, at) => world.jobProfiles.set(name, 700 + at));
    return world;
  }

  test("the one whose name equals a role's name exactly is written at creation, in the same call", () => {
    const world = withProfiles('Cook');
    expect(callsOf(world, withAda)).toEqual(['user.create']);
    expect(userOf(world, '7')?.jobProfileId).toBe(700);
  });

  test("none matches at creation: the platform's default is left to apply, and a near miss is a hint", () => {
    const world = withProfiles('cóok ');
    world.person('7', personFact({})).member('7', membershipFact('1', '2', { roles: ['5'] }));
    expect(world.outcome('person', '7')).toMatchObject({
      actions: [{ op: 'user.create', user: { jobProfileId: null } }],
      hints: [{ code: 'JOB_PROFILE_NEAR_MISS', roleId: '5', jobProfileId: 700 }],
    });
  });

  test('several roles match: the first in the role order of the membership wins', () => {
    const world = withProfiles('Cook', 'Waiter').person('7', personFact({}));
    world.member('7', membershipFact('1', '2', { roles: ['6', '5'] })).converge();
    expect(userOf(world, '7')?.jobProfileId).toBe(701);
  });

  test("written when the person's own matching role changes, with nothing but the change in the call", () => {
    const world = withAda(withProfiles('Cook', 'Waiter'));
    const calls = callsOf(world, () => world.member('7', membershipFact('1', '2', { roles: ['6'] })));
    expect(calls).toEqual(['user.update', 'user.permissions']);
    expect(world.target.calls.at(-2)).toMatchObject({ set: { jobProfileId: 701 } });
  });

  test('never reset to the default by us', () => {
    const world = withAda(withProfiles('Cook'));
    expect(callsOf(world, () => world.member('7', membershipFact('1', '2', { roles: ['6'] })))).toEqual([
      'user.permissions',
    ]);
    expect(userOf(world, '7')?.jobProfileId).toBe(700);
  });

  test('another role beside the deciding one rewrites nothing: it may have been changed by hand', () => {
    const world = withAda(withProfiles('Cook', 'Waiter'));
    userOf(world, '7')!.jobProfileId = 999;
    world.member('7', membershipFact('1', '2', { roles: ['5', '6'] })).converge();
    expect(userOf(world, '7')?.jobProfileId).toBe(999);
  });

  test.each<[string, (world: World) => unknown]>([
    ['a profile created later', (world) => world.jobProfiles.set('Cook', 700)],
    ['a renamed role', (world) => world.jobProfiles.set('Chef', 700) && world.role('5', roleFact({ name: 'Chef' }))],
  ])('%s never rewrites it, not even when another role comes along', (_, change) => {
    const world = withAda();
    change(world);
    world.markAll().converge();
    world.member('7', membershipFact('1', '2', { roles: ['5', '6'] })).converge();
    expect(userOf(world, '7')?.jobProfileId).toBe(900);
  });

  test('switch updateJobProfile off: written at creation only, also after it is switched on again', () => {
    const world = withProfiles('Cook', 'Waiter');
    world.settings = { ...world.settings, updateJobProfile: false };
    withAda(world);
    world.member('7', membershipFact('1', '2', { roles: ['6'] })).converge();
    expect(userOf(world, '7')?.jobProfileId).toBe(700);
    world.settings = { ...world.settings, updateJobProfile: true };
    expect(callsOf(world, () => world.markAll())).toEqual([]);
  });
});

describe('decided 7, 13: waiting', () => {
  test('a member before its unit or role waits: visible, and resumes by itself', () => {
    const world = acme().person('7', personFact({}));
    world.member('7', membershipFact('1', '8', { roles: ['9'] })).converge();
    expect(world.work.get('person/7')).toMatchObject({ state: 'waiting', on: 'unit/8' });
    world.unit('8', unitFact({ parentId: '1', name: 'New' })).converge();
    expect(world.work.get('person/7')).toMatchObject({ state: 'waiting', on: 'role/9' });
    world.role('9', roleFact({ name: 'Guard' })).converge();
    expect(userOf(world, '7')?.permissionTypeIds).toEqual([type(world, '9')]);
    expect(world.work.size).toBe(0);
  });

  test('a unit parked with DEPARTMENT_NAME_TAKEN: its people wait in their other departments', () => {
    const world = acme().unit('4', unitFact({ parentId: '1', name: 'North' }));
    world.person('7', personFact({})).member('7', membershipFact('1', '4')).member('7', membershipFact('2', '3'));
    world
      .person('8', personFact({ email: 'b@example.com' }))
      .member('8', membershipFact('3', '4'))
      .converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([department(world, '3')]);
    expect(userOf(world, '8')?.departmentIds).toEqual([world.target.defaultDepartmentId]);
    expect(world.work.get('person/7')).toMatchObject({ state: 'waiting', code: 'DEPARTMENT_NAME_TAKEN', on: 'unit/4' });
    world.unit('2', unitFact({ parentId: '1', name: 'Far north' })).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([department(world, '4'), department(world, '3')]);
    expect(userOf(world, '8')?.departmentIds).toEqual([department(world, '4')]);
    expect(world.work.size).toBe(0);
  });

  test('people of a unit below a parked one do not wait for it either', () => {
    const world = acme()
      .unit('4', unitFact({ parentId: '1', name: 'North' }))
      .unit('40', unitFact({ parentId: '4' }));
    world.converge();
    world.person('7', personFact({})).member('7', membershipFact('1', '40')).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([world.target.defaultDepartmentId]);
  });

  test('a person whose last unit has gone: default department', () => {
    const world = withAda();
    world.unit('2', deletedUnit).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([world.target.defaultDepartmentId]);
    expect(world.refusals).toEqual([]);
    expect(world.work.size).toBe(0);
  });

  test('membership of a Ziik department is no department of ours', () => {
    const world = acme()
      .unit('4', unitFact({ parentId: '2', isDepartment: true }))
      .person('7', personFact({}));
    world.member('7', membershipFact('1', '4')).member('7', membershipFact('2', '3')).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([department(world, '3')]);
  });
});

describe('decided 8: adoption of an existing user', () => {
  const existing = (world: World, user: Partial<ModelUser> = {}): number =>
    world.target.addUser({ email: 'ADA@example.com', ...user });

  test('by e-mail, case-insensitively; then brought into step; foreign permission types and job profile stay', () => {
    const world = acme();
    world.jobProfiles.set('Cook', 700);
    const foreign = world.target.addType('Editor');
    const id = existing(world, { permissionTypeIds: [foreign, type(world, '6')], jobProfileId: 555 });
    withAda(world);
    expect(world.links.person.get('7')).toMatchObject({ targetId: id, madeByUs: false });
    expect(userOf(world, '7')).toMatchObject({
      firstName: 'Ada',
      departmentIds: [department(world, '2')],
      permissionTypeIds: [foreign, type(world, '5')],
      jobProfileId: 555,
      language: 'en',
    });
  });

  test('of an adopted permission type it had before, nothing is ours: it stays', () => {
    const world = new World();
    const guard = world.target.addType('Guard');
    world
      .unit('1', unitFact({}))
      .role('9', roleFact({ name: 'Guard' }))
      .converge();
    const id = existing(world, { permissionTypeIds: [guard] });
    world.person('7', personFact({})).member('7', membershipFact('1', '1')).converge();
    expect(world.target.users.get(id)?.permissionTypeIds).toEqual([guard]);
  });

  test.each<[string, string, (world: World) => unknown]>([
    ['linked elsewhere', 'LINKED_ELSEWHERE', (world) => world.linkElsewhere('person', existing(world))],
    ['inactive', 'MATCH_INACTIVE', (world) => existing(world, { active: false })],
    [
      'matched by two people',
      'MATCHED_TWICE',
      (world) => existing(world) && world.person('8', personFact({ firstName: 'Bob' })),
    ],
  ])('an existing user who is %s becomes a match case', (_, code, prepare) => {
    const world = acme();
    prepare(world);
    expect(callsOf(world, withAda)).toEqual([]);
    expect(world.work.get('person/7')).toMatchObject({ state: 'conflict', code });
    expect(world.links.person.size).toBe(0);
  });

  test('our marker: created before a crash, found and linked instead of made twice', () => {
    const world = withAda();
    world.links.person.clear();
    expect(callsOf(world, () => world.mark('person', '7'))).toEqual([]);
    expect(world.links.person.get('7')).toMatchObject({
      madeByUs: true,
      applied: { permissionTypeIds: [type(world, '5')] },
    });
  });
});

describe('decided 9: e-mail', () => {
  test.each([null, '', '  '])(
    'a person without one (%j) is parked with EMAIL_MISSING, and resumes when it has one',
    (email) => {
      const world = acme().person('7', personFact({ email })).converge();
      expect(codeOf(world, '7')).toBe('EMAIL_MISSING');
      world.person('7', personFact({})).converge();
      expect(userOf(world, '7')?.email).toBe('ada@example.com');
    },
  );

  test('two people with one e-mail: the first linked keeps it, the second is parked with EMAIL_TAKEN', () => {
    const world = withAda()
      .person('3', personFact({ email: 'Ada@Example.com' }))
      .converge();
    expect(codeOf(world, '3')).toBe('EMAIL_TAKEN');
    expect(world.refusals).toEqual([]);
    world.person('7', personFact({ email: 'lovelace@example.com' })).converge();
    expect(userOf(world, '3')?.email).toBe('Ada@Example.com');
    expect(world.work.size).toBe(0);
  });

  test('two new people with one e-mail: the lower id comes first, in whatever order they are taken', () => {
    for (const pick of [0, 1]) {
      const world = acme()
        .person('10', personFact({}))
        .person('9', personFact({}))
        .converge(() => pick);
      expect(world.links.person.has('9')).toBe(true);
      expect(codeOf(world, '10')).toBe('EMAIL_TAKEN');
      expect(world.refusals).toEqual([]);
    }
  });

  test('of two new people with one e-mail the active one comes first', () => {
    const world = acme()
      .person('7', personFact({ active: false }))
      .person('8', personFact({}))
      .converge();
    expect(userOf(world, '8')?.active).toBe(true);
    expect(codeOf(world, '7')).toBe('EMAIL_TAKEN');
  });

  test('if the first is inactive it is a match case REHIRE', () => {
    const world = withAda();
    world.person('7', personFact({ active: false })).converge();
    world.person('8', personFact({})).converge();
    expect(world.work.get('person/8')).toMatchObject({ state: 'conflict', code: 'REHIRE' });
  });

  test('an e-mail change follows the link; it never re-matches', () => {
    const world = withAda();
    const id = world.links.person.get('7')!.targetId;
    world.target.addUser({ email: 'other@example.com' });
    world.person('7', personFact({ email: 'third@example.com' })).converge();
    expect(world.links.person.get('7')?.targetId).toBe(id);
    expect(world.outcome('person', '7').kind).toBe('settled');
  });

  test("an address handed from one person to another in one go waits for the first person's change", () => {
    const world = withAda()
      .person('8', personFact({ email: 'bob@example.com' }))
      .converge();
    world.person('8', personFact({})).person('7', personFact({ email: 'lovelace@example.com' }));
    expect(world.outcome('person', '8')).toEqual({ kind: 'wait', on: { kind: 'person', id: '7' } });
    world.converge();
    expect(userOf(world, '8')?.email).toBe('ada@example.com');
    expect([world.refusals, world.work.size]).toEqual([[], 0]);
  });

  test('two people who exchange addresses are parked, not tried for ever', () => {
    const world = withAda()
      .person('8', personFact({ email: 'bob@example.com' }))
      .converge();
    world
      .person('8', personFact({}))
      .person('7', personFact({ email: 'bob@example.com' }))
      .converge();
    expect([codeOf(world, '7'), codeOf(world, '8')]).toEqual(['EMAIL_TAKEN', 'EMAIL_TAKEN']);
    expect(world.refusals).toEqual([]);
  });
});

describe('decided 10: leavers', () => {
  const ways = [
    ['deactivated', personFact({ active: false })],
    ['deleted', deletedPerson],
    ['anonymised', personFact({ firstName: 'X', lastName: 'X', email: 'x@x', anonymised: true })],
    ['expired', personFact({ expiresAtMs: 999_999 })],
  ] as const;

  test.each(ways)('%s: the only action is deactivate; no other field is written', (_, fact) => {
    const world = withAda();
    const before = { ...userOf(world, '7') };
    expect(callsOf(world, () => world.person('7', fact))).toEqual(['user.deactivate']);
    expect(userOf(world, '7')).toEqual({ ...before, active: false });
    expect(callsOf(world, () => world.mark('person', '7'))).toEqual([]);
  });

  test.each(ways)('%s: no validation, clash or wait may hold it', (_, fact) => {
    const world = withAda()
      .person('8', personFact({ email: 'b@example.com' }))
      .converge();
    world.member('7', membershipFact('5', 'unknown', { rejectedCode: 'FACT_INVALID', roles: ['unknown'] }));
    world.unit('1', deletedUnit);
    const broken = {
      firstName: null,
      lastName: 'x'.repeat(300),
      email: 'b@example.com',
      rejectedCode: 'FACT_INVALID',
    } as const;
    world.person('7', { ...fact, ...broken });
    expect(world.outcome('person', '7')).toMatchObject({ actions: [{ op: 'user.deactivate' }] });
  });

  test('expires_at in the future changes nothing', () => {
    const world = withAda();
    expect(callsOf(world, () => world.person('7', personFact({ expiresAtMs: 1_000_001 })))).toEqual([]);
    world.nowMs = 1_000_001;
    expect(callsOf(world, () => world.mark('person', '7'))).toEqual(['user.deactivate']);
  });

  test.each([ways[1], ways[2]])('never linked and %s: not created', (_, fact) => {
    const world = acme();
    expect(callsOf(world, () => world.person('7', fact))).toEqual([]);
    expect(world.work.size).toBe(0);
  });

  test('never linked and merely inactive: created inactive; with the switch off not at all', () => {
    const world = acme();
    expect(callsOf(world, () => world.person('7', personFact({ active: false })))).toEqual(['user.create']);
    expect(userOf(world, '7')?.active).toBe(false);
    world.settings = { ...world.settings, createInactive: false };
    expect(callsOf(world, () => world.person('8', personFact({ active: false, email: 'b@b' })))).toEqual([]);
  });

  test('reactivated (same id): the linked user is reactivated, departments and permission types restored', () => {
    const world = withAda();
    world.person('7', personFact({ active: false })).converge();
    world.member('7', membershipFact('1', '3', { roles: ['6'] })).converge();
    expect(userOf(world, '7')?.departmentIds, 'nothing is written meanwhile').toEqual([department(world, '2')]);
    const calls = callsOf(world, () => world.person('7', personFact({ lastName: 'King' })));
    expect(calls).toEqual(['user.reactivate', 'user.update', 'user.departments', 'user.permissions']);
    expect(userOf(world, '7')).toMatchObject({
      active: true,
      lastName: 'King',
      departmentIds: [department(world, '3')],
      permissionTypeIds: [type(world, '6')],
    });
  });

  test('back after the department and the permission type are gone: nothing names what is no more', () => {
    const world = withAda();
    world.person('7', personFact({ active: false })).converge();
    world
      .leave('1')
      .unit('2', deletedUnit)
      .role('5', { ...roleFact({}), deleted: true })
      .converge();
    expect(world.links.role.has('5')).toBe(false);
    expect(callsOf(world, () => world.person('7', personFact({})))).toEqual(['user.reactivate', 'user.departments']);
    expect(world.links.person.get('7')?.applied.permissionTypeIds).toEqual([]);
  });

  test('a deleted site holds even leavers: nothing is sent', () => {
    const world = withAda().person('7', deletedPerson);
    world.tenantGone = true;
    expect(world.outcome('person', '7')).toEqual({ kind: 'halt', code: 'TENANT_GONE' });
  });

  test('a fact that is missing removes nobody', () => {
    const world = withAda();
    world.people.delete('7');
    expect(callsOf(world, () => world.mark('person', '7'))).toEqual([]);
  });
});

describe('decided 15: protected identities', () => {
  function protectedAda(): World {
    const world = withAda();
    world.settings = { ...world.settings, protectedEmails: ['ADA@example.com'] };
    return world;
  }

  test.each<[string, (world: World) => unknown]>([
    ['deactivated', (world) => world.person('7', personFact({ active: false }))],
    ['deactivated by a deletion', (world) => world.person('7', deletedPerson)],
    ['moved', (world) => world.member('7', membershipFact('1', '3', { roles: ['5'] }))],
    ['stripped', (world) => world.member('7', membershipFact('1', '2'))],
    ['given another address', (world) => world.person('7', personFact({ email: 'x@example.com' }))],
  ])('are never %s', (_, change) => {
    const world = protectedAda();
    expect(callsOf(world, () => change(world))).toEqual([]);
    expect(codeOf(world, '7')).toBe('PROTECTED');
  });

  test('names follow and permission types are given all the same', () => {
    const world = protectedAda();
    world.person('7', personFact({ firstName: 'Augusta' }));
    const calls = callsOf(world, () => world.member('7', membershipFact('1', '3', { roles: ['6'] })));
    expect(calls).toEqual(['user.update', 'user.permissions']);
    expect(userOf(world, '7')?.permissionTypeIds).toEqual([type(world, '5'), type(world, '6')]);
    expect(codeOf(world, '7')).toBe('PROTECTED');
  });
});

describe('decided 16: departments the user had besides', () => {
  test('departments are set to the memberships', () => {
    const world = acme();
    const foreign = world.target.addDepartment({ name: 'Works council' });
    world.target.addUser({ email: 'ada@example.com', departmentIds: [foreign] });
    withAda(world);
    expect(userOf(world, '7')?.departmentIds).toEqual([department(world, '2')]);
  });

  test('switch keepForeignDepartments: they stay, behind ours, while ours follow the memberships', () => {
    const world = acme();
    world.settings = { ...world.settings, keepForeignDepartments: true };
    const foreign = world.target.addDepartment({ name: 'Works council' });
    world.target.addUser({ email: 'ada@example.com', departmentIds: [foreign, department(world, '3')] });
    withAda(world);
    expect(userOf(world, '7')?.departmentIds).toEqual([department(world, '2'), foreign]);
    world.member('7', membershipFact('1', '3', { roles: ['5'] })).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([department(world, '3'), foreign]);
    expect(world.work.size).toBe(0);
  });

  test('an adopted department whose unit is deleted does not become a foreign one', () => {
    const world = new World();
    world.settings = { ...world.settings, keepForeignDepartments: true };
    world.target.addDepartment({ name: 'North' });
    world
      .unit('1', unitFact({}))
      .unit('2', unitFact({ parentId: '1', name: 'North' }))
      .role('5', roleFact({}));
    withAda(world);
    world.unit('2', deletedUnit).converge();
    expect(userOf(world, '7')?.departmentIds).toEqual([world.target.defaultDepartmentId]);
    expect(world.links.unit.has('2')).toBe(false);
  });
});

describe('values', () => {
  test.each([
    ['first name of 256 characters', { firstName: 'x'.repeat(256) }, 'VALUE_TOO_LONG'],
    ['last name of 10,000 characters', { lastName: 'x'.repeat(10_000) }, 'VALUE_TOO_LONG'],
    ['e-mail of 255 characters', { email: `${'x'.repeat(251)}@x.y` }, 'VALUE_TOO_LONG'],
    ['neither first nor last name', { firstName: ' ', lastName: null }, 'FACT_INVALID'],
    ['rejected fact', { rejectedCode: 'FACT_INVALID' as const }, 'FACT_INVALID'],
  ])('%s parks the person', (_, fact, code) => {
    expect(withAda().person('7', personFact(fact)).outcome('person', '7')).toMatchObject({ kind: 'park', code });
  });

  test('values are trimmed before they are measured and written; one missing name is written as -', () => {
    const world = acme().person(
      '7',
      personFact({ firstName: ` ${'\u0645'.repeat(255)} `, lastName: ' ', email: ' a@b ' }),
    );
    world.converge();
    expect(userOf(world, '7')).toMatchObject({ firstName: '\u0645'.repeat(255), lastName: '-', email: 'a@b' });
  });

  test('a rejected membership, and a rejected assignment of the first one, park the person', () => {
    const rejectedCode = 'FACT_INVALID' as const;
    const world = withAda().member('7', membershipFact('2', '3', { rejectedCode }));
    expect(world.outcome('person', '7')).toEqual({ kind: 'park', code: rejectedCode });
    const role = { id: '1', ordinal: 0, roleId: '5', rejectedCode };
    world.leave('2').member('7', { ...membershipFact('1', '2'), assignments: [role] });
    expect(world.outcome('person', '7')).toEqual({ kind: 'park', code: rejectedCode });
  });
});
