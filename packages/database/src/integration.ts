import { AppError, completeSettings, parseTenantKey, type IntegrationSettings } from '@orgstream/core';
import type { Knex } from 'knex';
import { insertCommand } from './command.ts';
import { insertSecret, type SealedSecret } from './secret.ts';

export interface IntegrationRow {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly product: 'sync' | 'login';
  readonly platform_url: string;
  readonly secret_id: string;
  readonly enabled: boolean;
  readonly generation: number;
  readonly settings: IntegrationSettings;
}

/**
 * Joins a tenant to a platform. In one transaction: integration, settings, secret and the command that makes ziik-cdc
 * snapshot the tenant: where *sync* finds no proved snapshot, or the tenant had no integration (its facts were dropped
 * then, whatever an earlier one has left). The order matters: ingest keeps facts only of tenants that have an integration,
 * so a snapshot asked for before the commit could be read by an ingest that does not know the tenant yet.
 */
export async function createIntegration(
  db: Knex,
  integration: {
    readonly tenant: string;
    readonly name: string;
    readonly product: 'sync' | 'login';
    readonly platformUrl: string;
    readonly credentials: SealedSecret;
    readonly settings: IntegrationSettings;
  },
): Promise<string> {
  const key = parseTenantKey(integration.tenant);
  if (!key) throw new AppError('USAGE', `tenant ${integration.tenant} is not <source>.<site id>, for example eu1.42`);
  return db.transaction(async (tx) => {
    await tx.raw(`insert into control.tenant (key, source, site_id) values (?, ?, ?) on conflict (key) do nothing`, [
      integration.tenant,
      key.source,
      key.siteId,
    ]);
    const secretId = await insertSecret(tx, integration.credentials);
    const { rows } = await tx.raw<{ rows: { id: string }[] }>(
      `insert into control.integration (tenant, name, product, platform_url, secret_id) values (?, ?, ?, ?, ?)
       on conflict (tenant, platform_url) do nothing returning id`,
      [integration.tenant, integration.name, integration.product, integration.platformUrl, secretId],
    );
    const id = rows[0]?.id;
    if (id === undefined) {
      throw new AppError(
        'ALREADY_EXISTS',
        `tenant ${integration.tenant} already has an integration with this platform`,
      );
    }
    await tx.raw(`insert into control.settings (integration_id, version, settings) values (?, 1, ?)`, [
      id,
      JSON.stringify(integration.settings),
    ]);
    const whole = (await hasOther(tx, integration.tenant, id)) && (await hasProvedSnapshot(tx, integration.tenant));
    if (!whole) {
      await insertCommand(tx, {
        addressee: 'ziik-cdc',
        kind: 'snapshot',
        payload: { source: key.source, tenant: integration.tenant, reason: 'first_sync' },
      });
    }
    return id;
  });
}

async function hasOther(db: Knex, tenant: string, id: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select from control.integration where tenant = ? and id <> ? limit 1`,
    [tenant, id],
  );
  return rows.length > 0;
}

async function hasProvedSnapshot(db: Knex, tenant: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select from sink.snapshot where tenant = ? and state = 'proved' limit 1`,
    [tenant],
  );
  return rows.length > 0;
}

/** Every integration with its current settings. */
export async function listIntegrations(db: Knex): Promise<readonly IntegrationRow[]> {
  const { rows } = await db.raw<{ rows: IntegrationRow[] }>(
    `select i.id, i.tenant, i.name, i.product, i.platform_url, i.secret_id, i.enabled, i.generation, s.settings
       from control.integration i
       join control.settings s on s.integration_id = i.id and s.version = i.settings_version
      order by i.created_at, i.id`,
  );
  return rows.map((row) => ({ ...row, settings: completeSettings(row.settings) }));
}

/**
 * Brings a version of the settings into force; what was planned under another is refused from then on. One function for
 * both who may do it: `control`, and the sink when a settings run is approved.
 */
export async function activateSettings(db: Knex, id: string, version: number): Promise<void> {
  await db.raw(
    `update control.integration set settings_version = :version, generation = generation + 1
      where id = :id and settings_version <> :version`,
    { id, version },
  );
}

/** An edit of an integration itself; what is left out stays. */
export interface IntegrationEdit {
  readonly name?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly paused?: boolean | undefined;
  readonly shadow?: boolean | undefined;
  readonly credentials?: SealedSecret | undefined;
}

/**
 * Changes an integration that still has `generation`; the new generation, or undefined when it was changed since or is
 * gone. An old set of credentials is erased.
 */
export async function changeIntegration(
  db: Knex,
  id: string,
  generation: number,
  edit: IntegrationEdit,
): Promise<number | undefined> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: { secret_id: string }[] }>(
      `select secret_id from control.integration where id = ? and generation = ? for update`,
      [id, generation],
    );
    const old = rows[0]?.secret_id;
    if (old === undefined) return undefined;
    const secretId = edit.credentials ? await insertSecret(tx, edit.credentials) : null;
    const { rows: changed } = await tx.raw<{ rows: { generation: number }[] }>(
      `update control.integration
          set name = coalesce(:name, name), enabled = coalesce(:enabled, enabled), paused = coalesce(:paused, paused),
              shadow = coalesce(:shadow, shadow), secret_id = coalesce(:secretId, secret_id), generation = generation + 1
        where id = :id returning generation`,
      {
        id,
        secretId,
        name: edit.name ?? null,
        enabled: edit.enabled ?? null,
        paused: edit.paused ?? null,
        shadow: edit.shadow ?? null,
      },
    );
    if (secretId !== null) await tx.raw(`delete from control.secret where id = ?`, [old]);
    return changed[0]!.generation;
  });
}

/**
 * Erases an integration that still has `generation`, with its links, work, attempts, runs, settings and credentials;
 * false when it was changed since or is gone. The target is left as it is; the sink erases the replica of a tenant that
 * has no integration left.
 */
export async function removeIntegration(db: Knex, id: string, generation: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: { secret_id: string }[] }>(
      `select secret_id from control.integration where id = ? and generation = ? for update`,
      [id, generation],
    );
    if (!rows[0]) return false;
    const { rows: channel } = await tx.raw<{ rows: { secrets: (string | null)[] }[] }>(
      `select array[sender_secret_id, hook_secret_id, old_hook_secret_id]::text[] as secrets
         from control.channel where integration_id = ? for update`,
      [id],
    );
    const secrets = [rows[0].secret_id, ...(channel[0]?.secrets ?? [])].filter((secret) => secret !== null);
    // Links, runs and ledger of a large tenant go with it: that may take longer than a question.
    await tx.raw(`set local statement_timeout = 0`);
    await tx.raw(`delete from control.integration where id = ?`, [id]);
    await tx.raw(`delete from control.secret where id = any(cast(? as uuid[]))`, [secrets]);
    return true;
  });
}
