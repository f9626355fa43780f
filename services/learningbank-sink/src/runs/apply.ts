import { AppError, type RunItemState } from '@orgstream/core';
import { activateSettings, type Knex } from '@orgstream/database';
import { plannerVersion as currentPlanner } from '../plan/index.ts';
import { type Integration, moveState } from '../reconcile/integration-store.ts';
import { type ItemChoice, readItemsByNo, readRejected } from './item-store.ts';
import type { RunPlanner } from './kind.ts';
import { holdRejected, lookAgain, markItems, releaseRest } from './mark-store.ts';
import { moveRun, type RunRow } from './run-store.ts';

/** Items handed to a kind's hook at once. */
const hookBatch = 500;

export interface Application {
  readonly run: RunRow;
  readonly integration: Integration;
  readonly platform: string;
  readonly planner: RunPlanner;
  /** Of the planner that runs now. */
  readonly plannerVersion?: number;
}

/** Puts items to work and lets the kind add what it needs to their rows; returns how many. */
export async function putToWork(
  tx: Knex,
  { run, integration, platform, planner }: Application,
  what: { readonly from: readonly RunItemState[]; readonly choice: ItemChoice; readonly approved: boolean },
): Promise<number> {
  const numbers = await markItems(tx, { run, tenant: integration.tenant, ...what });
  for (let at = 0; planner.apply && at < numbers.length; at += hookBatch) {
    const items = await readItemsByNo(tx, run.id, numbers.slice(at, at + hookBatch));
    await planner.apply(tx, { integration, platform, run }, items);
  }
  if (numbers.length > 0) await wake(tx, integration.id);
  return numbers.length;
}

/** Wakes the worker when the transaction commits. */
export async function wake(tx: Knex, integrationId: string): Promise<void> {
  await tx.raw(`select pg_notify('orgstream_work', ?)`, [integrationId]);
}

/**
 * Begins to apply a planned run, in one transaction: the plan must still be of these settings and this planner; items
 * become work; what the kind brings into force comes into force. Throws RUN_SETTINGS_CHANGED or RUN_PLANNER_CHANGED. The
 * run must be locked, and `planned`.
 *
 * Marking a hundred thousand objects takes seconds. Meanwhile the integration's row is only kept from being removed:
 * locked against change, it would keep ingest of all tenants of its partition waiting, and every call to its platform,
 * leavers' too. So what may have changed is asked once more at the end.
 */
export async function beginApplying(
  tx: Knex,
  application: Application,
  approval: { readonly choice: ItemChoice; readonly by: string | null },
): Promise<void> {
  const { run, integration } = application;
  await assertCurrent(tx, application, 'key share');
  const approved = approval.by !== null;
  await putToWork(tx, application, { from: ['planned'], choice: approval.choice, approved });
  await releaseRest(tx, run, approved);
  await assertCurrent(tx, application, 'no key update');
  await bringIntoForce(tx, application);
  await wake(tx, integration.id);
  await moveRun(tx, run, {
    state: 'applying',
    needsApproval: false,
    ...(approval.by === null ? {} : { decidedBy: approval.by }),
  });
}

async function assertCurrent(
  tx: Knex,
  { run, plannerVersion = currentPlanner }: Application,
  lock: 'key share' | 'no key update',
): Promise<void> {
  const { rows } = await tx.raw<{ rows: { settings_version: number }[] }>(
    `select settings_version from control.integration where id = ? for ${lock}`,
    [run.integrationId],
  );
  if (rows[0]?.settings_version !== run.baseSettingsVersion) {
    throw new AppError('RUN_SETTINGS_CHANGED', 'applying a run: the settings were changed since it was planned', {
      run: run.id,
    });
  }
  if (run.plannerVersion !== plannerVersion) {
    throw new AppError('RUN_PLANNER_CHANGED', 'applying a run: the planner was replaced since it was planned', {
      run: run.id,
    });
  }
}

async function bringIntoForce(tx: Knex, { run, integration }: Application): Promise<void> {
  if (run.kind === 'settings') {
    await activateSettings(tx, integration.id, run.settingsVersion!);
    await lookAgain(tx, integration.id);
    // Rejected while the old settings were in force: held from the moment at which the new ones are.
    await holdRejected(tx, run, await readRejected(tx, run.id));
  }
  const isFirst = run.isFirst || run.kind === 'rebuild';
  if (isFirst && !(await moveState(tx, { ...integration, state: 'planning' }, { state: 'first_sync' }))) {
    throw new AppError('RUN_STATE', 'applying a first sync: the integration is not being planned any more');
  }
  if (isFirst) {
    await tx.raw(
      `update sink.integration_state set first_sync_started_at = now(),
              first_sync_total = (select count(*) from sink.run_item where run_id = :run) where integration_id = :id`,
      { run: run.id, id: integration.id },
    );
  }
  if ('all' in run.scope && ['sync', 'rebuild', 'planner', 'settings'].includes(run.kind)) {
    await notePlanner(tx, integration.id, run.plannerVersion!);
  }
}

/** From now on the integration is as this version of the planner wants it, or is being brought there. */
export async function notePlanner(tx: Knex, integrationId: string, version: number): Promise<void> {
  await tx.raw(`update sink.integration_state set planner_version = :version where integration_id = :id`, {
    version,
    id: integrationId,
  });
}
