import type { Knex } from 'knex';

/** Our switch and texts of one notification type; a type without a row is on, with Learningbank's text. */
export interface NotificationSettingRow {
  readonly type: string;
  readonly enabled: boolean;
  /** Language to template. */
  readonly texts: Readonly<Record<string, string>>;
  readonly version: number;
  readonly changed_by: string | null;
  readonly changed_at: Date;
}

const columns = 'type, enabled, texts, version, changed_by, changed_at';

export async function listNotificationSettings(
  db: Knex,
  integration: string,
): Promise<readonly NotificationSettingRow[]> {
  const { rows } = await db.raw<{ rows: NotificationSettingRow[] }>(
    `select ${columns} from control.notification_setting where integration_id = ? order by type`,
    [integration],
  );
  return rows;
}

/** Writes a type that still has `version` (0: no row yet); undefined when it was changed since. */
export async function writeNotificationSetting(
  db: Knex,
  setting: {
    readonly integration: string;
    readonly type: string;
    readonly version: number;
    readonly enabled: boolean;
    readonly texts: Readonly<Record<string, string>>;
    readonly by: string;
  },
): Promise<NotificationSettingRow | undefined> {
  const { rows } = await db.raw<{ rows: NotificationSettingRow[] }>(
    `insert into control.notification_setting as s (integration_id, type, enabled, texts, changed_by)
     select :integration, :type, :enabled, cast(:texts as jsonb), :by
      where :version = 0 or exists (select from control.notification_setting n
                                     where n.integration_id = :integration and n.type = :type and n.version = :version)
     on conflict (integration_id, type) do update
        set enabled = excluded.enabled, texts = excluded.texts, version = s.version + 1,
            changed_by = excluded.changed_by, changed_at = now()
      where s.version = :version
     returning ${columns}, pg_notify('orgstream_integration', '')`,
    { ...setting, texts: JSON.stringify(setting.texts) },
  );
  return rows[0];
}
