import type { Knex } from '@orgstream/database';
import { type Integration, moveState } from '../reconcile/integration-store.ts';
import { endRun } from './finish.ts';
import { insertRun, lockRun, moveRun, readOpenRuns } from './run-store.ts';

/**
 * The target is listed: the first sync is planned, in the transaction that moves the integration from `listing` to
 * `planning`. A rebuild under way goes on as such; a first run that an earlier listing began is of the past. False when
 * somebody else moved the state.
 */
export async function beginFirstRun(tx: Knex, integration: Integration): Promise<boolean> {
  if (!(await moveState(tx, integration, { state: 'planning' }))) return false;
  const { id, tenant, settings, snapshotId } = integration;
  let isRebuild = false;
  for (const open of await readOpenRuns(tx, [id])) {
    const run = await lockRun(tx, open);
    if (run?.kind === 'rebuild' && run.state === 'waiting_for_snapshot') {
      isRebuild = await moveRun(tx, run, { state: 'planning' });
    } else if (run) {
      const error = { code: 'RUN_STATE', message: 'the integration begins anew' } as const;
      await endRun(tx, run, { state: 'cancelled', error });
    }
  }
  if (isRebuild) return true;
  await insertRun(tx, {
    integrationId: id,
    tenant,
    kind: 'sync',
    state: 'planning',
    isFirst: true,
    needsApproval: settings.review,
    snapshotId,
  });
  return true;
}
