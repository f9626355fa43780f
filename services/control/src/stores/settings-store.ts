import { completeSettings, type IntegrationSettings } from '@orgstream/core';
import type { Knex } from '@orgstream/database';

export interface SettingsRow {
  readonly version: number;
  readonly in_force: boolean;
  readonly settings: IntegrationSettings;
  readonly created_by: string | null;
  readonly created_at: Date;
  /** Of the version before; null on the first. */
  readonly previous: IntegrationSettings | null;
}

/** Newest first, one more than `limit`. */
export async function listSettingsPage(
  db: Knex,
  options: { readonly integration: string; readonly before: string | undefined; readonly limit: number },
): Promise<readonly SettingsRow[]> {
  const { rows } = await db.raw<{ rows: SettingsRow[] }>(
    `select s.version, s.version = i.settings_version as in_force, s.settings, s.created_by, s.created_at,
            p.settings as previous
       from control.settings s
       join control.integration i on i.id = s.integration_id
       left join control.settings p on p.integration_id = s.integration_id and p.version = s.version - 1
      where s.integration_id = :integration
        and (cast(:before as text) is null or s.version < cast(:before as text)::bigint)
      order by s.version desc limit :limit`,
    { integration: options.integration, before: options.before ?? null, limit: options.limit + 1 },
  );
  return rows.map((row) => ({
    ...row,
    settings: completeSettings(row.settings),
    previous: row.previous && completeSettings(row.previous),
  }));
}

export async function readSettings(
  db: Knex,
  integration: string,
  version: number,
): Promise<IntegrationSettings | undefined> {
  const { rows } = await db.raw<{ rows: { settings: IntegrationSettings }[] }>(
    `select settings from control.settings where integration_id = ? and version = ?`,
    [integration, version],
  );
  return rows[0] && completeSettings(rows[0].settings);
}

/** Nothing has been applied yet, or ever will be: new settings need no run. */
export async function isUntouched(db: Knex, integration: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { untouched: boolean }[] }>(
    `select i.product = 'login'
            or (coalesce(s.state, 'new') in ('new', 'waiting_for_snapshot', 'listing')
                and not exists (select from sink.link l where l.integration_id = i.id)) as untouched
       from control.integration i left join sink.integration_state s on s.integration_id = i.id where i.id = ?`,
    [integration],
  );
  return rows[0]?.untouched ?? false;
}
