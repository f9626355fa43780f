import { AppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { query } from './query.ts';

/** How far one partition has been ingested. */
export interface StoredOffset {
  readonly partition: number;
  readonly nextOffset: number;
  readonly clusterId: string;
  /** Id in the partition's first record; null until it was met. */
  readonly generation: string | null;
  /** End of the log when the partition was first assigned. */
  readonly rebuildUntil: number;
}

/** Of these partitions, or of all that were ever met. */
export async function readOffsets(
  db: Knex,
  topic: string,
  partitions?: readonly number[],
): Promise<ReadonlyMap<number, StoredOffset>> {
  const rows = await query<{
    partition: number;
    next_offset: string;
    cluster_id: string;
    generation: string | null;
    rebuild_until: string;
  }>(
    db,
    `select partition, next_offset, cluster_id, generation, rebuild_until from sink.ingest_offset
      where topic = ? and (?::int[] is null or partition = any(?::int[]))`,
    [topic, partitions ?? null, partitions ?? null],
  );
  return new Map(
    rows.map((row) => [
      row.partition,
      {
        partition: row.partition,
        nextOffset: Number(row.next_offset),
        clusterId: row.cluster_id,
        generation: row.generation,
        rebuildUntil: Number(row.rebuild_until),
      },
    ]),
  );
}

/** Notes partitions met for the first time; whoever comes second changes nothing. */
export async function insertOffsets(
  db: Knex,
  topic: string,
  clusterId: string,
  partitions: readonly { readonly partition: number; readonly low: number; readonly high: number }[],
): Promise<void> {
  if (partitions.length === 0) return;
  await query(
    db,
    `insert into sink.ingest_offset (topic, partition, next_offset, cluster_id, rebuild_until)
     select ?, p.partition, p.low, ?, p.high from unnest(?::int[], ?::bigint[], ?::bigint[]) as p(partition, low, high)
     on conflict (topic, partition) do nothing`,
    [topic, clusterId, partitions.map((p) => p.partition), partitions.map((p) => p.low), partitions.map((p) => p.high)],
  );
}

/** What a batch moves: a compare-and-set on the stored offset. */
export interface OffsetMove {
  readonly topic: string;
  readonly partition: number;
  readonly expectedOffset: number;
  readonly nextOffset: number;
  /** Set when the batch holds the generation record. */
  readonly generation?: string | undefined;
}

/**
 * The log as it was when the partition was first assigned: still being read, passed by this very move, or long behind.
 * While it is read the replica shows the past, which must not be sent.
 */
export type History = 'reading' | 'passed' | 'behind';

/**
 * The fence, and the first statement of a batch's transaction: it also locks the row, so owners that overlap in a
 * rebalance take turns. Throws LEASE_LOST when another owner has moved the offset.
 */
export async function moveOffset(tx: Knex, move: OffsetMove): Promise<History> {
  const rows = await query<{ rebuild_until: string }>(
    tx,
    `update sink.ingest_offset set next_offset = ?, generation = coalesce(?, generation), updated_at = now()
      where topic = ? and partition = ? and next_offset = ?
      returning rebuild_until`,
    [move.nextOffset, move.generation ?? null, move.topic, move.partition, move.expectedOffset],
  );
  const row = rows[0];
  if (!row) {
    const place = { topic: move.topic, partition: move.partition, offset: move.expectedOffset };
    throw new AppError('LEASE_LOST', 'moving the ingest offset: another owner has moved it', place);
  }
  const until = Number(row.rebuild_until);
  if (move.nextOffset < until) return 'reading';
  return move.expectedOffset < until ? 'passed' : 'behind';
}
