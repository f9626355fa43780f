import { expect, test } from 'vitest';
import type { Status } from '@orgstream/status';
import { render } from './status.ts';

const status: Status = {
  integrations: [
    {
      id: 'i1',
      tenant: 'eu1.42',
      tenantName: 'nordkaeden',
      name: 'Academy',
      product: 'sync',
      enabled: true,
      state: 'live',
      code: null,
      paused: false,
      shadow: false,
      people: { inStep: 997, outstanding: 1, held: 0, parked: 2, gap: 0 },
      work: { outstanding: 1, held: 0, parked: 2, gap: 0 },
      heldByCode: {},
      oldestWorkMs: 1_000_000,
      parkedByCode: { EMAIL_MISSING: 2 },
      source: 'eu1',
      converged: false,
    },
  ],
  sources: [
    { name: 'eu1', state: 'halted', code: 'SLOT_LOST', lagBytes: null, retainedWalBytes: 3_145_728, snapshotsOpen: 0 },
  ],
  lag: { normalizerRecords: 0, ingestRecords: null },
};

test('the status says who is in step, what waits since when, what is parked why, and where it stands still', () => {
  expect(render(status, 1_012_000)).toMatchInlineSnapshot(`
    "tenant  name        state  in step  outstanding  parked  oldest work  converged
    eu1.42  nordkaeden  live       997            1       2  12 s         no

    tenant  parked by      objects
    eu1.42  EMAIL_MISSING        2

    source  state      behind   WAL retained  open snapshots
    eu1     SLOT_LOST  unknown  3.0 MB                     0

    hop          records behind
    normalizer   0
    sink ingest  unknown"
  `);
});
