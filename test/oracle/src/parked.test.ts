import { expect, test } from 'vitest';
import { cleanScene, now, person, tenant, user, type Scene } from './clean-scene.ts';
import { compareSite } from './compare.ts';
import type { OracleOptions } from './context.ts';

function findings(change: (scene: Scene) => void, options: OracleOptions = {}) {
  const scene = cleanScene();
  change(scene);
  const { mismatches, parked } = compareSite(tenant, scene.site, scene.state, { now, ...options });
  return {
    mismatches: mismatches.map((one) => `${one.kind} ${one.sourceId} ${one.field}`),
    parked: parked
      .map((one) => `${one.kind} ${one.sourceId} ${one.code}`)
      .filter((one) => one !== 'person 4 EMAIL_MISSING'),
  };
}

const unit = (id: string, parentId: string | null, name: string | null) => ({
  id,
  parentId,
  name,
  unitType: 'unit',
  deleted: false,
});
const long = 'ø'.repeat(256);
const dropUser = (scene: Scene, id: number) => {
  scene.state.users = scene.state.users.filter((one) => one.id !== id);
};

/** What the rules keep back may be absent, and is reported as such: no mismatch, one parked object. */
const kept: [law: string, parked: string[], change: (scene: Scene) => void, options?: OracleOptions][] = [
  [
    'the second of two siblings of one name, and its people wait in their other departments',
    ['unit 30 DEPARTMENT_NAME_TAKEN'],
    ({ site }) => {
      site.units.push(unit('30', '2', 'Shop'));
      site.people[0]?.memberships.push({ id: '90', unitId: '30', roleIds: [] });
    },
  ],
  [
    'what is below it',
    ['unit 30 DEPARTMENT_NAME_TAKEN', 'unit 31 WAITING'],
    ({ site }) => site.units.push(unit('30', '2', ' Shop '), unit('31', '30', 'Till')),
  ],
  [
    'a unit whose name a foreign department has under another parent than when it was linked',
    ['unit 4 DEPARTMENT_NAME_TAKEN'],
    ({ site }) => (site.units[3]!.name = 'Trainers'),
  ],
  ['a unit without a name', ['unit 30 NAME_MISSING'], ({ site }) => site.units.push(unit('30', '2', '  '))],
  ['a unit of 256 characters', ['unit 30 VALUE_TOO_LONG'], ({ site }) => site.units.push(unit('30', '2', long))],
  ['a unit whose parent is not there', ['unit 30 WAITING'], ({ site }) => site.units.push(unit('30', '99', 'Lost'))],
  [
    'a deleted unit whose department has foreign users',
    ['unit 4 DEPARTMENT_NOT_EMPTY'],
    ({ site, state }) => {
      site.units[3]!.deleted = true;
      state.users.push(user(1031, null, { departmentIds: [104] }));
      state.users[1]!.departmentIds = [106];
    },
  ],
  [
    'a deleted unit whose department has a foreign department below it',
    ['unit 4 DEPARTMENT_NOT_EMPTY'],
    ({ site, state }) => {
      site.units[3]!.deleted = true;
      state.departments.push({ id: 131, name: 'Theirs', parentId: 104, isTop: false, externalId: null });
      state.users[1]!.departmentIds = [106];
    },
  ],
  [
    'a role with the name of a built-in permission type',
    ['role 4 PERMISSION_TYPE_HAS_RIGHTS'],
    ({ site }) => site.roles.push({ id: '4', name: 'Owner', deleted: false }),
  ],
  [
    'the second role of one name',
    ['role 4 PERMISSION_TYPE_NAME_TAKEN'],
    ({ site }) => site.roles.push({ id: '4', name: 'Seller', deleted: false }),
  ],
  [
    'a role without a name',
    ['role 4 NAME_MISSING'],
    ({ site }) => site.roles.push({ id: '4', name: null, deleted: false }),
  ],
  [
    'the second of two people with one e-mail',
    ['person 10 EMAIL_TAKEN'],
    ({ site }) => site.people.push(person('10', { email: ' P1@SEVEN.example' })),
  ],
  [
    'a new person with the e-mail of an inactive one',
    ['person 10 EMAIL_TAKEN'],
    ({ site }) => site.people.push(person('10', { email: 'p3@seven.example' })),
  ],
  [
    'a new person with the e-mail of one whose row is gone',
    ['person 10 EMAIL_TAKEN'],
    ({ site, state }) => {
      site.people.push(person('10', { email: 'gone@seven.example' }));
      state.users.push(user(1031, '77', { email: 'gone@seven.example', isActive: false }));
    },
  ],
  [
    'an e-mail that another tenant’s user has',
    ['person 10 EMAIL_TAKEN'],
    ({ site, state }) => {
      site.people.push(person('10'));
      state.users.push(user(1031, null, { email: 'p10@seven.example', externalId: 'eu1.8:person:3' }));
    },
  ],
  [
    'a linked person whose new e-mail a foreign user has',
    ['person 1 EMAIL_TAKEN'],
    ({ site }) => (site.people[0]!.email = 'u1020@elsewhere.example'),
  ],
  [
    'an inactive user of the same e-mail who was there before us',
    ['person 10 MATCH_INACTIVE'],
    ({ site, state }) => {
      site.people.push(person('10'));
      state.users.push(user(1031, null, { email: 'p10@seven.example', isActive: false }));
    },
  ],
  [
    'a user of before us whom two people match',
    ['person 10 MATCHED_TWICE', 'person 11 MATCHED_TWICE'],
    ({ site, state }) => {
      site.people.push(person('10'), person('11', { email: 'p10@seven.example' }));
      state.users.push(user(1031, null, { email: 'p10@seven.example' }));
    },
  ],
  [
    'a person without a name',
    ['person 10 NAME_MISSING'],
    ({ site }) => site.people.push(person('10', { lastName: null })),
  ],
  [
    'a name of 256 characters',
    ['person 10 VALUE_TOO_LONG'],
    ({ site }) => site.people.push(person('10', { firstName: long })),
  ],
  ['what is no e-mail', ['person 10 EMAIL_INVALID'], ({ site }) => site.people.push(person('10', { email: 'none' }))],
  [
    'a member of a unit that is not there',
    ['person 10 WAITING'],
    ({ site }) => site.people.push(person('10', { memberships: [{ id: '90', unitId: '99', roleIds: [] }] })),
  ],
  [
    'somebody with a role that is not there',
    ['person 1 WAITING'],
    ({ site, state }) => {
      site.people[0]!.memberships[0]!.roleIds.unshift('99');
      state.users[0]!.permissionTypeIds = [];
    },
  ],
  [
    'a protected identity, active or not',
    ['person 1 PROTECTED', 'person 3 PROTECTED'],
    ({ state }) => {
      state.users[0]!.departmentIds = [101];
      state.users[2]!.isActive = true;
    },
    { protectedEmails: ['P1@seven.example', 'p3@seven.example'] },
  ],
];

test.each(kept)('keeps back %s', (_law, parked, change, options) => {
  expect(findings(change, options)).toEqual({ mismatches: [], parked });
});

/** Not kept back: the findings stand although something of the sort is near. */
const strict: [law: string, mismatch: string, change: (scene: Scene) => void, options?: OracleOptions][] = [
  [
    'the only department of two siblings of one name is missing',
    'unit 30 exists',
    ({ site }) => site.units.push(unit('30', '2', 'Stall'), unit('31', '2', 'Stall')),
  ],
  [
    'a deleted unit’s department still holds the name that another wants',
    'unit 3 name',
    ({ site }) => {
      site.units[3]!.deleted = true;
      site.units[2]!.name = 'Bakery';
    },
  ],
  [
    'nobody got the e-mail that two want',
    'person 10 exists',
    ({ site }) => site.people.push(person('10'), person('11', { email: 'p10@seven.example' })),
  ],
  [
    'a linked, adopted person was reactivated at the source alone',
    'person 2 isActive',
    ({ state }) => (state.users[1]!.isActive = false),
    { linkedPersonIds: new Set(['2']) },
  ],
  [
    'a member of a deleted unit is in no department of its others',
    'person 2 departments',
    ({ state }) => (state.users[1]!.departmentIds = [109]),
  ],
  [
    'a deleted branch is still there, one inside the other',
    'unit 2 exists',
    ({ site, state }) => {
      for (const id of ['2', '3', '4']) site.units.find((one) => one.id === id)!.deleted = true;
      state.departments = state.departments.filter((one) => one.id !== 120);
      state.users = state.users.filter((one) => one.id !== 1020);
    },
  ],
];

test.each(strict)('finds that %s', (_law, mismatch, change, options) => {
  expect(findings(change, options).mismatches).toContain(mismatch);
});

test('a deleted person with the address of a user who was there before us is left alone', () => {
  const result = findings(({ site, state }) => {
    site.people.push(person('10', { deleted: true }));
    state.users.push(user(1031, null, { email: 'p10@seven.example', departmentIds: [120] }));
  });
  expect(result).toEqual({ mismatches: [], parked: [] });
});

test('an inactive person may be absent', () => {
  expect(findings((scene) => dropUser(scene, 1003))).toEqual({ mismatches: [], parked: [] });
});

test('with foreign departments kept, they are no difference', () => {
  const change = ({ state }: Scene) => state.users[0]!.departmentIds.push(120);
  expect(findings(change, { keepForeignDepartments: true })).toEqual({ mismatches: [], parked: [] });
});

test('Unique Units: the id is in the name, and equal siblings stand side by side', () => {
  const result = findings(
    ({ site, state }) => {
      site.units.push(unit('30', '2', 'Shop'));
      for (const department of state.departments) {
        const id = { 102: '2', 103: '3', 104: '4', 105: '5', 106: '6' }[department.id];
        if (id) department.name += ` (${id})`;
      }
      state.departments.push({
        id: 131,
        name: 'Shop (30)',
        parentId: 102,
        isTop: false,
        externalId: `${tenant}:unit:30`,
      });
    },
    { uniqueUnits: true },
  );
  expect(result).toEqual({ mismatches: [], parked: [] });
});

test('a tenant whose site is gone is not compared', () => {
  expect(findings(({ site }) => (site.exists = false))).toEqual({ mismatches: [], parked: ['tenant 7 TENANT_GONE'] });
});
