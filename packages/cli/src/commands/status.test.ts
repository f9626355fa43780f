import type { Status } from '@orgstream/control-api';
import { expect, test } from 'vitest';
import { render } from './status.ts';

const at = '2026-03-01T08:00:00.000Z';
const status: Status = {
  stop: { stopped: true, reason: 'bad import', changedBy: 'ann', changedAt: at },
  integrations: [
    {
      id: '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10',
      tenant: 'eu1.42',
      tenantName: 'nordkaeden',
      name: 'Academy',
      product: 'sync',
      source: 'eu1',
      enabled: true,
      paused: false,
      shadow: false,
      state: 'live',
      code: null,
      converged: false,
      people: { inStep: 997, outstanding: 1, parked: 2 },
      work: { outstanding: 1, parked: 2 },
      held: 12,
      heldLeavers: 12,
      gap: 0,
      oldestWorkMs: 1_000_000,
      parkedByCode: { EMAIL_MISSING: 2 },
      heldByCode: { BRAKE_TRIPPED: 12 },
      brakes: [{ kind: 'person', operation: 'deactivate', applied: 3, pending: 12, allowed: 5 }],
      openRun: { id: 'r1', kind: 'settings', state: 'planned', needsApproval: true, progress: {} },
      drift: null,
      channel: {
        integration: '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10',
        state: 'stopped',
        code: 'ZIIK_AUTH_FAILED',
        message: null,
        queued: 3,
        held: 7,
        oldestQueuedMs: 1_000_000,
      },
      login: { enabled: true, refusedLastHour: 4, refusedByCode: { LOGIN_PERSON_INACTIVE: 4 } },
    },
  ],
  sources: [
    {
      name: 'eu1',
      state: 'halted',
      code: 'SLOT_LOST',
      message: null,
      lagBytes: null,
      retainedWalBytes: 3_145_728,
      snapshotsOpen: 0,
      committedAt: null,
    },
  ],
  lag: { normalizerRecords: 0, ingestRecords: null },
};

test('the status says who is in step, what waits since when, what is held and parked why, and where it stands still', () => {
  expect(render(status, 1_012_000)).toMatchInlineSnapshot(`
    "STOPPED by ann at 2026-03-01T08:00:00.000Z (bad import): nothing is sent; \`orgstream resume --all\` ends it

    tenant  name        state  in step  outstanding  held  parked  gap  oldest work  converged
    eu1.42  nordkaeden  live       997            1    12       2    0  12 s         no

    tenant  state   by             objects
    eu1.42  parked  EMAIL_MISSING        2
    eu1.42  held    BRAKE_TRIPPED       12

    tenant  brake tripped  operation   applied  pending  allowed
    eu1.42  person         deactivate        3       12        5
    look: \`orgstream objects --tenant eu1.42 --state held\`
    then \`orgstream objects approve\` or \`reject\`, with objects, \`--operation\` or \`--all\`

    tenant  open run  state                        id
    eu1.42  settings  planned, waits for approval  r1

    tenant  chat                       on their way  wait for quiet  oldest
    eu1.42  stopped: ZIIK_AUTH_FAILED             3               7  12 s

    tenant  login  refused in the last hour  by
    eu1.42  on                            4  4 LOGIN_PERSON_INACTIVE

    source  state      behind   WAL retained  open snapshots
    eu1     SLOT_LOST  unknown  3.0 MB                     0

    hop          records behind
    normalizer   0
    sink ingest  unknown"
  `);
});
