import type { ObjectDetail } from '@orgstream/control-api';
import { expect, test } from 'vitest';
import { renderWhy } from './why.ts';

const at = '2026-03-01T08:00:00.000Z';
const cause = { epoch: '17', lsn: '352' };
const id = '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10';

const held: ObjectDetail = {
  integration: id,
  tenant: 'eu1.42',
  kind: 'person',
  id: '7',
  name: 'Ida Holm',
  state: 'held',
  summary: 'Held. Too many objects would get this operation at once.',
  facts: [
    {
      kind: 'person',
      id: '7',
      deleted: false,
      position: { ...cause, seq: 1, offset: '507' },
      committedAt: at,
      rejected: null,
      fields: { active: false },
    },
  ],
  work: {
    state: 'held',
    lane: 'leaver',
    code: 'BRAKE_TRIPPED',
    rule: 'Too many objects would get this operation at once: all pending ones are held.',
    remedy: 'Look, then approve or reject.',
    detail: null,
    waitsFor: null,
    operations: ['deactivate'],
    hash: 'abc123',
    hold: null,
    forRun: null,
    run: null,
    cause,
    attempts: 0,
    committedAt: at,
    markedAt: at,
    nextAt: at,
  },
  link: { targetId: 1042, madeByUs: true, isTop: false, applied: {}, linkedAt: at, updatedAt: at },
  resolution: null,
  runs: [{ run: id, kind: 'sync', state: 'applied', operations: ['create'], code: null, createdAt: at }],
  attempts: [
    {
      no: 2,
      kind: 'person',
      id: '7',
      op: 'user.update',
      targetId: 1042,
      state: 'failed',
      operations: ['rename'],
      approved: true,
      before: { firstName: 'Ida', lastName: 'Holm' },
      after: { firstName: 'Idun', lastName: 'Holm' },
      cause,
      run: null,
      status: 409,
      code: 'TARGET_CONFLICT',
      sentAt: '2026-03-01T09:00:00.000Z',
      finishedAt: at,
    },
    {
      no: 1,
      kind: 'person',
      id: '7',
      op: 'user.create',
      targetId: 1042,
      state: 'done',
      operations: ['create'],
      approved: false,
      before: null,
      after: { firstName: 'Ida' },
      cause,
      run: id,
      status: 201,
      code: null,
      sentAt: at,
      finishedAt: at,
    },
  ],
  explained: {
    desired: { active: false },
    applied: { active: true, email: 'ida@kaeden.example' },
    observed: { state: 'seen', targetId: 1042, value: { active: true, email: 'ida@kaeden.example' } },
    next: { kind: 'actions', calls: ['user.deactivate'] },
  },
  explainedNote: null,
};

test('the story runs from the source position to the answer, and stands side by side at the end', () => {
  expect(renderWhy(held)).toMatchInlineSnapshot(`
    "person/7 Ida Holm of eu1.42
    Held. Too many objects would get this operation at once.

    facts (what the source says)
      2026-03-01T08:00:00.000Z  person/7 at 17/352 offset 507  active=false

    decision
      2026-03-01T08:00:00.000Z  held (lane leaver), BRAKE_TRIPPED: Too many objects would get this operation at once: all pending ones are held.
      would do: deactivate (hash abc123)
      because of the change at 17/352, committed 2026-03-01T08:00:00.000Z
      next: Look, then approve or reject.

    runs
      2026-03-01T08:00:00.000Z  sync 0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10: applied

    calls (oldest first)
      2026-03-01T08:00:00.000Z  user.create #1042 -> done HTTP 201 (firstName: "Ida"; cause 17/352)
      2026-03-01T09:00:00.000Z  user.update #1042 -> failed HTTP 409 TARGET_CONFLICT approved (firstName: "Ida" -> "Idun"; cause 17/352)

    side by side
      field   desired               applied               observed
      active  false                 true                  true
      email   "ida@kaeden.example"  "ida@kaeden.example"  "ida@kaeden.example"
      the planner says: actions, calls ["user.deactivate"]"
  `);
});

test('what the target did not show is said', () => {
  const text = renderWhy({
    ...held,
    explained: { observed: { state: 'unknown', code: 'PLATFORM_PAUSED' } },
    link: null,
  });
  expect(text).toContain('observed: unknown PLATFORM_PAUSED');
  const silent = renderWhy({ ...held, explained: null, explainedNote: 'the sink did not answer in time' });
  expect(silent).toContain('the sink did not answer in time');
});
