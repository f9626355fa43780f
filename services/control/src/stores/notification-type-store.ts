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

/** Of the newest of the ledger: a type that came and that Learningbank does not name can be switched off too. */
async function typesThatCame(db: Knex, integration: string): Promise<readonly string[]> {
  const { rows } = await db.raw<{ rows: { type: string }[] }>(
    `select distinct type
       from (select type, is_test from bridge.notification where integration_id = ? order by id desc limit 1000) newest
      where not is_test`,
    [integration],
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
