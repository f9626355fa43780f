import { defaultSettings } from '@orgstream/core';
import { expect, test } from 'vitest';
import { judge } from './judge.ts';
import { type Standing, undecided } from './keys.ts';

const leaves = { operations: ['deactivate'], hash: 'h1' } as const;
const of = (
  standing: Partial<Standing>,
  what: { operations: readonly ('deactivate' | 'delete' | 'move')[]; hash: string } = leaves,
) => judge({ ...undecided, ...standing }, what, { kind: 'person', settings: defaultSettings });

test.each([
  ['nobody decided', {}, { to: 'go', approved: false }],
  ['rejected', { holdCode: 'REJECTED', holdHash: 'h1' }, { to: 'held', code: 'REJECTED' }],
  ['rejected, then desired otherwise', { holdCode: 'REJECTED', holdHash: 'h0' }, { to: 'go', approved: false }],
  ['approved', { approvedHash: 'h1' }, { to: 'go', approved: true }],
  ['approved, then desired otherwise', { approvedHash: 'h0' }, { to: 'go', approved: false }],
  ['undone and approved', { holdCode: 'UNDONE', holdHash: 'h1', approvedHash: 'h1' }, { to: 'held', code: 'UNDONE' }],
  ['of a run that applies by itself', { runId: 'r' }, { to: 'go', approved: false }],
  ['of an approved run', { runId: 'r', approvedOperations: ['deactivate', 'move'] }, { to: 'go', approved: true }],
  ['worse than approved', { runId: 'r', approvedOperations: ['move'] }, { to: 'held', code: 'MORE_DESTRUCTIVE' }],
  [
    'worse, but this very state approved',
    { runId: 'r', approvedOperations: ['move'], approvedHash: 'h1' },
    { to: 'go', approved: true },
  ],
] as const)('%s', (_, standing, expected) => {
  expect(of(standing)).toEqual(expected);
});

test('a deletion waits for an operator, and only for one', () => {
  const deleted = { operations: ['delete'], hash: 'h1' } as const;
  expect(of({}, deleted)).toEqual({ to: 'held', code: 'DELETION_UNCONFIRMED' });
  expect(of({ approvedHash: 'h1' }, deleted)).toEqual({ to: 'go', approved: true });
});
