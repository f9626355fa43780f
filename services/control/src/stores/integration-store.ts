import type { Integration } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';
import { instantKey, iso } from './sql.ts';

interface Row extends Pick<
  Integration,
  'id' | 'tenant' | 'name' | 'product' | 'enabled' | 'paused' | 'shadow' | 'generation' | 'state' | 'code' | 'message'
> {
  readonly tenant_name: string | null;
  readonly platform_url: string;
  readonly platform: string | null;
  readonly settings_version: number;
  readonly preset: string | null;
  readonly created_at: Date;
  readonly created_key: string;
  readonly first_sync_started_at: Date | null;
  readonly first_sync_done_at: Date | null;
  readonly first_sync_total: number | null;
  readonly drift_proved_at: Date | null;
  readonly drift_known: number | null;
  readonly drift_differing: number | null;
}

const select = /* sql */ `
  select i.id, i.tenant, coalesce(t.identifier, t.name) as tenant_name, i.name, i.product, i.platform_url, s.platform,
         i.enabled, i.paused, i.shadow, i.generation, i.settings_version, v.settings ->> 'preset' as preset,
         i.created_at, ${instantKey('i.created_at')} as created_key, s.state, s.code, s.message,
         s.first_sync_started_at, s.first_sync_done_at, s.first_sync_total,
         s.drift_proved_at, s.drift_known, s.drift_differing
    from control.integration i
    join control.settings v on v.integration_id = i.id and v.version = i.settings_version
    left join sink.integration_state s on s.integration_id = i.id
    left join sink.tenant t on t.tenant = i.tenant`;

export async function readIntegration(db: Knex, id: string): Promise<Integration | undefined> {
  const { rows } = await db.raw<{ rows: Row[] }>(`${select} where i.id = ?`, [id]);
  return rows[0] && toIntegration(rows[0]);
}

/** Oldest first, one more than `limit`. */
export async function listIntegrationPage(
  db: Knex,
  options: {
    readonly tenants: readonly string[] | null;
    readonly tenant: string | undefined;
    readonly after: readonly [createdAt: string, id: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly Row[]> {
  const { rows } = await db.raw<{ rows: Row[] }>(
    `${select}
      where (cast(:tenants as text[]) is null or i.tenant = any(cast(:tenants as text[])))
        and (cast(:tenant as text) is null or i.tenant = :tenant)
        and (cast(:at as text) is null or (i.created_at, i.id) > (cast(:at as text)::timestamptz, cast(:id as text)::uuid))
      order by i.created_at, i.id limit :limit`,
    {
      tenants: options.tenants ? [...options.tenants] : null,
      tenant: options.tenant ?? null,
      at: options.after?.[0] ?? null,
      id: options.after?.[1] ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}

export function toIntegration(row: Row): Integration {
  const { id, tenant, name, product, enabled, paused, shadow, generation, state, code, message } = row;
  const { drift_known: known, drift_differing: differing, drift_proved_at: provedAt } = row;
  return {
    id,
    tenant,
    tenantName: row.tenant_name,
    name,
    product,
    platformUrl: row.platform_url,
    platform: row.platform,
    enabled,
    paused,
    shadow,
    generation,
    settingsVersion: row.settings_version,
    preset: row.preset ?? 'ziik',
    createdAt: row.created_at.toISOString(),
    state,
    code,
    message,
    firstSync:
      row.state === null
        ? null
        : {
            startedAt: iso(row.first_sync_started_at),
            doneAt: iso(row.first_sync_done_at),
            total: row.first_sync_total,
          },
    drift:
      provedAt === null ? null : { provedAt: provedAt.toISOString(), known: known ?? 0, differing: differing ?? 0 },
  };
}
