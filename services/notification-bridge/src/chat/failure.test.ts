import { AppError } from '@orgstream/core';
import { expect, test } from 'vitest';
import { isTooLong, mayHaveHappened } from './failure.ts';

const long = 'x'.repeat(300);
const refused = (data: object) => new AppError('ZIIK_REFUSED', 'messages.create: HTTP 422', { ...data });

test.each([
  [refused({ status: 422, fields: ['message'] }), long, true],
  [refused({ status: 422, targetCode: 'message_too_long', fields: [] }), long, true],
  [refused({ status: 413, fields: [] }), long, true],
  [refused({ status: 422, fields: ['message'] }), 'short', false],
  [refused({ status: 422, fields: ['recipients'], targetCode: 'validation_failed' }), long, false],
  [refused({ status: 422 }), long, false],
  [new AppError('ZIIK_ERROR', 'x', { status: 413 }), long, false],
  [new Error('too long'), long, false],
])('%s %j is too long: %s', (error, text, wanted) => {
  expect(isTooLong(error, text)).toBe(wanted);
});

test.each([
  [new AppError('ZIIK_UNREACHABLE', 'x', { ambiguous: true }), true],
  [new AppError('ZIIK_UNREACHABLE', 'x', { reason: 'ECONNREFUSED' }), false],
  [refused({}), false],
  [new TypeError('x'), true],
  ['x', true],
])('%s may have happened: %s', (error, wanted) => {
  expect(mayHaveHappened(error)).toBe(wanted);
});
