import type { IntegrationSettings } from '@orgstream/core';
import type { Knex } from 'knex';

/** The settings as they were when an editor read them; the edit is refused when either has moved since. */
export interface SettingsRead {
  /** In force. */
  readonly version: number;
  /** Written last; above `version` it waits for its run. */
  readonly newest: number;
}

/**
 * Writes a new version, not in force yet. Of two editors who read the same, one wins: the other's answer is undefined.
 * Without `read`, it is written whatever there is.
 */
export async function insertSettings(
  db: Knex,
  edit: {
    readonly integration: string;
    readonly settings: IntegrationSettings;
    readonly by: string;
    readonly read?: SettingsRead;
  },
): Promise<number | undefined> {
  return db.transaction(async (tx) => {
    const now = await readSettingsVersions(tx, edit.integration, { lock: true });
    if (!now || (edit.read && (edit.read.version !== now.version || edit.read.newest !== now.newest))) return undefined;
    await tx.raw(`insert into control.settings (integration_id, version, settings, created_by) values (?, ?, ?, ?)`, [
      edit.integration,
      now.newest + 1,
      JSON.stringify(edit.settings),
      edit.by,
    ]);
    return now.newest + 1;
  });
}

/** Takes back the newest version, where it never came into force and no run plans it: its run was refused. */
export async function dropSettings(db: Knex, integration: string, version: number): Promise<void> {
  await db.transaction(async (tx) => {
    const now = await readSettingsVersions(tx, integration, { lock: true });
    if (!now || now.newest !== version || now.version === version) return;
    await tx.raw(
      `delete from control.settings where integration_id = :integration and version = :version
          and not exists (select from sink.run where integration_id = :integration and settings_version = :version)`,
      { integration, version },
    );
  });
}

export async function readSettingsVersions(
  db: Knex,
  integration: string,
  options: { readonly lock?: boolean } = {},
): Promise<SettingsRead | undefined> {
  const { rows } = await db.raw<{ rows: { version: number; newest: number }[] }>(
    `select i.settings_version as version,
            (select max(version) from control.settings s where s.integration_id = i.id) as newest
       from control.integration i where i.id = ? ${options.lock ? 'for update' : ''}`,
    [integration],
  );
  return rows[0];
}
