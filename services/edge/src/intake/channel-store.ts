import type { Knex, SealedSecret } from '@orgstream/database';

/** What has to be known of a channel to let a notification in. */
export interface HookChannel {
  readonly tenant: string;
  readonly secret: SealedSecret | undefined;
  /** Good for a while after a rotation. */
  readonly oldSecret: SealedSecret | undefined;
}

interface Row {
  readonly tenant: string;
  readonly key_id: string | null;
  readonly sealed: Buffer | null;
  readonly old_key_id: string | null;
  readonly old_sealed: Buffer | null;
}

/** The channel of an integration; undefined when there is none. */
export async function readHookChannel(db: Knex, integration: string): Promise<HookChannel | undefined> {
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select i.tenant, s.key_id, s.sealed, o.key_id as old_key_id, o.sealed as old_sealed
       from control.channel c
       join control.integration i on i.id = c.integration_id
       left join control.secret s on s.id = c.hook_secret_id
       left join control.secret o on o.id = c.old_hook_secret_id and c.old_hook_secret_until > now()
      where c.integration_id = ?`,
    [integration],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    tenant: row.tenant,
    secret: sealedOf(row.key_id, row.sealed),
    oldSecret: sealedOf(row.old_key_id, row.old_sealed),
  };
}

function sealedOf(keyId: string | null, sealed: Buffer | null): SealedSecret | undefined {
  return keyId === null || sealed === null ? undefined : { keyId, sealed };
}
