import type { Client } from 'pg';
import type { SourceMapping } from './mapping.ts';

/** What the source's catalogue says about a captured table. */
export interface TableFacts {
  readonly schema: string;
  readonly table: string;
  /** Type OID per column. */
  readonly columns: Readonly<Record<string, number>>;
  /** `d`efault, `n`othing, `f`ull, `i`ndex; as pg_class.relreplident. */
  readonly identity: string;
  /** Columns of the replica identity; all when full, none when nothing. */
  readonly identityColumns: readonly string[];
  /** A unique index that could be the identity: its columns are exactly tenant and id. */
  readonly candidateIndex: string | null;
  readonly mayselect: boolean;
  readonly owned: boolean;
}

/** What the server says about itself and about our role. */
export interface ServerFacts {
  readonly versionNum: number;
  readonly walLevel: string;
  readonly inRecovery: boolean;
  readonly mayReplicate: boolean;
  readonly mayCreatePublication: boolean;
  readonly freeSlots: number;
  readonly freeSenders: number;
  readonly maxSlotWalKeepMb: number;
  readonly idleSlotTimeoutSeconds: number;
  readonly walSenderTimeoutMs: number;
}

export async function readServerFacts(client: Client): Promise<ServerFacts> {
  const { rows } = await client.query(`
    select current_setting('server_version_num')::int as "versionNum",
           current_setting('wal_level') as "walLevel",
           pg_is_in_recovery() as "inRecovery",
           (select rolreplication or rolsuper from pg_roles where rolname = current_user) as "mayReplicate",
           has_database_privilege(current_database(), 'create') as "mayCreatePublication",
           current_setting('max_replication_slots')::int - (select count(*)::int from pg_replication_slots) as "freeSlots",
           current_setting('max_wal_senders')::int
             - (select count(*)::int from pg_stat_activity where backend_type = 'walsender') as "freeSenders",
           coalesce((select setting::int from pg_settings where name = 'max_slot_wal_keep_size'), -1) as "maxSlotWalKeepMb",
           coalesce((select setting::int from pg_settings where name = 'idle_replication_slot_timeout'), 0)
             as "idleSlotTimeoutSeconds",
           (select setting::int from pg_settings where name = 'wal_sender_timeout') as "walSenderTimeoutMs"`);
  return rows[0] as ServerFacts;
}

/** Reads the facts of every mapped table that exists, in the mapping's order. */
export async function readTableFacts(client: Client, mapping: SourceMapping): Promise<readonly TableFacts[]> {
  const { rows } = await client.query(
    `select n.nspname as schema, c.relname as table, c.relreplident as identity,
            has_table_privilege(c.oid, 'select') or has_any_column_privilege(c.oid, 'select') as mayselect,
            pg_has_role(c.relowner, 'usage') as owned,
            coalesce((select json_object_agg(a.attname, a.atttypid::int) from pg_attribute a
                       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '{}') as columns,
            coalesce((select json_agg(a.attname) from pg_attribute a
                       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                         and (c.relreplident = 'f' or a.attnum = any (
                           (select i.indkey from pg_index i where i.indrelid = c.oid
                             and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident end
                           )::int2[]))), '[]') as "identityColumns",
            (select ic.relname from pg_index i join pg_class ic on ic.oid = i.indexrelid
              where i.indrelid = c.oid and i.indisunique and i.indimmediate and i.indpred is null and i.indisvalid
                and (select array_agg(a.attname::text order by a.attname) from pg_attribute a
                      where a.attrelid = c.oid and a.attnum = any (i.indkey::int2[]) and a.attnotnull)
                  = (select array_agg(k order by k) from unnest(w.key) k) limit 1) as "candidateIndex"
       from (select s, t, array(select jsonb_array_elements_text(k::jsonb)) as key, o
               from unnest($1::text[], $2::text[], $3::text[]) with ordinality as u (s, t, k, o)) w
       join pg_namespace n on n.nspname = w.s
       join pg_class c on c.relnamespace = n.oid and c.relname = w.t and c.relkind in ('r', 'p')
      order by w.o`,
    [
      mapping.map((table) => table.schema),
      mapping.map((table) => table.table),
      mapping.map((table) => JSON.stringify([...new Set([table.tenantColumn, table.idColumn])])),
    ],
  );
  return rows as readonly TableFacts[];
}

/** Columns that a publication carries per `schema.table`; undefined when there is no such publication. */
export async function readPublication(
  client: Client,
  publication: string,
): Promise<ReadonlyMap<string, readonly string[]> | undefined> {
  const found = await client.query(`select 1 from pg_publication where pubname = $1`, [publication]);
  if (found.rowCount === 0) return undefined;
  // pg_publication_tables.attnames exists from 15 on; before, a publication carries every column.
  const { rows } = await client.query<{ name: string; columns: string[] | null }>(
    `select t.schemaname || '.' || t.tablename as name, to_jsonb(t) -> 'attnames' as columns
       from pg_publication_tables t where t.pubname = $1`,
    [publication],
  );
  return new Map(rows.map((row) => [row.name, row.columns ?? ['*']]));
}

/** A replication slot as pg_replication_slots shows it; undefined when there is none of that name. */
export interface SlotFacts {
  readonly plugin: string | null;
  readonly sameDatabase: boolean;
  readonly active: boolean;
  readonly walStatus: string | null;
  readonly invalidationReason: string | null;
  readonly confirmedFlushLsn: string | null;
  readonly retainedBytes: number;
  readonly safeWalBytes: number | null;
}

export async function readSlot(client: Client, slot: string): Promise<SlotFacts | undefined> {
  const { rows } = await client.query(
    `select s.plugin, coalesce(s.database = current_database(), false) as "sameDatabase", s.active,
            s.wal_status as "walStatus", to_jsonb(s) ->> 'invalidation_reason' as "invalidationReason",
            s.confirmed_flush_lsn::text as "confirmedFlushLsn",
            coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
              else pg_current_wal_lsn() end, s.restart_lsn), 0)::float8 as "retainedBytes",
            s.safe_wal_size::float8 as "safeWalBytes"
       from pg_replication_slots s where s.slot_name = $1`,
    [slot],
  );
  return rows[0] as SlotFacts | undefined;
}
