import type { Department, PermissionType, User } from '@orgstream/clients';
import { expect, test } from 'vitest';
import type { AppliedPerson } from '../model.ts';
import { type Compared, driftOf, type DriftRules, type Found } from './drift-compare.ts';

const rules: DriftRules = { keepForeignDepartments: false, followUnits: true, isOurs: (id) => id < 100 };
const keeping: DriftRules = { ...rules, keepForeignDepartments: true };

const applied: AppliedPerson = {
  firstName: 'A',
  lastName: 'B',
  email: 'A@example.org',
  active: true,
  departmentIds: [1, 2],
  permissionTypeIds: [5],
  jobProfileId: 7,
  jobProfileRoles: [],
};
const link = (more: Partial<AppliedPerson> = {}): Compared => ({
  kind: 'person',
  madeByUs: true,
  applied: { ...applied, ...more },
});
const user = (more: Partial<User> = {}): Found =>
  ({
    id: 1,
    firstName: 'A',
    lastName: 'B',
    email: 'a@example.org',
    isActive: true,
    departmentIds: [1, 2],
    permissionTypeIds: [5, 6],
    jobProfileId: 7,
    ...more,
  }) as User;

test.each<[string, boolean, Compared, Found, DriftRules?]>([
  ['as applied; another case of the address, a foreign permission type', false, link(), user()],
  ['another job profile', false, link(), user({ jobProfileId: 8 })],
  [
    'another order of the departments besides the first',
    false,
    link({ departmentIds: [1, 2, 3] }),
    user({ departmentIds: [1, 3, 2] }),
  ],
  ['another first department', true, link(), user({ departmentIds: [2, 1] })],
  ['a department besides ours', true, link(), user({ departmentIds: [1, 2, 100] })],
  ['the same, where such are kept', false, link(), user({ departmentIds: [1, 2, 100] }), keeping],
  ['one that was kept is gone', false, link({ departmentIds: [1, 2, 100] }), user(), keeping],
  ['one of ours is missing, where others are kept', true, link(), user({ departmentIds: [1, 100] }), keeping],
  ['a permission type of ours is missing', true, link(), user({ permissionTypeIds: [6] })],
  ['no address any more', true, link(), user({ email: null })],
  ['deactivated by hand', true, link(), user({ isActive: false })],
  [
    'who has left is still inactive, whatever else',
    false,
    link({ active: false }),
    user({ isActive: false, lastName: 'X' }),
  ],
  ['who has left was let in again', true, link({ active: false }), user()],
  ['gone', true, link(), null],
  ['who has left is gone', false, link({ active: false }), null],
  [
    'an adopted permission type with another name',
    false,
    { kind: 'role', madeByUs: false, applied: { name: 'A' } },
    { name: 'B' } as PermissionType,
  ],
  [
    'our permission type with another name',
    true,
    { kind: 'role', madeByUs: true, applied: { name: 'A' } },
    { name: 'B' } as PermissionType,
  ],
  [
    'a department moved by hand, where departments are never touched again',
    false,
    { kind: 'unit', madeByUs: true, applied: { name: 'A', parentId: 1 } },
    { name: 'B', parentId: 2 } as Department,
    { ...rules, followUnits: false },
  ],
  [
    'who is left alone, whatever was changed by hand',
    false,
    link({ untouched: 'filtered' }),
    user({ lastName: 'X', isActive: false }),
  ],
  ['another last day than we wrote', true, link({ lastDay: '2026-12-31' }), user({ lastDay: null })],
  ['a day that we never wrote', false, link(), user({ lastDay: '2026-12-31' })],
  [
    'a department elsewhere',
    true,
    { kind: 'unit', madeByUs: false, applied: { name: 'A', parentId: 1 } },
    { name: 'A', parentId: 2 } as Department,
  ],
])('%s: drift %s', (_, expected, compared, found, by = rules) => {
  expect(driftOf(compared, found, by) !== undefined).toBe(expected);
});

test('what was observed keeps the job profile as we know it', () => {
  const drift = driftOf(link(), user({ lastName: 'X', jobProfileId: 8 }), rules);
  expect(drift?.observed).toMatchObject({ lastName: 'X', jobProfileId: 7, permissionTypeIds: [5] });
});
