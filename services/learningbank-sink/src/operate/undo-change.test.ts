import { expect, test } from 'vitest';
import type { AppliedPerson } from '../model.ts';
import { type Past, type PastCall, undoing, type UndoOf } from './undo-change.ts';

const state = (lastName: string, more: Partial<AppliedPerson> = {}): AppliedPerson => ({
  firstName: 'A',
  lastName,
  email: 'a@example.org',
  active: true,
  departmentIds: [1],
  permissionTypeIds: [],
  jobProfileId: null,
  jobProfileRoles: [],
  ...more,
});

/** Oldest first, as it happened: [before, after, at which position, of which run, more]. */
type Happened = readonly [
  before: AppliedPerson | null,
  after: AppliedPerson | null,
  lsn: number,
  run?: string | null,
  more?: Partial<PastCall>,
];

function past(applied: AppliedPerson | null, ...happened: readonly Happened[]): Past {
  const calls = happened.map(([before, after, causeLsn, runId = null, more = {}], at): PastCall => ({
    id: at + 1,
    op: 'user.update',
    state: 'done',
    targetId: 1,
    before,
    after,
    runId,
    causeEpoch: 1,
    causeLsn,
    ...more,
  }));
  return { kind: 'person', id: '7', calls: calls.toReversed(), applied };
}

const [a, b, c, d] = [state('A'), state('B'), state('C'), state('D')] as const;
const latest: UndoOf = { latest: true };

test.each<[string, Past, UndoOf, AppliedPerson | null | string]>([
  ['the latest change alone', past(c, [a, b, 1], [b, c, 2]), latest, b],
  ['all calls of it', past(d, [a, b, 1], [b, c, 2], [c, d, 2]), latest, b],
  ['a run is one change, whatever caused it', past(c, [a, b, 1, 'r'], [b, c, 2, 'r']), latest, a],
  ['the same position outside of the run is another change', past(c, [a, b, 1], [b, c, 1, 'r']), latest, b],
  ['a user that was made', past(a, [null, a, 1]), latest, null],
  ['of a run', past(c, [a, b, 1], [b, c, 2, 'r']), { run: 'r' }, b],
  ['a run that something came after', past(c, [a, b, 1, 'r'], [b, c, 2]), { run: 'r' }, 'UNDO_CHANGED_SINCE'],
  [
    'a run with something else in between',
    past(d, [a, b, 1, 'r'], [b, c, 2], [c, d, 3, 'r']),
    { run: 'r' },
    'UNDO_CHANGED_SINCE',
  ],
  ['a run older than what is looked at', past(b, [a, b, 1]), { run: 'r' }, 'UNDO_CHANGED_SINCE'],
  ['changed by something that is not a call', past(d, [a, b, 1]), latest, 'UNDO_CHANGED_SINCE'],
  ['no link any more', past(null, [a, b, 1]), latest, 'UNDO_CHANGED_SINCE'],
  ['a call whose outcome is unknown', past(b, [a, b, 1, null, { state: 'unknown' }]), latest, 'UNDO_CHANGED_SINCE'],
  ['a deleted user', past(null, [a, null, 1, null, { op: 'user.delete' }]), latest, 'UNDO_IMPOSSIBLE'],
  ['no call at all', past(a), latest, 'UNDO_NOTHING'],
  ['a change there and back', past(a, [a, b, 1], [b, a, 1]), latest, 'UNDO_NOTHING'],
  [
    'a made user that has left',
    past(state('A', { active: false }), [null, a, 1, 'r'], [a, state('A', { active: false }), 2, 'r']),
    latest,
    'UNDO_NOTHING',
  ],
])('%s', (_, what, of, expected) => {
  const verdict = undoing(what, of);
  if (typeof expected === 'string') expect(verdict).toEqual({ refused: expected });
  else expect(verdict).toMatchObject({ back: expected, now: what.applied });
});

test('on which roles a job profile was decided is only on record: it is no change', () => {
  const noted = { ...b, jobProfileRoles: ['r'], jobProfileRole: 'r' };
  expect(undoing(past(noted, [a, b, 1]), latest)).toMatchObject({ back: a, operations: ['rename'] });
});
