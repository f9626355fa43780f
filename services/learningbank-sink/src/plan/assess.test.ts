import { describe, expect, test } from 'vitest';
import { defaultSettings, type IntegrationSettings } from '@orgstream/core';
import type { Assessment, ObjectKind } from '../model.ts';
import { assess } from './assess.ts';
import {
  deletedPerson,
  deletedRole,
  deletedUnit,
  membershipFact,
  personFact,
  roleFact,
  unitFact,
} from './test-support/facts.ts';
import { World } from './test-support/world.ts';

/** Units 1 (top), 2 "North", 3 "South" below 2; roles 5, 6; person 7 in North as Cook. Nothing is applied yet. */
function acme(): World {
  const world = new World().unit('1', unitFact({ name: 'Acme' })).unit('2', unitFact({ parentId: '1', name: 'North' }));
  world.unit('3', unitFact({ parentId: '2', name: 'South' }));
  world.role('5', roleFact({ name: 'Cook' })).role('6', roleFact({ name: 'Waiter' }));
  return world.person('7', personFact({})).member('7', membershipFact('1', '2', { roles: ['5'] }));
}

const of = (world: World, key: string): Assessment => {
  const [kind, id] = key.split('/') as [ObjectKind, string];
  return assess(world.input({ kind, id }), world.policy());
};

const at = (world: World, settings: Partial<IntegrationSettings>): World =>
  Object.assign(world, { settings: { ...defaultSettings, ...settings } });

describe('operations', () => {
  test('of a first sync: nothing waits, the top department is adopted', () => {
    const world = acme();
    const operations = ['unit/1', 'unit/2', 'unit/3', 'role/5', 'person/7'].map((key) => of(world, key).operations);
    expect(operations).toEqual([['adopt'], ['create'], ['create'], ['create'], ['create']]);
  });

  test.each<[string, string, (world: World) => unknown, Partial<Assessment>]>([
    ['nothing', 'person/7', () => {}, { operations: [] }],
    ['a unit renamed', 'unit/3', (w) => w.unit('3', unitFact({ parentId: '2', name: 'S' })), { operations: ['rename'] }],
    ['a unit moved', 'unit/3', (w) => w.unit('3', unitFact({ parentId: '1', name: 'South' })), { operations: ['move'] }],
    ['a unit moved below one that is not made yet', 'unit/3', (w) => w.unit('4', unitFact({ parentId: '1', name: 'West' })).unit('3', unitFact({ parentId: '4', name: 'South' })), { operations: ['move'] }],
    ['a unit deleted that has a child and people', 'unit/2', (w) => w.unit('2', deletedUnit), { operations: ['delete'], code: null }],
    ['a role renamed', 'role/5', (w) => w.role('5', roleFact({ name: 'Chef' })), { operations: ['rename'] }],
    ['a role deleted that people have', 'role/5', (w) => w.role('5', deletedRole), { operations: ['delete'], code: null }],
    ['a person of a deleted role', 'person/7', (w) => w.role('5', deletedRole), { operations: ['permission_removed'] }],
    ['a person renamed', 'person/7', (w) => w.person('7', personFact({ lastName: 'King' })), { operations: ['rename'], before: { firstName: 'Ada', lastName: 'Lovelace' }, after: { firstName: 'Ada', lastName: 'King' } }],
    ['another e-mail', 'person/7', (w) => w.person('7', personFact({ email: 'b@example.com' })), { operations: ['email_changed'] }],
    ['another unit', 'person/7', (w) => w.member('7', membershipFact('1', '3', { roles: ['5'] })), { operations: ['move'], before: { firstName: 'Ada', lastName: 'Lovelace', departments: ['unit/2'] }, after: { firstName: 'Ada', lastName: 'Lovelace', departments: ['unit/3'] } }],
    ['no unit any more', 'person/7', (w) => w.leave('1'), { operations: ['move', 'permission_removed'], after: { firstName: 'Ada', lastName: 'Lovelace', departments: ['default'], permissionTypes: [] } }],
    ['a unit nobody has heard of yet', 'person/7', (w) => w.member('7', membershipFact('2', '99')), { operations: ['move'], code: null }],
    ['another role', 'person/7', (w) => w.member('7', membershipFact('1', '2', { roles: ['6'] })), { operations: ['permission_added', 'permission_removed'], before: { firstName: 'Ada', lastName: 'Lovelace', permissionTypes: ['5'] }, after: { firstName: 'Ada', lastName: 'Lovelace', permissionTypes: ['6'] } }],
    ['deactivated', 'person/7', (w) => w.person('7', personFact({ active: false })), { operations: ['deactivate'], before: { firstName: 'Ada', lastName: 'Lovelace', active: true }, after: { firstName: 'Ada', lastName: 'Lovelace', active: false } }],
    ['deleted', 'person/7', (w) => w.person('7', deletedPerson), { operations: ['deactivate'] }],
    ['back again elsewhere', 'person/7', (w) => w.person('7', personFact({ active: false })).converge().person('7', personFact({})).member('7', membershipFact('1', '3', { roles: ['5'] })), { operations: ['reactivate', 'move'] }],
    ['a job profile of the new role', 'person/7', (w) => (w.jobProfiles.set('Waiter', 42), w.member('7', membershipFact('1', '2', { roles: ['6'] }))), { operations: ['permission_added', 'permission_removed', 'job_profile_changed'] }],
  ])('%s', (_, key, change, expected) => {
    const world = acme().converge();
    change(world);
    expect(of(world, key)).toMatchObject(expected);
    expect(world.refusals).toEqual([]);
  }); // prettier-ignore

  test('what is found at the target is adopted, with what differs then', () => {
    const world = acme().unit('1', unitFact({})).converge();
    const user = world.target.addUser({ email: 'new@example.com' });
    world.person('8', personFact({ email: 'new@example.com' })).member('8', membershipFact('9', '3'));
    const { firstName, lastName, email, departmentIds } = world.target.users.get(user)!;
    const applied = {
      firstName,
      lastName,
      email,
      active: true,
      departmentIds,
      permissionTypeIds: [],
      jobProfileId: null,
      jobProfileRoles: [],
    };
    const candidates = [{ targetId: user, externalId: null, linkedBy: null, applied }];
    expect(of(world, 'person/8').operations).toEqual(['create']);
    const known = assess({ ...world.input({ kind: 'person', id: '8' }), candidates }, world.policy());
    expect(known).toMatchObject({
      operations: ['adopt', 'move', 'rename'],
      code: null,
      hash: of(world, 'person/8').hash,
    });
    expect(known.before).toMatchObject({ firstName: 'F', departments: ['default'] });
  });

  test('candidates of a unit whose parent has no department yet are those below the one it will get', () => {
    const world = acme();
    const candidates = [{ targetId: 70, externalId: null, linkedBy: null, applied: { name: 'South', parentId: 69 } }];
    const input = { ...world.input({ kind: 'unit', id: '3' }), candidates };
    expect(assess(input, world.policy()).operations).toEqual(['adopt']);
  });
});

describe('what stands still', () => {
  test.each<[string, string, (world: World) => unknown, Partial<Assessment>]>([
    ['a person without an e-mail', 'person/7', (w) => w.person('7', personFact({ email: null })), { operations: [], blocked: [], code: 'EMAIL_MISSING' }],
    ['a rejected fact', 'unit/2', (w) => w.unit('2', unitFact({ rejectedCode: 'FACT_INVALID' })), { operations: [], code: 'FACT_INVALID' }],
    ['an address that another one keeps', 'person/7', (w) => w.person('8', personFact({ email: 'b@example.com' })).converge().person('7', personFact({ email: 'b@example.com', lastName: 'King' })), { operations: [], blocked: ['rename', 'email_changed'], code: 'EMAIL_TAKEN' }],
    ['an address that another one hands over', 'person/7', (w) => w.person('8', personFact({ email: 'b@example.com' })).converge().person('8', personFact({ email: 'c@example.com' })).person('7', personFact({ email: 'b@example.com' })), { operations: ['email_changed'], blocked: [], code: null }],
    ['a protected leaver', 'person/7', (w) => at(w, { protectedEmails: ['ada@example.com'] }).person('7', deletedPerson), { operations: [], blocked: ['deactivate'], code: 'PROTECTED' }],
    ['a protected person renamed and moved', 'person/7', (w) => at(w, { protectedEmails: ['ada@example.com'] }).person('7', personFact({ lastName: 'King' })).leave('1'), { operations: ['rename'], code: null }],
    ['a sibling of the same name', 'unit/4', (w) => w.unit('4', unitFact({ parentId: '1', name: 'North' })), { operations: [], blocked: ['create'], code: 'DEPARTMENT_NAME_TAKEN' }],
    ['a unit below it', 'unit/9', (w) => w.unit('4', unitFact({ parentId: '1', name: 'North' })).unit('9', unitFact({ parentId: '4', name: 'Below' })).converge(), { operations: ['create'], code: null }],
    ['a person in it, brought as far as it goes', 'person/7', (w) => w.unit('4', unitFact({ parentId: '1', name: 'North' })).member('7', membershipFact('2', '4')).converge(), { operations: [], blocked: ['move'], code: 'DEPARTMENT_NAME_TAKEN' }],
    ['a new person in it', 'person/8', (w) => w.unit('4', unitFact({ parentId: '1', name: 'North' })).converge().person('8', personFact({ email: 'b@example.com' })).member('8', membershipFact('2', '4')), { operations: ['create'], code: null }],
    ['a role with the name of a built-in permission type, found', 'role/9', (w) => w.role('9', roleFact({ name: 'Owner' })), { operations: ['create'] }],
    ['a deleted site', 'person/7', (w) => Object.assign(w.person('7', deletedPerson), { tenantGone: true }), { operations: [], blocked: ['deactivate'], code: 'TENANT_GONE' }],
    ['a top unit that is gone', 'unit/3', (w) => w.unit('1', deletedUnit).unit('3', unitFact({ parentId: '2', name: 'S' })), { operations: [], blocked: ['rename'], code: 'TOP_UNIT_CHANGED' }],
    ['a leaver all the same', 'person/7', (w) => w.unit('1', deletedUnit).person('7', deletedPerson), { operations: ['deactivate'], code: null }],
  ])('%s', (_, key, change, expected) => {
    const world = acme().converge();
    change(world);
    expect(of(world, key)).toMatchObject(expected);
  }); // prettier-ignore

  test('near misses of job profiles are hints', () => {
    const world = acme();
    world.jobProfiles.set('cook', 42);
    const hint = { code: 'JOB_PROFILE_NEAR_MISS', roleId: '5', jobProfileId: 42 };
    expect(of(world, 'person/7').hints).toEqual([hint]);
    expect(of(world.converge(), 'person/7').hints, 'afterwards too').toEqual([hint]);
    world.jobProfiles.set('Cook', 43);
    expect(of(world, 'person/7').hints).toEqual([]);
  });
});

describe('the fingerprint', () => {
  test.each<[string, string, (world: World) => unknown]>([
    ['a name', 'person/7', (w) => w.person('7', personFact({ lastName: 'King' }))],
    ['an e-mail', 'person/7', (w) => w.person('7', personFact({ email: 'b@example.com' }))],
    ['the units', 'person/7', (w) => w.member('7', membershipFact('2', '3'))],
    ['the primary unit', 'person/7', (w) => w.member('7', membershipFact('2', '3', { ordinal: 0 }))],
    ['the roles', 'person/7', (w) => w.member('7', membershipFact('1', '2', { roles: ['5', '6'] }))],
    ['the order of the roles', 'person/7', (w) => w.member('7', membershipFact('1', '2', { roles: ['6', '5'] }))],
    ['the active flag', 'person/7', (w) => w.person('7', personFact({ active: false }))],
    ['keepForeignDepartments', 'person/7', (w) => at(w, { keepForeignDepartments: true })],
    ['updateJobProfile', 'person/7', (w) => at(w, { updateJobProfile: false })],
    ['uniqueUnits', 'unit/2', (w) => at(w, { uniqueUnits: true })],
    ['a parent', 'unit/3', (w) => w.unit('3', unitFact({ parentId: '1', name: 'South' }))],
    ['a deletion', 'role/5', (w) => w.role('5', deletedRole)],
  ])('changes with %s', (_, key, change) => {
    const world = acme().member('7', membershipFact('1', '2', { roles: ['5'] })).converge();
    const { hash } = of(world, key);
    change(world);
    expect(of(world, key).hash).not.toBe(hash);
  }); // prettier-ignore

  test.each<[string, string, (world: World) => unknown]>([
    ['what is applied', 'person/7', (w) => w.converge()],
    ['a unit of the person renamed', 'person/7', (w) => w.unit('2', unitFact({ parentId: '1', name: 'Else' }))],
    ['a role of the person renamed', 'person/7', (w) => w.role('5', roleFact({ name: 'Else' }))],
    ['job profiles that come and go', 'person/7', (w) => w.jobProfiles.set('Cook', 1)],
    ['the language', 'person/7', (w) => w.person('7', personFact({ language: 'pl' }))],
    ['outer blanks', 'person/7', (w) => w.person('7', personFact({ firstName: ' Ada ' }))],
    ['settings of others', 'person/7', (w) => at(w, { uniqueUnits: true, protectedEmails: ['ada@example.com'] })],
    ['a parked unit of the person', 'person/7', (w) => w.unit('0', unitFact({ parentId: '1', name: 'North' })).converge()],
    ['users at the target', 'person/7', (w) => w.target.addUser({ email: 'ada@example.com' })],
  ])('is the same whatever becomes of %s', (_, key, change) => {
    const world = acme();
    const { hash } = of(world, key);
    change(world);
    expect(of(world, key).hash).toBe(hash);
  }); // prettier-ignore

  test('leavers have one, whoever they are and however they left, linked or not', () => {
    const world = acme()
      .person('8', personFact({ email: 'b@example.com' }))
      .converge();
    world.person('7', deletedPerson).person('8', personFact({ email: 'c@example.com', expiresAtMs: 1 }));
    world.person('9', personFact({ email: 'd@example.com', active: false }));
    const hashes = () => new Set(['person/7', 'person/8', 'person/9'].map((key) => of(world, key).hash));
    expect(hashes().size).toBe(1);
    const [before] = hashes();
    world.converge();
    expect([...hashes()]).toEqual([before]);
  });
});
