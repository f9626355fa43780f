import { kinds, type Kind, type directory } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Change } from './change.ts';
import { aspectOf, columnsOf } from './columns.ts';
import { changeOf, rejectionColumns } from './fact-store.ts';
import { query } from './query.ts';

/** Where a snapshot began: what it has not seen and what is older than this is gone. */
export interface SweepStart {
  readonly tenant: string;
  readonly snapshotId: string;
  readonly epoch: number;
  readonly lsn: number;
  readonly seq: number;
  readonly offset: number;
}

/**
 * Marks as deleted, at the start marker's position, every row of the tenant that is older than the start and that a
 * *proved* snapshot has not seen; rows are never removed. A row whose rejection is newer than the start is there: it
 * was overtaken by a change that could not be mapped. The site itself is gone only if the snapshot looked for it.
 */
export async function sweep(
  tx: Knex,
  start: SweepStart,
  committedAtMs: number,
  chunks: directory.SnapshotMarker['chunks'],
): Promise<readonly Change[]> {
  const swept: Change[] = [];
  for (const kind of kinds) {
    if (kind === 'tenant' && !chunks.some((chunk) => chunk.kind === 'tenant')) continue;
    const rows = await query<unknown>(tx, sweepSql(kind), [
      start.tenant,
      start.snapshotId,
      start.epoch,
      start.lsn,
      start.seq,
      start.epoch,
      start.lsn,
      start.seq,
      start.offset,
      start.epoch,
      start.lsn,
      start.seq,
      start.offset,
      committedAtMs,
      start.epoch,
      start.lsn,
      committedAtMs,
    ]);
    swept.push(...rows.map((row) => changeOf(kind, row)));
  }
  return swept;
}

function sweepSql(kind: Kind): string {
  const cleared = [
    ...columnsOf[kind].map((column) => `${column.name} = ${column.empty ?? 'null'}`),
    ...rejectionColumns.map((name) => `${name} = null`),
    ...(kind === 'person' ? ['swept = true'] : []),
  ].join(', ');
  return /* sql */ `
    with absent as materialized (
      select f.ctid as row, f.tenant, f.id, f.log_offset >= 0 and not f.deleted as existed,
             case when f.log_offset >= 0 then ${aspectOf(kind, 'f')} end as was
        from sink.${kind} f
       where f.tenant = ? and f.seen_snapshot is distinct from ?
         and (not f.deleted or f.rejected_code is not null)
         and (f.epoch, f.lsn, f.seq) < (?, ?, ?)
         and (f.rejected_code is null
              or ((f.rejected_epoch, f.rejected_lsn, f.rejected_seq) < (?, ?, ?) and f.rejected_offset < ?))
       order by f.tenant, f.id
    ), swept as (
      update sink.${kind} f
         set deleted = true, epoch = ?, lsn = ?, seq = ?, log_offset = ?, committed_at = to_timestamp(? / 1000.0), ${cleared}
        from absent a where f.ctid = a.row
      returning a.tenant, a.id, a.existed, a.was
    )
    select s.tenant, s.id, ?::bigint as epoch, ?::bigint as lsn, ?::bigint as committed_ms, true as bulk, false as correction, s.existed,
           false as exists, s.was, ${kind === 'person' ? `'gone'` : 'null::text'} as now, null::text as "rejectedCode"
      from swept s`;
}

/** Rows of each kind that a snapshot has met, by `kind/chunk`. */
export async function countSeen(tx: Knex, tenant: string, snapshotId: string): Promise<ReadonlyMap<string, number>> {
  const rows = await query<{ kind: Kind; chunk: number; met: string }>(
    tx,
    kinds
      .map(
        (kind) =>
          `select '${kind}' as kind, seen_chunk as chunk, count(*) as met from sink.${kind}
            where tenant = ? and seen_snapshot = ? group by seen_chunk`,
      )
      .join(' union all '),
    kinds.flatMap(() => [tenant, snapshotId]),
  );
  return new Map(rows.map((row) => [`${row.kind}/${row.chunk}`, Number(row.met)]));
}
