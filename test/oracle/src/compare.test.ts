import { expect, test } from 'vitest';
import { cleanScene, now, person, tenant, user, type Scene } from './clean-scene.ts';
import { compareSite } from './compare.ts';
import type { OracleOptions } from './context.ts';
import { formatReport } from './report.ts';

function compare(change: (scene: Scene) => void, options: OracleOptions = {}) {
  const scene = cleanScene();
  change(scene);
  return compareSite(tenant, scene.site, scene.state, { now, ...options });
}

const byId = <T extends { id: string | number }>(list: T[], id: T['id']): T => {
  const found = list.find((one) => one.id === id);
  if (!found) throw new Error(`no ${id}`);
  return found;
};
const remove = <T extends { id: string | number }>(list: T[], id: T['id']) =>
  void list.splice(list.indexOf(byId(list, id)), 1);

test('a platform in step has no findings, and everything was looked at', () => {
  const result = compare(() => {}, { jobProfiles: true, languages: true, topDepartmentName: 'Learning at Seven' });
  expect(result).toMatchObject({ mismatches: [], duplicates: [], people: 7, units: 6, roles: 2 });
  expect(result.parked).toEqual([{ kind: 'person', sourceId: '4', code: 'EMAIL_MISSING' }]);
  // 6 units, 2 roles, and of 9 people all but the one without e-mail and the anonymised one, who has no user.
  expect(result.compared).toBe(15);
});

/** Each plants one fault into a clean scene; the finding it must give. */
const planted: [law: string, finding: string, change: (scene: Scene) => void, options?: OracleOptions][] = [
  ['a missing department', 'unit 4 exists', ({ state }) => remove(state.departments, 104)],
  ['a missing adopted department', 'unit 5 exists', ({ state }) => remove(state.departments, 105)],
  ['a department not renamed', 'unit 4 name', ({ site }) => (byId(site.units, '4').name = 'Café')],
  ['a name of other case', 'unit 4 name', ({ state }) => (byId(state.departments, 104).name = 'bakery')],
  ['a department not moved', 'unit 4 parent', ({ site }) => (byId(site.units, '4').parentId = '5')],
  ['a department not deleted', 'unit 4 exists', ({ site }) => (byId(site.units, '4').deleted = true)],
  ['a department whose unit row is gone', 'unit 4 exists', ({ site }) => remove(site.units, '4')],
  ['a mirrored Ziik department', 'unit 4 exists', ({ site }) => (byId(site.units, '4').unitType = 'department')],
  [
    'a top unit mirrored twice',
    'unit 1 exists',
    ({ state }) => (byId(state.departments, 109).externalId = `${tenant}:unit:1`),
  ],
  [
    'a changed name of the top department',
    'unit 1 name',
    ({ state }) => (byId(state.departments, 101).name = 'Seven Ltd'),
    { topDepartmentName: 'Learning at Seven' },
  ],
  ['a second top unit', 'tenant 7 topUnits', ({ site }) => (byId(site.units, '5').parentId = null)],
  ['a deleted top unit', 'tenant 7 topUnits', ({ site }) => (byId(site.units, '1').deleted = true)],
  ['a missing permission type', 'role 1 exists', ({ state }) => remove(state.permissionTypes, 21)],
  ['a permission type not renamed', 'role 1 name', ({ site }) => (byId(site.roles, '1').name = 'Vendor')],
  ['a permission type not deleted', 'role 1 exists', ({ site }) => (byId(site.roles, '1').deleted = true)],
  ['a permission type whose role row is gone', 'role 1 exists', ({ site }) => remove(site.roles, '1')],
  ['a missing user', 'person 1 exists', ({ state }) => remove(state.users, 1001)],
  ['a missing adopted user', 'person 2 exists', ({ state }) => remove(state.users, 1002)],
  [
    'a role of a membership whose unit is deleted',
    'person 8 permissionTypes',
    ({ state }) => byId(state.users, 1008).permissionTypeIds.push(21),
  ],
  ['another first name', 'person 1 firstName', ({ site }) => (byId(site.people, '1').firstName = 'Zoë')],
  ['another last name', 'person 2 lastName', ({ state }) => (byId(state.users, 1002).lastName = 'لا')],
  ['another e-mail', 'person 1 email', ({ site }) => (byId(site.people, '1').email = 'new@seven.example')],
  ['an active person inactive', 'person 1 isActive', ({ state }) => (byId(state.users, 1001).isActive = false)],
  ['a deactivated person still active', 'person 3 isActive', ({ state }) => (byId(state.users, 1003).isActive = true)],
  ['a deleted person still active', 'person 5 isActive', ({ state }) => (byId(state.users, 1005).isActive = true)],
  ['an expired person still active', 'person 7 isActive', ({ state }) => (byId(state.users, 1007).isActive = true)],
  ['a person whose row is gone still active', 'person 1 isActive', ({ site }) => remove(site.people, '1')],
  [
    'an anonymised person still active',
    'person 6 isActive',
    ({ state }) => state.users.push(user(1006, '6', { email: 'six@seven.example' })),
  ],
  [
    'a deactivated adopted person still active',
    'person 2 isActive',
    ({ site }) => (byId(site.people, '2').active = false),
  ],
  [
    'a deleted adopted person still active, when known to be linked',
    'person 2 isActive',
    ({ site }) => (byId(site.people, '2').deleted = true),
    { linkedPersonIds: new Set(['2']) },
  ],
  ['a department too few', 'person 2 departments', ({ state }) => (byId(state.users, 1002).departmentIds = [106])],
  [
    'a department too many',
    'person 1 departments',
    ({ state }) => (byId(state.users, 1001).departmentIds = [103, 120]),
  ],
  [
    'a mirrored department too many although foreign ones are kept',
    'person 1 departments',
    ({ state }) => (byId(state.users, 1001).departmentIds = [103, 104]),
    { keepForeignDepartments: true },
  ],
  [
    "another than the first membership's department first",
    'person 2 primaryDepartment',
    ({ state }) => (byId(state.users, 1002).departmentIds = [104, 106]),
  ],
  [
    'somebody without a unit outside the default department',
    'person 8 departments',
    ({ state }) => (byId(state.users, 1008).departmentIds = [101]),
  ],
  [
    'somebody without a unit outside the integration’s own default',
    'person 8 departments',
    () => {},
    { defaultDepartmentId: 120 },
  ],
  [
    'a lacking permission type',
    'person 1 permissionTypes',
    ({ state }) => (byId(state.users, 1001).permissionTypeIds = [23]),
  ],
  [
    'a permission type of ours too many',
    'person 9 permissionTypes',
    ({ state }) => (byId(state.users, 1009).permissionTypeIds = [4, 21]),
  ],
  [
    'permission types of the second membership',
    'person 2 permissionTypes',
    ({ site }) => byId(site.people, '2').memberships.unshift({ id: '10', unitId: '6', roleIds: [] }),
  ],
  [
    'another job profile than the one named after a role',
    'person 1 jobProfile',
    ({ state }) => (byId(state.users, 1001).jobProfileId = 502),
    { jobProfiles: true },
  ],
  [
    'another language',
    'person 1 language',
    ({ state }) => (byId(state.users, 1001).language = 'en'),
    { languages: true },
  ],
  [
    'an inactive person not created, when asked for',
    'person 3 exists',
    ({ state }) => remove(state.users, 1003),
    { inactiveCreated: true },
  ],
  ['plain names under Unique Units', 'unit 2 name', () => {}, { uniqueUnits: true }],
];

test.each(planted)('finds %s', (_law, finding, change, options) => {
  const { mismatches } = compare(change, options);
  expect(mismatches.map((one) => `${one.kind} ${one.sourceId} ${one.field}`)).toContain(finding);
  for (const one of mismatches) expect(one.rule).not.toBe('');
});

const doubled: [law: string, duplicate: object, change: (scene: Scene) => void][] = [
  [
    'two users of one marker',
    { kind: 'person', by: 'marker', value: '1', targetIds: [1001, 1031] },
    ({ state }) => state.users.push(user(1031, '1', { email: null })),
  ],
  [
    'two users of one e-mail',
    { kind: 'person', by: 'email', value: 'p1@seven.example', targetIds: [1001, 1031] },
    ({ state }) => state.users.push(user(1031, null, { email: 'P1@seven.example' })),
  ],
  [
    'two departments of one marker',
    { kind: 'unit', by: 'marker', value: '3', targetIds: [103, 131] },
    ({ state }) => state.departments.push({ ...byId(state.departments, 103), id: 131, name: 'Shop 2' }),
  ],
  [
    'two siblings of one name',
    { kind: 'unit', by: 'name', value: '102 Shop', targetIds: [103, 131] },
    ({ state }) => state.departments.push({ ...byId(state.departments, 103), id: 131, externalId: null }),
  ],
  [
    'two permission types of one marker',
    { kind: 'role', by: 'marker', value: '1', targetIds: [21, 31] },
    ({ state }) => state.permissionTypes.push({ ...byId(state.permissionTypes, 21), id: 31, name: 'Seller 2' }),
  ],
];

test.each(doubled)('finds %s', (_law, duplicate, change) => {
  expect(compare(change).duplicates).toContainEqual(duplicate);
});

test('two units that swapped names without a call are both found', () => {
  const { mismatches } = compare(({ site }) => {
    byId(site.units, '3').name = 'Bakery';
    byId(site.units, '4').name = 'Shop';
  });
  expect(mismatches.map((one) => `${one.sourceId} ${one.field}`)).toEqual(['3 name', '4 name']);
});

test('an e-mail handed over without a call is found at both ends', () => {
  const { mismatches } = compare(({ site }) => {
    byId(site.people, '1').email = 'p9@seven.example';
    byId(site.people, '9').email = 'fresh@seven.example';
  });
  expect(mismatches.map((one) => `${one.sourceId} ${one.field}`)).toEqual(['1 email', '9 email']);
});

test('the report names every finding', () => {
  const result = compare(({ state }) => {
    remove(state.users, 1001);
    state.users.push(user(1031, '9', { email: null }));
  });
  const report = formatReport(result);
  expect(report).toContain('1 mismatches, 1 duplicates');
  expect(report).toContain('person 1 exists: expected true, is false');
  expect(report).toContain('duplicate person by marker 9: target ids 1009, 1031');
  expect(formatReport(result, { maxFindings: 0 })).toContain('… and 2 more');
});

test('objects of another tenant are none of ours', () => {
  const { mismatches, duplicates } = compare(({ state }) => {
    state.users.push(user(1031, null, { externalId: 'eu1.8:person:1', departmentIds: [120] }));
    state.departments.push({ id: 131, name: 'Theirs', parentId: 101, isTop: false, externalId: 'eu1.8:unit:2' });
    state.permissionTypes.push({ id: 31, name: 'Theirs', externalId: 'eu1.8:role:1', isSystem: false });
  });
  expect({ mismatches, duplicates }).toEqual({ mismatches: [], duplicates: [] });
});

test('a person without a row in the platform is not made up for by a namesake', () => {
  const { mismatches } = compare(({ site }) =>
    site.people.push(person('10', { firstName: 'First1', lastName: 'Last1' })),
  );
  expect(mismatches).toMatchObject([{ sourceId: '10', field: 'exists', expected: true, actual: false }]);
});
