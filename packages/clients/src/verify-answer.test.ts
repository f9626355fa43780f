import { expect, test } from 'vitest';
import { verifyAnswer, verifyFilter } from './verify-answer.ts';

const user = {
  id: 7,
  email: 'Ada@Example.dk',
  firstName: 'Zoë',
  externalId: 't:person:1',
  language: 'da',
  isActive: true,
  departmentIds: [3, 1, 2],
  permissionTypeIds: [4, 9],
  jobProfileId: 5,
  lastDay: null,
};

test.each([
  ['the same values', { ...user }, []],
  ['nothing asked', {}, []],
  ['an absent value', { firstName: undefined }, []],
  ['another case of the e-mail', { email: 'ada@example.DK' }, []],
  ['another e-mail', { email: 'eva@example.dk' }, ['email']],
  ['outer blanks', { firstName: ' Zoë ' }, []],
  ['another Unicode form', { firstName: 'Zoe\u0308' }, []],
  ['another case of a name', { firstName: 'ZOË' }, ['firstName']],
  ['another language', { language: 'tlh' }, []],
  ['an active flag', { isActive: false }, ['isActive']],
  ['null for a value', { externalId: null }, ['externalId']],
  ['a value for null', { lastDay: '2026-01-01' }, ['lastDay']],
  ['a field the answer lacks', { phone: '1' }, ['phone']],
  ['another order behind the primary department', { departmentIds: [3, 2, 1] }, []],
  ['doubled departments', { departmentIds: [3, 3, 2, 1] }, []],
  ['another primary department', { departmentIds: [1, 3, 2] }, ['departmentIds']],
  ['a department less', { departmentIds: [3, 1, 2, 8] }, ['departmentIds']],
  ['a department more', { departmentIds: [3, 1] }, ['departmentIds']],
  ['no department: the default', { departmentIds: [] }, []],
  ['some of the permission types', { permissionTypeIds: [9] }, []],
  ['a missing permission type', { permissionTypeIds: [9, 10] }, ['permissionTypeIds']],
  ['no job profile: the default', { jobProfileId: null }, []],
  ['another job profile', { jobProfileId: 6 }, ['jobProfileId']],
  ['two wrong ones', { id: 8, firstName: 'X' }, ['id', 'firstName']],
])('%s', (_, asked, wrong) => {
  expect(verifyAnswer(asked, user)).toEqual(wrong);
});

test('an empty list of departments proves nothing was set', () => {
  expect(verifyAnswer({ departmentIds: [] }, { departmentIds: [] })).toEqual(['departmentIds']);
});

test.each([
  [{ email: 'ada@example.dk' }, []],
  [{ departmentId: 2, isActive: true }, []],
  [{ departmentId: 8 }, ['departmentId']],
  [{ externalId: 'other' }, ['externalId']],
])('an item of a list filtered by %j', (filter, wrong) => {
  expect(verifyFilter(filter, user)).toEqual(wrong);
});
