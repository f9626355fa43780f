import { AppError } from '@orgstream/core';
import { readGeneration, type Kafka, type TopicPartition } from '@orgstream/kafka';
import type { Knex } from '@orgstream/database';
import { insertOffsets, readOffsets, type StoredOffset } from './offset-store.ts';

export interface AssignedPartition extends TopicPartition {
  readonly low: number;
  readonly high: number;
}

/**
 * Where each assigned partition goes on: at its stored offset, which is noted at its beginning when it is met for the
 * first time. Verifies first that it is still the same log. Throws TOPIC_REPLACED (other cluster, other generation),
 * RETENTION_PASSED (the offset is no longer in the log).
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
  await insertOffsets(
    deps.db,
    topic,
    clusterId,
    partitions.filter(({ partition }) => !known.has(partition)),
  );
  const stored = await readOffsets(deps.db, topic, numbers);
  // Read only where there is something to compare with: the first records of a topic cost a consumer group of their own.
  const verify = [...known.values()].some(({ generation }) => generation !== null);
  const generations = verify ? await readGeneration(deps.kafka, topic) : new Map<number, string>();
  for (const log of partitions)
    check(log, stored.get(log.partition)!, clusterId, generations.get(log.partition), known);
  return stored;
}

async function readClusterId(kafka: Kafka): Promise<string> {
  await using admin = await kafka.createAdmin();
  return admin.clusterId();
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
  if (stored.nextOffset < log.low || stored.nextOffset > log.high) {
    const bounds = { low: log.low, high: log.high };
    throw new AppError('RETENTION_PASSED', 'resuming ingest: the stored offset is not in the log', {
      ...place,
      ...bounds,
    });
  }
}
