import type { Knex } from 'knex';

/** Whether people may log in, and where the shortcut is shown. */
export interface LoginSettingRow {
  /** 0: never changed, everything is on. */
  readonly version: number;
  readonly enabled: boolean;
  readonly web_menu: boolean;
  readonly app: boolean;
  readonly changed_by: string | null;
  readonly changed_at: Date | null;
}

const columns = 'version, enabled, web_menu, app, changed_by, changed_at';

export async function readLoginSetting(db: Knex, integration: string): Promise<LoginSettingRow> {
  const { rows } = await db.raw<{ rows: LoginSettingRow[] }>(
    `select ${columns} from control.login_setting where integration_id = ?`,
    [integration],
  );
  return rows[0] ?? { version: 0, enabled: true, web_menu: true, app: true, changed_by: null, changed_at: null };
}

/** Changes switches that still have `version`; undefined when they were changed since. What is left out stays. */
export async function changeLoginSetting(
  db: Knex,
  edit: {
    readonly integration: string;
    readonly version: number;
    readonly enabled: boolean | undefined;
    readonly webMenu: boolean | undefined;
    readonly app: boolean | undefined;
    readonly by: string;
  },
): Promise<LoginSettingRow | undefined> {
  const { rows } = await db.raw<{ rows: LoginSettingRow[] }>(
    `insert into control.login_setting as s (integration_id, enabled, web_menu, app, changed_by)
     select :integration, coalesce(:enabled, true), coalesce(:webMenu, true), coalesce(:app, true), :by
      where :version = 0 or exists (select from control.login_setting n
                                     where n.integration_id = :integration and n.version = :version)
     on conflict (integration_id) do update
        set enabled = coalesce(:enabled, s.enabled), web_menu = coalesce(:webMenu, s.web_menu),
            app = coalesce(:app, s.app), version = s.version + 1, changed_by = :by, changed_at = now()
      where s.version = :version
     returning ${columns}, pg_notify('orgstream_integration', '')`,
    {
      integration: edit.integration,
      version: edit.version,
      enabled: edit.enabled ?? null,
      webMenu: edit.webMenu ?? null,
      app: edit.app ?? null,
      by: edit.by,
    },
  );
  return rows[0];
}
