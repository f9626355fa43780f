import type { Knex } from '@orgstream/database';
import { instantKey } from './sql.ts';

export interface TenantRow {
  readonly key: string;
  readonly name: string | null;
  readonly source: string;
  readonly integrations: readonly string[];
  readonly people: number;
  readonly proved_at: Date | null;
}

/** By key, one more than `limit`. */
export async function listTenantPage(
  db: Knex,
  options: { readonly tenants: readonly string[] | null; readonly after: string | undefined; readonly limit: number },
): Promise<readonly TenantRow[]> {
  const { rows } = await db.raw<{ rows: TenantRow[] }>(
    `select t.key, coalesce(f.identifier, f.name) as name, t.source,
            array(select i.id::text from control.integration i where i.tenant = t.key order by i.created_at, i.id) as integrations,
            (select count(*)::int from sink.person p where p.tenant = t.key and not p.deleted) as people,
            (select max(s.ended_at) from sink.snapshot s where s.tenant = t.key and s.state = 'proved') as proved_at
       from control.tenant t left join sink.tenant f on f.tenant = t.key
      where (cast(:tenants as text[]) is null or t.key = any(cast(:tenants as text[])))
        and (cast(:after as text) is null or t.key > :after)
      order by t.key limit :limit`,
    { tenants: options.tenants ? [...options.tenants] : null, after: options.after ?? null, limit: options.limit + 1 },
  );
  return rows;
}

export interface SnapshotRow {
  readonly id: string;
  readonly state: 'started' | 'counted' | 'proved' | 'unproved' | 'superseded';
  readonly started_at: Date;
  readonly started_key: string;
  readonly ended_at: Date | null;
  readonly detail: unknown;
}

/** Newest first, one more than `limit`. */
export async function listSnapshotPage(
  db: Knex,
  options: {
    readonly tenant: string;
    readonly before: readonly [startedAt: string, id: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly SnapshotRow[]> {
  const { rows } = await db.raw<{ rows: SnapshotRow[] }>(
    `select snapshot_id as id, state, started_at, ${instantKey('started_at')} as started_key, ended_at, detail
       from sink.snapshot
      where tenant = :tenant
        and (cast(:at as text) is null or (started_at, snapshot_id) < (cast(:at as text)::timestamptz, cast(:id as text)))
      order by started_at desc, snapshot_id desc limit :limit`,
    {
      tenant: options.tenant,
      at: options.before?.[0] ?? null,
      id: options.before?.[1] ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}
