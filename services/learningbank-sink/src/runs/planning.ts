import { AppError, completeSettings, type IntegrationSettings } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import type { Way } from '../platform/session-pool.ts';
import type { Integration } from '../reconcile/integration-store.ts';
import { policyOf } from '../reconcile/policy.ts';
import type { Fenced } from './fence.ts';
import { countGap, countItems, deleteItems, insertItems } from './item-store.ts';
import type { RunContext, RunPlanner } from './kind.ts';
import { waitsFor } from './mark-store.ts';
import { moveRun, type RunRow } from './run-store.ts';

export interface PlanningOptions {
  readonly db: Knex;
  readonly log: Logger;
  readonly fenced: Fenced;
  readonly platform: string;
  readonly run: RunRow;
  readonly integration: Integration;
  readonly way: Way;
  readonly planner: RunPlanner;
  readonly plannerVersion: number;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/**
 * Plans a run from its beginning: what an earlier try left is deleted, items are written batch by batch, and the run is
 * `planned` with its counts. Every write looks whether the run is still being planned: a cancelled one ends the planning.
 */
export async function planRun(options: PlanningOptions): Promise<void> {
  const { fenced, run, integration, planner, signal, log } = options;
  const settings = await settingsOf(options);
  await fenced(async (tx) => {
    await beginPlanning(tx, options);
    await deleteItems(tx, run.id);
  });
  const context = contextOf(options, settings);
  for await (const items of planner.plan(context)) {
    if (signal.aborted) return;
    if (items.length === 0) continue;
    await fenced(async (tx) => {
      await assertPlanning(tx, run.id);
      await insertItems(tx, run.id, items);
    });
  }
  if (signal.aborted) return;
  await fenced(async (tx) => {
    const counts = { ...(await countItems(tx, run.id)), ...(run.kind === 'gap' ? await countGap(tx, run.id) : {}) };
    const { items = 0 } = counts;
    const byItself = (run.kind === 'settings' && items <= 1) || (needsNobody(run) && items === 0);
    await moveRun(tx, run, { state: 'planned', counts, ...(byItself ? { needsApproval: false } : {}) });
    log.info({ runId: run.id, integration: integration.id, kind: run.kind, items }, 'run planned');
  });
}

/** Of these, a plan without items has nothing to be approved. A first plan is shown also when it is empty. */
const needsNobody = ({ kind, isFirst }: RunRow): boolean => !isFirst && kind !== 'rebuild' && kind !== 'settings';

function contextOf(options: PlanningOptions, settings: IntegrationSettings): RunContext {
  const { db, log, platform, integration, run, way, now, signal } = options;
  const under = { ...integration, settings };
  const nowMs = now().getTime();
  const policy = policyOf(under, way, nowMs);
  const inForce = run.kind === 'settings' ? policyOf(integration, way, nowMs) : null;
  return { db, log, platform, integration: under, run, policy, inForce, session: way.session, now, signal };
}

/** Those in force, or of a settings run those that are to come. */
async function settingsOf({ db, run, integration }: PlanningOptions): Promise<IntegrationSettings> {
  if (run.kind !== 'settings') return integration.settings;
  const { rows } = await db.raw<{ rows: { settings: Partial<IntegrationSettings> }[] }>(
    `select settings from control.settings where integration_id = :id and version = :version`,
    { id: integration.id, version: run.settingsVersion },
  );
  if (!rows[0]) throw new AppError('NOT_FOUND', 'planning: this version of the settings is gone');
  return completeSettings(rows[0].settings);
}

/** Notes what the plan is made under. */
async function beginPlanning(tx: Knex, { run, integration, plannerVersion }: PlanningOptions): Promise<void> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `update sink.run set base_settings_version = :base, settings_version = coalesce(case when kind = 'settings' then settings_version end, :base),
            planner_version = :planner, updated_at = now(),
            marked_to = (select max(generation) from sink.work where integration_id = :integration and lane = 3 and for_run = :forRun)
      where id = :id and state = 'planning' returning 1`,
    {
      id: run.id,
      base: integration.settingsVersion,
      planner: plannerVersion,
      integration: integration.id,
      forRun: waitsFor(run),
    },
  );
  if (rows.length === 0) throw notPlanning();
}

async function assertPlanning(tx: Knex, id: string): Promise<void> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `select from sink.run where id = ? and state = 'planning' for share`,
    [id],
  );
  if (rows.length === 0) throw notPlanning();
}

const notPlanning = (): AppError => new AppError('RUN_STATE', 'planning: the run is not being planned any more');
