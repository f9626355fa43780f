import type { Knex } from 'knex';

/** What decides whether a key may be taken. */
export interface LeaseClaim {
  readonly key: string;
  readonly owner: string | null;
  /** The lease has run out, or was given back. */
  readonly free: boolean;
}

/** A lease as Postgres knows it. */
interface LeaseToken {
  readonly key: string;
  readonly token: number;
}

/** Leases of one table, and the replicas that share them. */
export interface LeaseStore {
  /** The keys that are wanted, with who holds them. */
  list(): Promise<readonly LeaseClaim[]>;
  /** Says that this replica lives; returns how many do. Those not heard of for ten leases are forgotten. */
  beat(replica: string, leaseMs: number): Promise<number>;
  forget(replica: string): Promise<void>;
  /** Takes a free key; the token rises, which shuts out whoever held it. Undefined: somebody was faster. */
  take(lease: { readonly key: string; readonly owner: string; readonly leaseMs: number }): Promise<number | undefined>;
  /** Renews many leases in one statement; returns the keys that are still ours. */
  renew(renewal: { readonly leases: readonly LeaseToken[]; readonly leaseMs: number }): Promise<ReadonlySet<string>>;
  /** Gives a key back once nothing of it is in flight, so that the next owner need not wait for the lease. */
  release(lease: LeaseToken): Promise<void>;
}

/**
 * Leases kept in `table` (columns `<key>`, lease_token, lease_owner, lease_until, updated_at), shared by the replicas in
 * `replicas` (id, seen_at). `wanted`: condition on a row `l`; other keys are nobody's. Names and condition are SQL.
 */
export function createLeaseStore(
  db: Knex,
  { table, key, replicas, wanted }: Readonly<Record<'table' | 'key' | 'replicas' | 'wanted', string>>,
): LeaseStore {
  return {
    async list() {
      const { rows } = await db.raw<{ rows: LeaseClaim[] }>(
        `select l.${key} as key, l.lease_owner as owner, l.lease_until is null or l.lease_until < now() as free
           from ${table} l where ${wanted} order by 1`,
      );
      return rows;
    },
    async beat(replica, leaseMs) {
      await db.raw(`insert into ${replicas} (id) values (:replica) on conflict (id) do update set seen_at = now()`, {
        replica,
      });
      const { rows } = await db.raw<{ rows: { live: string }[] }>(
        `with gone as (delete from ${replicas} where seen_at < now() - :leaseMs * interval '10 ms')
         select count(*) as live from ${replicas} where seen_at > now() - :leaseMs * interval '1 ms'`,
        { leaseMs },
      );
      return Number(rows[0]!.live);
    },
    async forget(replica) {
      await db.raw(`delete from ${replicas} where id = :replica`, { replica });
    },
    async take(lease) {
      const { rows } = await db.raw<{ rows: { lease_token: string }[] }>(
        `update ${table}
            set lease_token = lease_token + 1, lease_owner = :owner, lease_until = now() + :leaseMs * interval '1 ms',
                updated_at = now()
          where ${key} = :key and (lease_until is null or lease_until < now())
          returning lease_token`,
        { ...lease },
      );
      return rows[0] && Number(rows[0].lease_token);
    },
    async renew({ leases, leaseMs }) {
      if (leases.length === 0) return new Set();
      const { rows } = await db.raw<{ rows: { key: string }[] }>(
        `update ${table} l set lease_until = now() + :leaseMs * interval '1 ms'
           from unnest(cast(:keys as text[]), cast(:tokens as bigint[])) as ours (key, token)
          where l.${key} = ours.key and l.lease_token = ours.token and l.lease_owner is not null
          returning ours.key`,
        { leaseMs, keys: leases.map((lease) => lease.key), tokens: leases.map(({ token }) => token) },
      );
      return new Set(rows.map((row) => row.key));
    },
    async release(lease) {
      await db.raw(
        `update ${table} set lease_owner = null, lease_until = null, updated_at = now()
          where ${key} = :key and lease_token = :token`,
        { ...lease },
      );
    },
  };
}
