import type { Kind } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Change } from './change.ts';
import { aspectOf, columnsOf, type Column } from './columns.ts';
import type { Fact, Rejection, Seen } from './fact.ts';
import { query } from './query.ts';

/** A change as Postgres returns it: bigint is a string. */
interface ChangeRow extends Omit<Change, 'kind' | 'epoch' | 'lsn' | 'committedAtMs'> {
  readonly epoch: string;
  readonly lsn: string;
  readonly committed_ms: string;
}

export const changeOf = (kind: Kind, row: unknown): Change => {
  const { epoch, lsn, committed_ms, ...rest } = row as ChangeRow;
  return { ...rest, kind, epoch: Number(epoch), lsn: Number(lsn), committedAtMs: Number(committed_ms) };
};

const arrayType = (column: Column): string => (column.type === 'instant' ? 'bigint' : column.type);
const incoming = (column: Column): string =>
  column.type === 'instant' ? `to_timestamp(r.${column.name} / 1000.0) as ${column.name}` : `r.${column.name}`;
const list = (columns: readonly Column[], prefix = ''): string => columns.map((c) => `${prefix}${c.name}`).join(', ');

/** Position columns of a fact table; with `log_offset` they are the version that newer-wins compares. */
const version = (row: string): string => `(${row}.epoch, ${row}.lsn, ${row}.seq, ${row}.log_offset)`;
/** Where a record stands in the source's history, whichever place in the log it has. */
const position = (row: string): string => `(${row}.epoch, ${row}.lsn, ${row}.seq)`;
const rejectedPosition = (row: string): string => `(${row}.rejected_epoch, ${row}.rejected_lsn, ${row}.rejected_seq)`;
const rejectedVersion = (row: string): string =>
  `(${row}.rejected_epoch, ${row}.rejected_lsn, ${row}.rejected_seq, ${row}.rejected_offset)`;
export const rejectionColumns = [
  'rejected_code',
  'rejected_detail',
  'rejected_epoch',
  'rejected_lsn',
  'rejected_seq',
  'rejected_offset',
] as const;

/**
 * Start of each tenant's newest proved snapshot. What is older than it, of an object without a good fact here, is not
 * taken in: the snapshot would have met the object, so it had gone by then, and only the log still knows it (ADR 0005).
 */
const fenceSql = /* sql */ `fence as materialized (
      select distinct on (s.tenant) s.tenant, s.epoch, s.lsn, s.seq, s.start_offset from sink.snapshot s
       where s.state = 'proved' and s.tenant in (select tenant from incoming)
       order by s.tenant, s.epoch desc, s.lsn desc, s.seq desc
    )`;

/**
 * Stores the newest fact per object, where it is newer than the row, and returns the rows whose content changed, were
 * deleted or came back, or were healed. The same content only moves the position. Facts that lose are sorted out before
 * the insert: `on conflict` would lock (write) each of them. The `where` of the upsert guards against a racing writer.
 */
export async function storeFacts(tx: Knex, kind: Kind, facts: readonly Fact[]): Promise<readonly Change[]> {
  if (facts.length === 0) return [];
  const rows = await query<unknown>(tx, storeSql[kind], [
    facts.map((f) => f.tenant),
    facts.map((f) => f.id),
    facts.map((f) => f.at.epoch),
    facts.map((f) => f.at.lsn),
    facts.map((f) => f.at.seq),
    facts.map((f) => f.offset),
    facts.map((f) => f.committedAtMs),
    facts.map((f) => f.deleted),
    // A chunk counts for the snapshot that is under way only; a row of any snapshot is bulk.
    facts.map((f) => (f.chunk === null ? null : f.snapshotId)),
    facts.map((f) => f.chunk),
    facts.map((f) => f.snapshotId !== null),
    ...columnsOf[kind].map((_, index) => facts.map((f) => f.content[index] ?? null)),
  ]);
  return rows.map((row) => changeOf(kind, row));
}

const storeSql = Object.fromEntries(
  (Object.keys(columnsOf) as Kind[]).map((kind) => [kind, storeFactsSql(kind)]),
) as Readonly<Record<Kind, string>>;

function storeFactsSql(kind: Kind): string {
  const columns = columnsOf[kind];
  const names = list(columns);
  const heals = `${version('excluded')} > ${rejectedVersion('f')}`;
  const kept = ['tenant', 'id', 'epoch', 'lsn', 'seq', 'log_offset', 'committed_at', 'deleted'].join(', ');
  const expiry = kind === 'person' ? ', expiry_marked' : '';
  return /* sql */ `
    with incoming as materialized (
      select r.tenant, r.id, r.epoch, r.lsn, r.seq, r.log_offset, to_timestamp(r.committed_ms / 1000.0) as committed_at,
             r.committed_ms, r.deleted, r.seen_snapshot, r.seen_chunk, r.bulk, ${columns.map(incoming).join(', ')}
        from unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::int[], ?::bigint[], ?::bigint[], ?::boolean[], ?::text[], ?::int[], ?::boolean[],
                    ${columns.map((c) => `?::${arrayType(c)}[]`).join(', ')})
          as r(tenant, id, epoch, lsn, seq, log_offset, committed_ms, deleted, seen_snapshot, seen_chunk, bulk, ${names})
    ), ${fenceSql}, prior as materialized (
      select f.* from incoming n join sink.${kind} f on f.tenant = n.tenant and f.id = n.id
    ), winning as materialized (
      select n.* from incoming n left join prior p on p.tenant = n.tenant and p.id = n.id
        left join fence s on s.tenant = n.tenant
       where (p.id is null or ${version('n')} > ${version('p')})
         and (coalesce(p.log_offset, -1) >= 0 or s.tenant is null or ${position('n')} >= ${position('s')})
    ), written as (
      insert into sink.${kind} as f (${kept}, seen_snapshot, seen_chunk, ${names}${expiry})
      select ${kept}, seen_snapshot, seen_chunk, ${names}${kind === 'person' ? ', coalesce(expires_at <= now(), false)' : ''}
        from winning order by tenant, id
      on conflict (tenant, id) do update set
        (epoch, lsn, seq, log_offset, committed_at, deleted, ${names})
          = (excluded.epoch, excluded.lsn, excluded.seq, excluded.log_offset, excluded.committed_at, excluded.deleted, ${list(columns, 'excluded.')}),
        seen_snapshot = coalesce(excluded.seen_snapshot, f.seen_snapshot),
        seen_chunk = case when excluded.seen_snapshot is null then f.seen_chunk else excluded.seen_chunk end,
        ${kind === 'person' ? `expiry_marked = case when f.expires_at is distinct from excluded.expires_at then excluded.expiry_marked else f.expiry_marked end, swept = false,` : ''}
        ${rejectionColumns.map((name) => `${name} = case when ${heals} then null else f.${name} end`).join(', ')}
      where ${version('excluded')} > ${version('f')}
      returning f.tenant, f.id
    )
    select n.tenant, n.id, n.epoch, n.lsn, n.committed_ms, n.bulk,
           coalesce((p.log_offset >= 0 and ${position('n')} = ${position('p')}) or ${position('n')} = ${rejectedPosition('p')}, false) as correction,
           coalesce(p.log_offset >= 0 and not p.deleted, false) as existed, not n.deleted as exists,
           case when p.log_offset >= 0 then ${aspectOf(kind, 'p')} end as was, ${aspectOf(kind, 'n')} as now,
           null::text as "rejectedCode"
      from written w
      join winning n on n.tenant = w.tenant and n.id = w.id
      left join prior p on p.tenant = w.tenant and p.id = w.id
     where p.id is null or p.log_offset < 0 or p.deleted <> n.deleted${kind === 'person' ? ' or p.swept' : ''}
        or (${list(columns, 'p.')}) is distinct from (${list(columns, 'n.')})
        or ${version('n')} > ${rejectedVersion('p')}`;
}

/**
 * Stores the newest rejection per object, where it is newer than both the good fact and the rejection of the row; a bare
 * row when there is none. The last good fact stays beside it. One without a position stands at the row's, by its offset.
 */
export async function storeRejections(
  tx: Knex,
  kind: Kind,
  rejections: readonly Rejection[],
): Promise<readonly Change[]> {
  if (rejections.length === 0) return [];
  const rows = await query<unknown>(tx, rejectSql(kind), [
    rejections.map((r) => r.tenant),
    rejections.map((r) => r.id),
    rejections.map((r) => r.at?.epoch ?? null),
    rejections.map((r) => r.at?.lsn ?? null),
    rejections.map((r) => r.at?.seq ?? null),
    rejections.map((r) => r.offset),
    rejections.map((r) => r.committedAtMs),
    rejections.map((r) => r.snapshotId !== null),
    rejections.map((r) => r.code),
    rejections.map((r) => JSON.stringify(r.detail)),
  ]);
  return rows.map((row) => changeOf(kind, row));
}

function rejectSql(kind: Kind): string {
  const bare = columnsOf[kind].filter((c) => c.empty === false);
  return /* sql */ `
    with incoming as materialized (
      select r.tenant, r.id, coalesce(r.epoch, p.epoch, 0) as epoch, coalesce(r.lsn, p.lsn, 0) as lsn,
             coalesce(r.seq, p.seq, 0) as seq, r.log_offset, r.committed_ms, r.bulk, r.code, r.detail,
             coalesce(r.epoch is not null and ((p.log_offset >= 0 and ${position('r')} = ${position('p')}) or ${position('r')} = ${rejectedPosition('p')}), false) as correction,
             p.id is null as unknown, coalesce(p.log_offset >= 0 and not p.deleted, false) as existed,
             case when p.log_offset >= 0 then ${aspectOf(kind, 'p')} end as was
        from unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::int[], ?::bigint[], ?::bigint[], ?::boolean[], ?::text[], ?::text[])
          as r(tenant, id, epoch, lsn, seq, log_offset, committed_ms, bulk, code, detail)
        left join sink.${kind} p on p.tenant = r.tenant and p.id = r.id
    ), ${fenceSql}, written as (
      insert into sink.${kind} as f (tenant, id, epoch, lsn, seq, log_offset, committed_at, ${rejectionColumns.join(', ')}${bare.map((c) => `, ${c.name}`).join('')})
      select tenant, id, 0, 0, 0, -1, to_timestamp(committed_ms / 1000.0), code, detail::jsonb, epoch, lsn, seq, log_offset${bare.map(() => ', false').join('')}
        from incoming n
       where not (n.unknown and exists (select from fence s where s.tenant = n.tenant
                                           and (case when n.lsn = 0 then n.log_offset < s.start_offset else ${position('n')} < ${position('s')} end)))
       order by tenant, id
      on conflict (tenant, id) do update set
        (${rejectionColumns.join(', ')}) = (${rejectionColumns.map((name) => `excluded.${name}`).join(', ')})
      where ${rejectedVersion('excluded')} > ${version('f')}
        and (f.rejected_offset is null or ${rejectedVersion('excluded')} > ${rejectedVersion('f')})
      returning f.tenant, f.id
    )
    select n.tenant, n.id, n.epoch, n.lsn, n.committed_ms, n.bulk, n.correction, n.existed, n.existed as exists, n.was, n.was as now,
           n.code as "rejectedCode"
      from written w join incoming n on n.tenant = w.tenant and n.id = w.id`;
}

/** Notes where a snapshot met each row, also those whose fact lost or was rejected: they count for its completeness. */
export async function storeSeen(tx: Knex, kind: Kind, seen: readonly Seen[]): Promise<void> {
  if (seen.length === 0) return;
  await query(
    tx,
    `update sink.${kind} f set seen_snapshot = n.snapshot_id, seen_chunk = n.chunk
       from unnest(?::text[], ?::text[], ?::text[], ?::int[]) as n(tenant, id, snapshot_id, chunk)
      where f.tenant = n.tenant and f.id = n.id
        and (f.seen_snapshot, f.seen_chunk) is distinct from (n.snapshot_id, n.chunk)`,
    [seen.map((s) => s.tenant), seen.map((s) => s.id), seen.map((s) => s.snapshotId), seen.map((s) => s.chunk)],
  );
}
