import { completeSettings, type IntegrationSettings } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { readCatchingUp } from '../ingest/catch-up.ts';

/** States of a sync integration, in their order; `halted` can follow any. */
export type IntegrationStateName =
  'new' | 'waiting_for_snapshot' | 'listing' | 'planning' | 'first_sync' | 'live' | 'halted';

/** A sync integration: what operators set, and how far we are. */
export interface Integration {
  readonly id: string;
  readonly tenant: string;
  readonly platformUrl: string;
  readonly secretId: string;
  readonly enabled: boolean;
  /** Paused by an operator: nothing is sent, everything else goes on. */
  readonly paused: boolean;
  /** The stop button is pressed: nothing is sent anywhere. */
  readonly stopped: boolean;
  /** The database is an older copy, and ingest has not caught up with Kafka yet: what it shows may not be sent. */
  readonly catchingUp: boolean;
  /** Shadow mode: planned and recorded, nothing is sent. */
  readonly shadow: boolean;
  readonly generation: number;
  readonly settings: IntegrationSettings;
  readonly settingsVersion: number;
  readonly plannerVersion: number | null;
  readonly state: IntegrationStateName;
  readonly code: string | null;
  /** null before the first login. */
  readonly platform: string | null;
  readonly topUnitId: string | null;
  readonly snapshotId: string | null;
  /** The generation under which the state was last written. */
  readonly stateGeneration: number;
  readonly due: boolean;
  readonly firstSyncStarted: boolean;
  readonly firstSyncDone: boolean;
}

interface Row {
  readonly id: string;
  readonly tenant: string;
  readonly platform_url: string;
  readonly secret_id: string;
  readonly enabled: boolean;
  readonly paused: boolean;
  readonly stopped: boolean;
  readonly shadow: boolean;
  readonly generation: number;
  readonly settings: IntegrationSettings;
  readonly settings_version: number;
  readonly planner_version: number | null;
  readonly state: IntegrationStateName;
  readonly code: string | null;
  readonly platform: string | null;
  readonly top_unit_id: string | null;
  readonly snapshot_id: string | null;
  readonly state_generation: number;
  readonly due: boolean;
  readonly started: boolean;
  readonly done: boolean;
}

/** Every sync integration; a new one gets its state row here. */
export async function readIntegrations(db: Knex): Promise<readonly Integration[]> {
  await db.raw(
    `insert into sink.integration_state (integration_id, tenant, state)
     select id, tenant, 'new' from control.integration i
      where product = 'sync' and not exists (select from sink.integration_state s where s.integration_id = i.id)
     on conflict do nothing`,
  );
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select i.id, i.tenant, i.platform_url, i.secret_id, i.enabled, i.paused, i.shadow, (select stopped from control.stop) as stopped, i.generation, c.settings,
            i.settings_version, s.planner_version, s.state, s.code, s.platform,
            s.top_unit_id, s.snapshot_id, s.generation as state_generation, s.retry_at <= now() as due,
            s.first_sync_started_at is not null as started, s.first_sync_done_at is not null as done
       from control.integration i
       join control.settings c on c.integration_id = i.id and c.version = i.settings_version
       join sink.integration_state s on s.integration_id = i.id
      where i.product = 'sync'
      order by i.created_at, i.id`,
  );
  const behind = await readCatchingUp(db);
  return rows.map((row) => ({
    id: row.id,
    tenant: row.tenant,
    platformUrl: row.platform_url,
    secretId: row.secret_id,
    enabled: row.enabled,
    paused: row.paused,
    stopped: row.stopped,
    catchingUp: behind.has(row.id),
    shadow: row.shadow,
    generation: row.generation,
    settings: completeSettings(row.settings),
    settingsVersion: row.settings_version,
    plannerVersion: row.planner_version,
    state: row.state,
    code: row.code,
    platform: row.platform,
    topUnitId: row.top_unit_id,
    snapshotId: row.snapshot_id,
    stateGeneration: row.state_generation,
    due: row.due,
    firstSyncStarted: row.started,
    firstSyncDone: row.done,
  }));
}

/** A step of the state machine; what is left out stays. */
export interface StateChange {
  readonly state: IntegrationStateName;
  readonly platform?: string;
  readonly topDepartmentId?: number;
  readonly defaultDepartmentId?: number | null;
  readonly topUnitId?: string | null;
  readonly snapshotId?: string;
}

/** Moves an integration on, where it is still in the state it was seen in. False: it is not. */
export async function moveState(db: Knex, integration: Integration, change: StateChange): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update sink.integration_state
        set state = :state, code = null, message = null, generation = :generation, updated_at = now(),
            platform = coalesce(:platform, platform),
            top_department_id = coalesce(:topDepartmentId, top_department_id),
            default_department_id = coalesce(:defaultDepartmentId, default_department_id),
            top_unit_id = coalesce(:topUnitId, top_unit_id),
            snapshot_id = coalesce(:snapshotId, snapshot_id),
            first_sync_started_at = case when :state = 'first_sync' then coalesce(first_sync_started_at, now())
                                         else first_sync_started_at end,
            first_sync_done_at = case when :state = 'live' then coalesce(first_sync_done_at, now()) else first_sync_done_at end
      where integration_id = :id and state = :from
      returning 1`,
    {
      id: integration.id,
      from: integration.state,
      generation: integration.generation,
      state: change.state,
      platform: change.platform ?? null,
      topDepartmentId: change.topDepartmentId ?? null,
      defaultDepartmentId: change.defaultDepartmentId ?? null,
      topUnitId: change.topUnitId ?? null,
      snapshotId: change.snapshotId ?? null,
    },
  );
  return rows.length > 0;
}

/**
 * Keeps the state and says why it does not go on; tried again after `retryMs`. No code = nothing is wrong any more. What
 * is halted keeps its code, and the generation it was halted with: a way to the platform that opens heals no halt.
 */
export async function reportState(
  db: Knex,
  report: {
    readonly id: string;
    readonly code: string | null;
    readonly message: string | null;
    readonly retryMs: number;
    readonly generation: number;
  },
): Promise<void> {
  await db.raw(
    `update sink.integration_state
        set code = :code, message = :message, generation = :generation, retry_at = now() + :retryMs * interval '1 ms',
            updated_at = now()
      where integration_id = :id and state <> 'halted'`,
    { ...report },
  );
}

/** The whole tenant stops; an operator's change of the integration (a new generation) lets it try again. */
export async function haltIntegration(
  db: Knex,
  halt: { readonly id: string; readonly code: string; readonly message: string; readonly generation: number },
): Promise<void> {
  await db.raw(
    `update sink.integration_state
        set state = 'halted', code = :code, message = :message, generation = :generation, updated_at = now()
      where integration_id = :id`,
    { ...halt },
  );
}

/** Makes a platform known; its row outlives its integrations. */
export async function putPlatform(
  db: Knex,
  platform: { readonly id: string; readonly baseUrl: string },
): Promise<void> {
  await db.raw(`insert into sink.platform (id, base_url) values (:id, :baseUrl) on conflict (id) do nothing`, {
    ...platform,
  });
}
