import { AppError } from '@orgstream/core';
import { readGeneration, type Kafka, type TopicPartition } from '@orgstream/kafka';
import type { Knex } from '@orgstream/database';
import { query } from './query.ts';
import { insertOffsets, readOffsets, type StoredOffset } from './offset-store.ts';

export interface AssignedPartition extends TopicPartition {
  readonly low: number;
  readonly high: number;
}

/**
 * Where each assigned partition goes on: at its stored offset, which is noted at its beginning when it is met for the
 * first time. Verifies first that it is still the same log: throws TOPIC_REPLACED (other cluster, other generation). An
 * offset outside the log is the consumer's to refuse (RETENTION_PASSED): it knows whether a watermark may still rise.
 */
export async function assign(
  deps: { readonly db: Knex; readonly kafka: Kafka },
  topic: string,
  partitions: readonly AssignedPartition[],
): Promise<ReadonlyMap<number, StoredOffset>> {
  if (partitions.length === 0) return new Map();
  const clusterId = await readClusterId(deps.kafka);
  const numbers = partitions.map(({ partition }) => partition);
  const known = await readOffsets(deps.db, topic, numbers);
  const fresh = partitions.filter(({ partition }) => !known.has(partition));
  await insertOffsets(deps.db, topic, clusterId, fresh);
  if (fresh.length > 0) await awaitSnapshots(deps.db);
  const stored = await readOffsets(deps.db, topic, numbers);
  // Read only where there is something to compare with: the first records of a topic cost a consumer group of their own.
  const verify = [...known.values()].some(({ generation }) => generation !== null);
  const generations = verify ? await readGeneration(deps.kafka, topic) : new Map<number, string>();
  for (const log of partitions)
    check(log, stored.get(log.partition)!, clusterId, generations.get(log.partition), known);
  return stored;
}

/**
 * A partition met for the first time may mean that the replica is empty: an integration that was past its snapshot, and
 * whose tenant has none any more, sends nothing before a fresh one is proved. What the topic still holds is not enough.
 */
async function awaitSnapshots(db: Knex): Promise<void> {
  await query(
    db,
    `update sink.integration_state s set state = 'waiting_for_snapshot', updated_at = now()
      where s.state in ('listing', 'planning', 'first_sync', 'live')
        and not exists (select from sink.snapshot p where p.tenant = s.tenant and p.state = 'proved')`,
    [],
  );
}

async function readClusterId(kafka: Kafka): Promise<string> {
  await using admin = await kafka.createAdmin();
  // Awaited here: the client is closed at the end of this block.
  return await admin.clusterId();
}

function check(
  log: AssignedPartition,
  stored: StoredOffset,
  clusterId: string,
  generation: string | undefined,
  known: ReadonlyMap<number, StoredOffset>,
): void {
  const place = { topic: log.topic, partition: log.partition, offset: stored.nextOffset };
  if (stored.clusterId !== clusterId) {
    throw new AppError('TOPIC_REPLACED', 'resuming ingest: the cluster is another one', place);
  }
  if (known.has(log.partition) && stored.generation !== null && stored.generation !== generation) {
    throw new AppError('TOPIC_REPLACED', 'resuming ingest: the topic was created anew', place);
  }
}
