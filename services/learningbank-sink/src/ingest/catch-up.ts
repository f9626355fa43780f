import { partitionOf, topics } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { LogState } from './log-state.ts';
import { query } from './query.ts';

/**
 * Kafka knows that more was ingested than this database holds: it is an older copy, put back. The replica shows the past
 * until ingest has come to the end of the log again, and links and work with it: tenants of such a partition send nothing
 * before (`readCatchingUp`). Returns the partitions.
 *
 * Offsets are committed after the transaction that stores them, so in an unharmed database no commit is ahead.
 */
export async function noteCatchUp(db: Knex, topic: string, log: LogState): Promise<readonly number[]> {
  const ahead = log.partitions.filter(({ committed, high }) => committed !== undefined && committed <= high);
  if (ahead.length === 0) return [];
  const rows = await query<{ partition: number }>(
    db,
    `update sink.ingest_offset o set catch_up_until = p.high, updated_at = now()
       from unnest(?::int[], ?::bigint[], ?::bigint[]) as p(partition, committed, high)
      where o.topic = ? and o.partition = p.partition and o.next_offset < p.committed
        and o.catch_up_until < p.committed
     returning o.partition`,
    [ahead.map((p) => p.partition), ahead.map((p) => p.committed!), ahead.map((p) => p.high), topic],
  );
  return rows.map(({ partition }) => partition);
}

/**
 * Integrations whose tenant's facts are still being caught up with after an older copy of the database was put back:
 * nothing may be sent for them. Empty as good as always, and then one small query.
 */
export async function readCatchingUp(db: Knex, topic: string = topics.directoryChanges): Promise<ReadonlySet<string>> {
  const rows = await query<{ partition: number; behind: boolean }>(
    db,
    `select partition, next_offset < catch_up_until as behind from sink.ingest_offset where topic = ?`,
    [topic],
  );
  const behind = new Set(rows.filter((row) => row.behind).map(({ partition }) => partition));
  if (behind.size === 0) return new Set();
  const integrations = await query<{ id: string; tenant: string }>(
    db,
    `select id, tenant from control.integration`,
    [],
  );
  return new Set(integrations.filter(({ tenant }) => behind.has(partitionOf(tenant, rows.length))).map(({ id }) => id));
}
