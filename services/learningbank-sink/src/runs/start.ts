import { AppError, type RunKind, type RunScope } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { findProvedSnapshot } from '../reconcile/first-sync.ts';
import type { Integration } from '../reconcile/integration-store.ts';
import { decide } from './decide.ts';
import { endRun } from './finish.ts';
import type { RunPlanners } from './kind.ts';
import { forgetEverything } from './rebuild.ts';
import { insertRun, lockRun, readOpenRuns, type RunRow } from './run-store.ts';
import { isKnown } from './scope-store.ts';

/** What an operator asks for. */
export interface Asked {
  readonly kind: RunKind;
  readonly scope: RunScope;
  readonly dryRun: boolean;
  readonly settingsVersion?: number;
  readonly by: string;
}

export interface Starting {
  readonly integration: Integration;
  readonly platform: string;
  readonly planners: RunPlanners;
  readonly plannerVersion: number;
}

/** Kinds whose plan waits for an operator (semantics.md §7.2); the others apply by themselves, up to the brake. */
const withApproval: ReadonlySet<RunKind> = new Set(['gap', 'settings', 'drift', 'undo', 'planner']);

export const needsApproval = (kind: RunKind): boolean => withApproval.has(kind);

/**
 * Starts a run, or says why not. `sync` while a gap is planned is "Initiate synchronisation": it approves that one. The
 * integration's row is locked, so that of two starts the second sees the first.
 */
export async function startRun(tx: Knex, starting: Starting, asked: Asked): Promise<{ readonly run: string }> {
  const { integration, planners } = starting;
  await tx.raw(`select from sink.integration_state where integration_id = ? for update`, [integration.id]);
  const open = await readOpenRuns(tx, [integration.id]);
  if (asked.kind === 'sync' && !asked.dryRun && 'all' in asked.scope) {
    const gap = open.find(
      ({ kind, state, dryRun }) => kind === 'gap' && !dryRun && (state === 'planned' || state === 'planning'),
    );
    if (gap && integration.enabled) return initiate(tx, starting, { gap, by: asked.by });
  }
  const same = open.find(({ kind, dryRun }) => kind === asked.kind && dryRun === asked.dryRun);
  if (same) {
    throw new AppError('RUN_IN_PROGRESS', `starting a run: one of this kind is ${same.state}`, { run: same.id });
  }
  await assertPossible(tx, integration, asked);
  if (!planners[asked.kind]) throw new AppError('ACTION_NOT_POSSIBLE', 'starting a run: this kind is not available');
  if (asked.kind === 'rebuild') return rebuild(tx, { integration, open, asked });
  const isFirst = asked.kind === 'sync' && integration.state === 'planning';
  const run = await insertRun(tx, {
    integrationId: integration.id,
    tenant: integration.tenant,
    kind: asked.kind,
    state: 'planning',
    scope: asked.scope,
    isFirst,
    dryRun: asked.dryRun,
    needsApproval: isFirst ? integration.settings.review : needsApproval(asked.kind),
    snapshotId: integration.snapshotId,
    settingsVersion: asked.settingsVersion ?? null,
    requestedBy: asked.by,
  });
  return { run };
}

async function initiate(
  tx: Knex,
  { integration, platform, planners, plannerVersion }: Starting,
  { gap, by }: { readonly gap: RunRow; readonly by: string },
): Promise<{ readonly run: string }> {
  const run = (await lockRun(tx, gap))!;
  if (run.state === 'planned' && run.needsApproval) {
    const application = { run, integration, platform, planner: planners.gap!, plannerVersion };
    await decide(tx, application, { run: run.id, decision: 'approve', by });
  } else {
    // Nobody has seen its plan yet: it applies by itself, and the brake judges as usual.
    await tx.raw(`update sink.run set needs_approval = false, updated_at = now() where id = ?`, [run.id]);
  }
  return { run: run.id };
}

async function assertPossible(tx: Knex, integration: Integration, asked: Asked): Promise<void> {
  const { kind, scope, dryRun, settingsVersion } = asked;
  if (!integration.enabled) throw new AppError('NOT_SENDING', 'starting a run: the integration is disabled');
  assertState(integration, kind);
  if ('run' in scope && kind !== 'undo') throw new AppError('ACTION_NOT_POSSIBLE', 'only an undo is about a run');
  if (!('all' in scope) && ['rebuild', 'settings', 'planner', 'gap', 'replay'].includes(kind)) {
    throw new AppError('ACTION_NOT_POSSIBLE', `a run of kind ${kind} is about everything`);
  }
  if ('kind' in scope && !(await isKnown(tx, integration, scope))) {
    throw new AppError('NOT_FOUND', `starting a run: no ${scope.kind} ${scope.id}`);
  }
  if (kind === 'rebuild' && dryRun) throw new AppError('ACTION_NOT_POSSIBLE', 'a rebuild cannot be tried out');
  if (kind === 'settings') await assertVersion(tx, integration, settingsVersion);
  if (kind === 'sync' && (await findProvedSnapshot(tx, integration.tenant)) === undefined) {
    throw new AppError('SNAPSHOT_MISSING', 'starting a run: no snapshot of the tenant is proved');
  }
}

/** The first sync makes itself; everything else is for who has had it. */
function assertState({ state }: Integration, kind: RunKind): void {
  if (state === 'live') return;
  if (kind === 'rebuild' && state === 'halted') return;
  if (kind === 'sync' && state === 'planning') return;
  if (state === 'waiting_for_snapshot') {
    throw new AppError('SNAPSHOT_MISSING', 'starting a run: no snapshot of the tenant is proved yet');
  }
  if (state === 'listing' || state === 'planning' || state === 'first_sync') {
    throw new AppError('RUN_IN_PROGRESS', 'starting a run: the first sync is under way');
  }
  throw new AppError('RUN_STATE', `starting a run: the integration is ${state}`);
}

async function assertVersion(tx: Knex, integration: Integration, version: number | undefined): Promise<void> {
  if (version === undefined) throw new AppError('REQUEST_INVALID', 'a settings run needs the version to be planned');
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `select from control.settings where integration_id = :id and version = :version`,
    { id: integration.id, version },
  );
  if (rows.length === 0) throw new AppError('NOT_FOUND', `starting a run: no version ${version} of the settings`);
  if (version === integration.settingsVersion) {
    throw new AppError('ACTION_NOT_POSSIBLE', `starting a run: version ${version} of the settings is in force`);
  }
}

/** Everything that is open is of links that are forgotten. */
async function rebuild(
  tx: Knex,
  { integration, open, asked }: { integration: Integration; open: readonly RunRow[]; asked: Asked },
): Promise<{ readonly run: string }> {
  for (const other of open) {
    const error = { code: 'RUN_STATE', message: 'the integration is rebuilt' } as const;
    const run = await lockRun(tx, other);
    if (run) await endRun(tx, run, { state: 'cancelled', error });
  }
  await forgetEverything(tx, integration);
  const run = await insertRun(tx, {
    integrationId: integration.id,
    tenant: integration.tenant,
    kind: 'rebuild',
    state: 'waiting_for_snapshot',
    requestedBy: asked.by,
  });
  return { run };
}
