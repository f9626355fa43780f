import type { Knex } from 'knex';
import { insertSecret, type SealedSecret } from './secret.ts';

/** The Ziik channel of an integration, as operators set it. */
export interface ChannelRow {
  readonly integration_id: string;
  readonly version: number;
  readonly enabled: boolean;
  readonly ziik_url: string;
  /** Holds JSON: `{username, password}` of the sender. */
  readonly sender_secret_id: string;
  /** Ziik user id. */
  readonly sender_id: string;
  readonly intake: 'hook' | 'poll';
  /** Holds the secret itself. */
  readonly hook_secret_id: string | null;
  readonly old_hook_secret_id: string | null;
  readonly old_hook_secret_until: Date | null;
  readonly conversations: 'auto' | 'new' | 'old';
  readonly default_language: string;
  readonly max_age_s: number;
  readonly quiet: boolean;
  readonly quiet_during_runs: boolean;
  readonly since: Date;
  readonly changed_by: string | null;
  readonly changed_at: Date;
}

/** What of a channel can be set; secrets are sealed. */
export interface ChannelFields {
  readonly enabled: boolean;
  readonly ziikUrl: string;
  readonly sender: { readonly id: number; readonly secret: SealedSecret };
  readonly intake: 'hook' | 'poll';
  readonly conversations: 'auto' | 'new' | 'old';
  readonly defaultLanguage: string;
  readonly maxAgeS: number;
  readonly quiet: boolean;
  readonly quietDuringRuns: boolean;
  /** Given where there is none yet. */
  readonly hookSecret: SealedSecret | undefined;
}

/** What is left out stays. */
export type ChannelEdit = { readonly [K in keyof ChannelFields]?: ChannelFields[K] | undefined };

interface Key {
  readonly integration: string;
  readonly by: string;
}

export async function readChannel(db: Knex, integration: string): Promise<ChannelRow | undefined> {
  const { rows } = await db.raw<{ rows: ChannelRow[] }>(`select * from control.channel where integration_id = ?`, [
    integration,
  ]);
  return rows[0];
}

/** Makes the channel; false when there is one already. */
export async function insertChannel(db: Knex, { integration, by }: Key, channel: ChannelFields): Promise<boolean> {
  return db.transaction(async (tx) => {
    // Locked, and only then looked at: of two who make it at once the second sees the first's.
    const { rows: locked } = await tx.raw<{ rows: unknown[] }>(
      `select from control.integration where id = ? for update`,
      [integration],
    );
    if (locked.length === 0 || (await readChannel(tx, integration))) return false;
    const senderSecret = await insertSecret(tx, channel.sender.secret);
    const hookSecret = channel.hookSecret ? await insertSecret(tx, channel.hookSecret) : null;
    const { rows } = await tx.raw<{ rows: unknown[] }>(
      `insert into control.channel (integration_id, enabled, ziik_url, sender_secret_id, sender_id, intake, hook_secret_id,
         conversations, default_language, max_age_s, quiet, quiet_during_runs, changed_by)
       values (:integration, :enabled, :ziikUrl, :senderSecret, :senderId, :intake, :hookSecret,
         :conversations, :defaultLanguage, :maxAgeS, :quiet, :quietDuringRuns, :by)
       returning pg_notify('orgstream_integration', '')`,
      { ...valuesOf(channel), integration, by, senderSecret, hookSecret },
    );
    return rows.length > 0;
  });
}

/**
 * Changes a channel that still has `version`; the new version, or undefined when it was changed since or is gone.
 * Replaced secrets are erased. Switched on again, it begins anew: what a hook brought meanwhile was skipped, and what a poll
 * finds of that time is not sent either.
 */
export async function changeChannel(
  db: Knex,
  { integration, by, version }: Key & { readonly version: number },
  edit: ChannelEdit,
): Promise<number | undefined> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: Pick<ChannelRow, 'sender_secret_id'>[] }>(
      `select sender_secret_id from control.channel where integration_id = ? and version = ? for update`,
      [integration, version],
    );
    if (!rows[0]) return undefined;
    const senderSecret = edit.sender ? await insertSecret(tx, edit.sender.secret) : null;
    const hookSecret = edit.hookSecret ? await insertSecret(tx, edit.hookSecret) : null;
    const { rows: changed } = await tx.raw<{ rows: { version: number }[] }>(
      `update control.channel
          set version = version + 1, changed_by = :by, changed_at = now(),
              since = case when cast(:enabled as boolean) and not enabled then now() else since end,
              enabled = coalesce(:enabled, enabled), ziik_url = coalesce(:ziikUrl, ziik_url),
              sender_secret_id = coalesce(:senderSecret, sender_secret_id), sender_id = coalesce(:senderId, sender_id),
              intake = coalesce(:intake, intake), hook_secret_id = coalesce(:hookSecret, hook_secret_id),
              conversations = coalesce(:conversations, conversations),
              default_language = coalesce(:defaultLanguage, default_language),
              max_age_s = coalesce(:maxAgeS, max_age_s), quiet = coalesce(:quiet, quiet),
              quiet_during_runs = coalesce(:quietDuringRuns, quiet_during_runs)
        where integration_id = :integration returning version, pg_notify('orgstream_integration', '')`,
      { ...valuesOf(edit), integration, by, senderSecret, hookSecret },
    );
    if (senderSecret !== null) await deleteSecrets(tx, [rows[0].sender_secret_id]);
    return changed[0]!.version;
  });
}

/** Removes a channel that still has `version`, with its secrets and texts; the ledger stays. */
export async function removeChannel(db: Knex, integration: string, version: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: SecretIds[] }>(
      `delete from control.channel where integration_id = ? and version = ?
       returning sender_secret_id, hook_secret_id, old_hook_secret_id, pg_notify('orgstream_integration', '')`,
      [integration, version],
    );
    if (!rows[0]) return false;
    await deleteSecrets(tx, secretIds(rows[0]));
    return true;
  });
}

/**
 * A new hook secret for a channel that still has `version`; the one before it is good for `keepOldS` more, the one before
 * that no longer. Undefined when the channel was changed since or is gone.
 */
export async function rotateHookSecret(
  db: Knex,
  { integration, by, version }: Key & { readonly version: number },
  { secret, keepOldS }: { readonly secret: SealedSecret; readonly keepOldS: number },
): Promise<{ readonly version: number; readonly until: Date | null } | undefined> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: SecretIds[] }>(
      `select sender_secret_id, hook_secret_id, old_hook_secret_id from control.channel
        where integration_id = ? and version = ? for update`,
      [integration, version],
    );
    const old = rows[0];
    if (!old) return undefined;
    const keep = keepOldS > 0 && old.hook_secret_id !== null;
    const { rows: changed } = await tx.raw<{ rows: { version: number; until: Date | null }[] }>(
      `update control.channel
          set version = version + 1, changed_by = :by, changed_at = now(), hook_secret_id = :secret,
              old_hook_secret_id = :kept,
              old_hook_secret_until = case when cast(:kept as uuid) is null then null
                                           else now() + :keepOldS * interval '1 s' end
        where integration_id = :integration returning version, old_hook_secret_until as until`,
      { integration, by, keepOldS, secret: await insertSecret(tx, secret), kept: keep ? old.hook_secret_id : null },
    );
    await deleteSecrets(tx, [old.old_hook_secret_id, ...(keep ? [] : [old.hook_secret_id])]);
    return changed[0];
  });
}

/** Erases hook secrets that are no longer taken. */
export async function forgetHookSecrets(db: Knex): Promise<void> {
  await db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: SecretIds[] }>(
      `with gone as (
         select integration_id, sender_secret_id, hook_secret_id, old_hook_secret_id from control.channel
          where old_hook_secret_until < now() for update)
       update control.channel c set old_hook_secret_id = null, old_hook_secret_until = null
         from gone where c.integration_id = gone.integration_id returning gone.old_hook_secret_id`,
    );
    await deleteSecrets(
      tx,
      rows.map((row) => row.old_hook_secret_id),
    );
  });
}

interface SecretIds {
  readonly sender_secret_id: string;
  readonly hook_secret_id: string | null;
  readonly old_hook_secret_id: string | null;
}

const secretIds = (row: SecretIds): (string | null)[] => [
  row.sender_secret_id,
  row.hook_secret_id,
  row.old_hook_secret_id,
];

async function deleteSecrets(tx: Knex, ids: readonly (string | null)[]): Promise<void> {
  const there = ids.filter((id) => id !== null);
  if (there.length > 0) await tx.raw(`delete from control.secret where id = any(cast(? as uuid[]))`, [there]);
}

function valuesOf(edit: ChannelEdit): Record<string, string | number | boolean | null> {
  return {
    enabled: edit.enabled ?? null,
    ziikUrl: edit.ziikUrl ?? null,
    senderId: edit.sender?.id ?? null,
    intake: edit.intake ?? null,
    conversations: edit.conversations ?? null,
    defaultLanguage: edit.defaultLanguage ?? null,
    maxAgeS: edit.maxAgeS ?? null,
    quiet: edit.quiet ?? null,
    quietDuringRuns: edit.quietDuringRuns ?? null,
  };
}
