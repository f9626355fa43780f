import type { Knex } from '@orgstream/database';

/** What decides whether a platform may be taken. */
export interface PlatformClaim {
  readonly id: string;
  readonly owner: string | null;
  /** The lease has run out, or was given back. */
  readonly free: boolean;
}

/** Platforms that a sync integration uses, with who holds them. */
export async function listPlatforms(db: Knex): Promise<readonly PlatformClaim[]> {
  const { rows } = await db.raw<{ rows: PlatformClaim[] }>(
    `select p.id, p.lease_owner as owner, p.lease_until is null or p.lease_until < now() as free
       from sink.platform p
      where exists (select from sink.integration_state s where s.platform = p.id)
      order by p.id`,
  );
  return rows;
}

/** Says that this replica lives; returns how many do. Those not heard of for ten leases are forgotten. */
export async function beat(db: Knex, replica: string, leaseMs: number): Promise<number> {
  await db.raw(`insert into sink.replica (id) values (:replica) on conflict (id) do update set seen_at = now()`, {
    replica,
  });
  const { rows } = await db.raw<{ rows: { live: number }[] }>(
    `with gone as (delete from sink.replica where seen_at < now() - :leaseMs * interval '10 ms')
     select count(*) as live from sink.replica where seen_at > now() - :leaseMs * interval '1 ms'`,
    { leaseMs },
  );
  return Number(rows[0]!.live);
}

export async function forgetReplica(db: Knex, replica: string): Promise<void> {
  await db.raw(`delete from sink.replica where id = :replica`, { replica });
}

/** Takes a free platform; the token rises, which shuts out whoever held it. Undefined: somebody was faster. */
export async function takeLease(
  db: Knex,
  lease: { readonly platform: string; readonly owner: string; readonly leaseMs: number },
): Promise<number | undefined> {
  const { rows } = await db.raw<{ rows: { lease_token: string }[] }>(
    `update sink.platform
        set lease_token = lease_token + 1, lease_owner = :owner, lease_until = now() + :leaseMs * interval '1 ms',
            updated_at = now()
      where id = :platform and (lease_until is null or lease_until < now())
      returning lease_token`,
    { ...lease },
  );
  return rows[0] && Number(rows[0].lease_token);
}

/** Renews many leases in one statement; returns the platforms that are still ours. */
export async function renewLeases(
  db: Knex,
  renewal: {
    readonly leases: readonly { readonly platform: string; readonly token: number }[];
    readonly leaseMs: number;
  },
): Promise<ReadonlySet<string>> {
  if (renewal.leases.length === 0) return new Set();
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `update sink.platform p set lease_until = now() + :leaseMs * interval '1 ms'
       from unnest(cast(:platforms as text[]), cast(:tokens as bigint[])) as ours (platform, token)
      where p.id = ours.platform and p.lease_token = ours.token and p.lease_owner is not null
      returning p.id`,
    {
      leaseMs: renewal.leaseMs,
      platforms: renewal.leases.map(({ platform }) => platform),
      tokens: renewal.leases.map(({ token }) => token),
    },
  );
  return new Set(rows.map(({ id }) => id));
}

/** Gives a platform back once nothing of it is in flight, so that the next owner need not wait for the lease. */
export async function releaseLease(
  db: Knex,
  lease: { readonly platform: string; readonly token: number },
): Promise<void> {
  await db.raw(
    `update sink.platform set lease_owner = null, lease_until = null, updated_at = now()
      where id = :platform and lease_token = :token`,
    { ...lease },
  );
}

/** Makes the breaker visible to operators. Fenced: only the owner speaks. */
export async function writeBreaker(
  db: Knex,
  platform: { readonly id: string; readonly token: number; readonly breaker: string; readonly code: string | null },
): Promise<void> {
  await db.raw(
    `update sink.platform set breaker = :breaker, code = :code, updated_at = now()
      where id = :id and lease_token = :token and (breaker, code) is distinct from (:breaker, :code)`,
    { ...platform },
  );
}
