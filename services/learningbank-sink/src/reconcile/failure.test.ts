import { AppError, type ErrorCode } from '@orgstream/core';
import { expect, test } from 'vitest';
import { consequenceOf } from './failure.ts';

const failure = (code: ErrorCode, data: Record<string, unknown> = {}) => new AppError(code, 'a call', data);

test.each([
  ['TARGET_UNREACHABLE', {}, 'retry'],
  ['TARGET_UNREACHABLE', { ambiguous: true }, 'read_back'],
  ['TARGET_ANSWER_INVALID', { ambiguous: true }, 'read_back'],
  ['TARGET_ERROR', {}, 'retry'],
  ['TARGET_RATE_LIMITED', {}, 'platform'],
  ['TARGET_AUTH_FAILED', {}, 'platform'],
  ['PLATFORM_PAUSED', {}, 'platform'],
  ['TARGET_FORBIDDEN', {}, 'forbidden'],
  ['TARGET_NOT_FOUND', {}, 'missing'],
  ['TARGET_CONFLICT', {}, 'taken'],
  ['TARGET_REFUSED', {}, 'park'],
  ['LEASE_LOST', {}, 'lost'],
] as const)('%s %o means %s', (code, data, kind) => {
  expect(consequenceOf(failure(code, data), 'user.update', 'person').kind).toBe(kind);
});

test('a refused name or e-mail has the code of what was asked for', () => {
  const taken = (op: string, kind: 'unit' | 'role' | 'person') => consequenceOf(failure('TARGET_CONFLICT'), op, kind);
  expect(taken('department.create', 'unit')).toMatchObject({ code: 'DEPARTMENT_NAME_TAKEN' });
  expect(taken('department.delete', 'unit')).toMatchObject({ code: 'DEPARTMENT_NOT_EMPTY' });
  expect(taken('permission_type.update', 'role')).toMatchObject({ code: 'PERMISSION_TYPE_NAME_TAKEN' });
  expect(taken('user.create', 'person')).toMatchObject({ code: 'EMAIL_TAKEN' });
});

test('what nobody foresaw is retried, and counted', () => {
  expect(consequenceOf(new TypeError('x'), 'user.update', 'person')).toMatchObject({ kind: 'retry', unexpected: true });
});

test('what is stored of a refusal holds names of fields, not values', () => {
  const error = failure('TARGET_REFUSED', { status: 422, fields: ['email'], route: 'users.create', value: 'x@y' });
  expect(consequenceOf(error, 'user.create', 'person')).toEqual({
    kind: 'park',
    code: 'TARGET_REFUSED',
    detail: { status: 422, fields: ['email'] },
  });
});
