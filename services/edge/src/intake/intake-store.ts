import type { NotificationType } from '@orgstream/clients';
import type { Knex } from '@orgstream/database';

/** A channel as its intake needs it. */
export interface IntakeChannel {
  readonly integration: string;
  readonly tenant: string;
  readonly platformUrl: string;
  readonly secretId: string;
  readonly poll: boolean;
  /** Nothing from before is sent; Unix ms. */
  readonly sinceMs: number;
}

/** Channels that are on, of integrations that are on. */
export async function listIntakeChannels(db: Knex): Promise<readonly IntakeChannel[]> {
  const { rows } = await db.raw<{ rows: (Omit<IntakeChannel, 'sinceMs'> & { readonly sinceMs: string })[] }>(
    `select i.id as integration, i.tenant, i.platform_url as "platformUrl", i.secret_id as "secretId",
            c.intake = 'poll' as poll,
            floor(extract(epoch from greatest(c.since, now() - c.max_age_s * interval '1 s')) * 1000) as "sinceMs"
       from control.channel c join control.integration i on i.id = c.integration_id
      where c.enabled and i.enabled order by i.created_at, i.id`,
  );
  return rows.map((row) => ({ ...row, sinceMs: Number(row.sinceMs) }));
}

/** An intake that is ours for a while. */
export interface IntakeLease {
  readonly integration: string;
  /** Rises with each owner: whoever had it before moves no cursor any more. */
  readonly token: number;
  /** Id of the last notification that Kafka has; undefined = it was never polled. */
  readonly after: number | undefined;
  readonly typesDue: boolean;
}

/** Takes or keeps the intake of an integration; undefined: another replica has it, or the integration is gone. */
export async function leaseIntake(
  db: Knex,
  lease: {
    readonly integration: string;
    readonly owner: string;
    readonly leaseMs: number;
    readonly typesMs: number;
  },
): Promise<IntakeLease | undefined> {
  const { rows } = await db.raw<{ rows: { lease_token: string; poll_after: string | null; types_due: boolean }[] }>(
    `insert into edge.intake as e (integration_id, owner, lease_token, lease_until)
     select integration_id, :owner, 1, now() + :leaseMs * interval '1 ms' from control.channel
      where integration_id = :integration
     on conflict (integration_id) do update
        set lease_token = e.lease_token + case when e.owner is not distinct from excluded.owner then 0 else 1 end,
            owner = excluded.owner, lease_until = excluded.lease_until, updated_at = now()
      where e.owner is not distinct from excluded.owner or e.lease_until is null or e.lease_until < now()
     returning lease_token, poll_after,
               types_read_at is null or types_read_at < now() - :typesMs * interval '1 ms' as types_due`,
    lease,
  );
  const row = rows[0];
  return (
    row && {
      integration: lease.integration,
      token: Number(row.lease_token),
      after: row.poll_after === null ? undefined : Number(row.poll_after),
      typesDue: row.types_due,
    }
  );
}

/** Everything up to `after` is in Kafka. False: the intake is another replica's by now. */
export async function moveCursor(
  db: Knex,
  moved: {
    readonly integration: string;
    readonly token: number;
    readonly after: number;
    readonly received: boolean;
    readonly leaseMs: number;
  },
): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update edge.intake
        set poll_after = :after, received_at = case when :received then now() else received_at end,
            lease_until = now() + :leaseMs * interval '1 ms', updated_at = now()
      where integration_id = :integration and lease_token = :token
      returning 1`,
    moved,
  );
  return rows.length > 0;
}

/** A hook took a notification just now. False: nobody has looked after this intake yet. */
export async function storeReceived(db: Knex, integration: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update edge.intake set received_at = now() where integration_id = ? returning 1`,
    [integration],
  );
  return rows.length > 0;
}

/** Says what is wrong with an intake, or null: nothing is. */
export async function noteIntake(
  db: Knex,
  note: { readonly integration: string; readonly token: number; readonly code: string | null },
): Promise<void> {
  await db.raw(
    `update edge.intake set code = :code, updated_at = now()
      where integration_id = :integration and lease_token = :token and code is distinct from :code`,
    note,
  );
}

/** The platform's notification types, as its channel Ziik has them. */
export async function writeTypes(
  db: Knex,
  read: { readonly integration: string; readonly token: number; readonly types: readonly NotificationType[] },
): Promise<void> {
  const types = read.types.map(({ key, name, mandatory, ziik }) => ({
    key,
    name,
    mandatory,
    enabled: ziik?.enabled ?? false,
    body: ziik?.body ?? '',
  }));
  await db.raw(
    `update edge.intake set types = cast(:types as jsonb), types_read_at = now(), updated_at = now()
      where integration_id = :integration and lease_token = :token`,
    { integration: read.integration, token: read.token, types: JSON.stringify(types) },
  );
}

/** Keeps intakes that take long: a first poll, or one after a long time, outlasts a lease. */
export async function renewIntakes(
  db: Knex,
  renewal: { readonly owner: string; readonly integrations: readonly string[]; readonly leaseMs: number },
): Promise<void> {
  if (renewal.integrations.length === 0) return;
  await db.raw(
    `update edge.intake set lease_until = now() + ? * interval '1 ms'
      where owner = ? and integration_id = any(cast(? as uuid[]))`,
    [renewal.leaseMs, renewal.owner, [...renewal.integrations]],
  );
}

/** Gives up every intake of an owner that stops, so that another replica need not wait for the leases to run out. */
export async function releaseIntakes(db: Knex, owner: string): Promise<void> {
  await db.raw(`update edge.intake set owner = null, lease_until = null, updated_at = now() where owner = :owner`, {
    owner,
  });
}
