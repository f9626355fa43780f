import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

test.each([
  ['0', 0],
  ['7', 7_000],
  [' 1.5 ', 1_500],
  ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
  ['Sun, 01 Mar 2026 11:59:00 GMT', 0],
  ['soon', undefined],
  ['99999999', 3_600_000],
  ['Sun, 01 Mar 2099 12:00:30 GMT', 3_600_000],
  ['-5', undefined],
  ['', undefined],
  [null, undefined],
])('Retry-After %j is %j ms', (header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected);
});
