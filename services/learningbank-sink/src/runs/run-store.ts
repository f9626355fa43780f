import type { ErrorCode, Operation, RunItemState, RunKind, RunScope, RunState } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { ObjectKey } from '../model.ts';

/** A row of `sink.run` that belongs to an integration; replays of the topic (integration null) are not the conductor's. */
export interface RunRow {
  readonly id: string;
  readonly integrationId: string;
  readonly kind: RunKind;
  readonly scope: RunScope;
  readonly state: RunState;
  readonly isFirst: boolean;
  readonly dryRun: boolean;
  /** Waits in `planned` until an operator approves it. */
  readonly needsApproval: boolean;
  readonly paused: boolean;
  readonly snapshotId: string | null;
  readonly settingsVersion: number | null;
  readonly plannerVersion: number | null;
  /** Version of the settings that was in force when it was planned. */
  readonly baseSettingsVersion: number | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly requestedBy: string | null;
  /** Who approved it; null = it applies by itself, and the brake judges as usual. */
  readonly decidedBy: string | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
}

/** A row of `sink.run_item`. */
export interface RunItem extends ObjectKey {
  readonly no: number;
  readonly operations: readonly Operation[];
  readonly hash: string | null;
  readonly state: RunItemState;
  readonly code: ErrorCode | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

interface Row {
  readonly id: string;
  readonly integration_id: string;
  readonly kind: RunKind;
  readonly scope: RunScope;
  readonly state: RunState;
  readonly is_first: boolean;
  readonly dry_run: boolean;
  readonly needs_approval: boolean;
  readonly paused: boolean;
  readonly snapshot_id: string | null;
  readonly settings_version: number | null;
  readonly planner_version: number | null;
  readonly base_settings_version: number | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly requested_by: string | null;
  readonly decided_by: string | null;
  readonly created_ms: string;
  readonly started_ms: string | null;
}

const columns = `id, integration_id, kind, scope, state, is_first, dry_run, needs_approval, paused, snapshot_id,
  settings_version, planner_version, base_settings_version, counts, requested_by, decided_by,
  extract(epoch from created_at) * 1000 as created_ms, extract(epoch from started_at) * 1000 as started_ms`;

const runOf = (row: Row): RunRow => ({
  id: row.id,
  integrationId: row.integration_id,
  kind: row.kind,
  scope: row.scope,
  state: row.state,
  isFirst: row.is_first,
  dryRun: row.dry_run,
  needsApproval: row.needs_approval,
  paused: row.paused,
  snapshotId: row.snapshot_id,
  settingsVersion: row.settings_version,
  plannerVersion: row.planner_version,
  baseSettingsVersion: row.base_settings_version,
  counts: row.counts,
  requestedBy: row.requested_by,
  decidedBy: row.decided_by,
  createdAtMs: Number(row.created_ms),
  startedAtMs: row.started_ms === null ? null : Number(row.started_ms),
});

const open = `state in ('waiting_for_snapshot', 'planning', 'planned', 'applying')`;

/** Runs of these integrations that have not ended, oldest first. */
export async function readOpenRuns(db: Knex, integrations: readonly string[]): Promise<readonly RunRow[]> {
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select ${columns} from sink.run where integration_id = any(cast(:integrations as uuid[])) and ${open}
      order by created_at, id`,
    { integrations: [...integrations] },
  );
  return rows.map(runOf);
}

/** A run, locked until the transaction ends: of two decisions at once the second sees what the first has done. */
export async function lockRun(
  tx: Knex,
  { id, integrationId }: { readonly id: string; readonly integrationId: string },
): Promise<RunRow | undefined> {
  const { rows } = await tx.raw<{ rows: Row[] }>(
    `select ${columns} from sink.run where cast(id as text) = :id and integration_id = :integrationId for update`,
    { id, integrationId },
  );
  return rows[0] && runOf(rows[0]);
}

/** A run about to be. */
export interface NewRun {
  readonly integrationId: string;
  readonly tenant: string;
  readonly kind: RunKind;
  readonly state: 'waiting_for_snapshot' | 'planning';
  readonly scope?: RunScope;
  readonly isFirst?: boolean;
  readonly dryRun?: boolean;
  readonly needsApproval?: boolean;
  readonly snapshotId?: string | null;
  readonly settingsVersion?: number | null;
  readonly requestedBy?: string | null;
}

export async function insertRun(tx: Knex, run: NewRun): Promise<string> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `insert into sink.run (integration_id, tenant, kind, scope, state, is_first, dry_run, needs_approval, snapshot_id, settings_version, requested_by)
     values (:integrationId, :tenant, :kind, :scope, :state, :isFirst, :dryRun, :needsApproval, :snapshotId, :settingsVersion, :requestedBy)
     returning id`,
    {
      integrationId: run.integrationId,
      tenant: run.tenant,
      kind: run.kind,
      scope: JSON.stringify(run.scope ?? { all: true }),
      state: run.state,
      isFirst: run.isFirst ?? false,
      dryRun: run.dryRun ?? false,
      needsApproval: run.needsApproval ?? false,
      snapshotId: run.snapshotId ?? null,
      settingsVersion: run.settingsVersion ?? null,
      requestedBy: run.requestedBy ?? null,
    },
  );
  await notifyRun(tx, rows[0]!.id);
  return rows[0]!.id;
}

/** What changes with a move; what is left out stays. */
export interface RunChange {
  readonly state: RunState;
  readonly paused?: boolean;
  readonly needsApproval?: boolean;
  readonly decidedBy?: string;
  readonly counts?: Readonly<Record<string, number>>;
  readonly code?: ErrorCode;
  readonly message?: string;
}

/** Moves a run on where it is still in the state it was seen in. False: it is not. */
export async function moveRun(tx: Knex, run: Pick<RunRow, 'id' | 'state'>, change: RunChange): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `update sink.run set state = :state, updated_at = now(),
            paused = coalesce(:paused, paused), needs_approval = coalesce(:needsApproval, needs_approval),
            decided_by = coalesce(:decidedBy, decided_by), counts = coalesce(cast(:counts as jsonb), counts),
            code = :code, message = :message,
            planned_at = case when :state = 'planned' and state = 'planning' then now() else planned_at end,
            started_at = case when :state = 'applying' then coalesce(started_at, now()) else started_at end,
            finished_at = case when :state in ('done', 'cancelled', 'failed') then now() end
      where id = :id and state = :from
      returning 1`,
    {
      id: run.id,
      from: run.state,
      state: change.state,
      paused: change.paused ?? null,
      needsApproval: change.needsApproval ?? null,
      decidedBy: change.decidedBy ?? null,
      counts: change.counts ? JSON.stringify(change.counts) : null,
      code: change.code ?? null,
      message: change.message ?? null,
    },
  );
  if (rows.length > 0) await notifyRun(tx, run.id);
  return rows.length > 0;
}

/** Tells who watches a run (control's stream) that it changed, when the transaction commits. */
export async function notifyRun(tx: Knex, id: string): Promise<void> {
  await tx.raw(`select pg_notify('orgstream_run', ?)`, [id]);
}
