import { expect, test } from 'vitest';
import { codes, type ErrorCode } from './errors.ts';
import { manualOf } from './manual.ts';

test('every code has a meaning and a remedy, and no rest of its comment in them', () => {
  for (const code of Object.keys(codes) as ErrorCode[]) {
    const { meaning, remedy } = manualOf(code);
    expect(meaning, code).toMatch(/^[^ ].{3,}$/);
    expect(meaning, code).not.toBe(code);
    expect(remedy, code).toMatch(/^[^a-z ].{3,}$/);
  }
});

test('the remedy is what the operator does', () => {
  expect(manualOf('TOPIC_MISSING')).toEqual({
    meaning: 'A topic is missing.',
    remedy: 'Run `orgstream topics apply`.',
  });
});
