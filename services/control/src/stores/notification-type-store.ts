import type { NotificationType } from '@orgstream/control-api';
import { knownFields } from '@orgstream/core';
import { listNotificationSettings, type Knex, type NotificationSettingRow } from '@orgstream/database';
import { iso } from './sql.ts';

/** A type as edge read it from Learningbank. */
interface VendorType {
  readonly key: string;
  readonly name?: string | null;
  readonly mandatory?: boolean;
  readonly enabled?: boolean;
  readonly body?: string | null;
}

export interface NotificationTypes {
  readonly readAt: Date | null;
  /** By type. */
  readonly types: readonly NotificationType[];
}

/** Types that Learningbank names, that were changed here, or that came; each once. */
export async function readNotificationTypes(db: Knex, integration: string): Promise<NotificationTypes> {
  const [{ rows }, settings, came] = await Promise.all([
    db.raw<{ rows: { types: readonly VendorType[] | null; types_read_at: Date | null }[] }>(
      `select types, types_read_at from edge.intake where integration_id = ?`,
      [integration],
    ),
    listNotificationSettings(db, integration),
    typesThatCame(db, integration),
  ]);
  const vendor = new Map((rows[0]?.types ?? []).map((type) => [type.key, type]));
  const ours = new Map(settings.map((row) => [row.type, row]));
  const keys = [...new Set([...vendor.keys(), ...ours.keys(), ...came])].sort();
  return {
    readAt: rows[0]?.types_read_at ?? null,
    types: keys.map((key) => toType(key, vendor.get(key), ours.get(key))),
  };
}

/** A loose index scan: the ledger is large, its types are few. */
async function typesThatCame(db: Knex, integration: string): Promise<readonly string[]> {
  const { rows } = await db.raw<{ rows: { type: string }[] }>(
    `with recursive seen as (
       (select type from bridge.notification where integration_id = :integration and not is_test order by type limit 1)
       union all
       select (select n.type from bridge.notification n
                where n.integration_id = :integration and not n.is_test and n.type > seen.type order by n.type limit 1)
         from seen where seen.type is not null)
     select type from seen where type is not null limit 1000`,
    { integration },
  );
  return rows.map(({ type }) => type);
}

export function toType(
  type: string,
  vendor: VendorType | undefined,
  ours: NotificationSettingRow | undefined,
): NotificationType {
  const body = vendor?.body ?? null;
  return {
    type,
    name: vendor?.name ?? null,
    mandatory: vendor?.mandatory ?? false,
    enabledInLearningbank: vendor?.enabled ?? null,
    body,
    enabled: ours?.enabled ?? true,
    texts: { ...ours?.texts },
    fields: [...knownFields(body)],
    version: ours?.version ?? 0,
    changedBy: ours?.changed_by ?? null,
    changedAt: iso(ours?.changed_at ?? null),
  };
}
