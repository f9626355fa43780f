import { AppError } from '@orgstream/core';
import type { Kafka, TopicPartition } from '@orgstream/kafka';
import type { Knex } from '@orgstream/database';
import { acceptTopic, awaitSnapshots } from './accept-topic.ts';
import { noteCatchUp } from './catch-up.ts';
import { readLogState, type LogPartition, type LogState } from './log-state.ts';
import { insertOffsets, readOffsets, type StoredOffset } from './offset-store.ts';

/** What was found out at an assignment, and where its partitions go on. */
export interface Assigned {
  readonly stored: ReadonlyMap<number, StoredOffset>;
  /** Partitions whose stored offset is older than what Kafka knows: an older copy of the database. */
  readonly catchingUp: readonly number[];
  /** An operator's `topic.accept` was honoured for these. */
  readonly accepted: readonly number[];
}

/**
 * Where each assigned partition goes on: at its stored offset, which is noted at its beginning when the topic is met for
 * the first time. Looks at *all* partitions: what this process sends may belong to any. Verifies first that it is still the
 * same log, else honours a pending `topic.accept`, else throws TOPIC_REPLACED (other cluster, other generation). An offset
 * outside the log is the consumer's to refuse (RETENTION_PASSED): it knows whether a watermark may still rise.
 */
export async function assign(
  deps: { readonly db: Knex; readonly kafka: Kafka; readonly groupId: string },
  topic: string,
  partitions: readonly TopicPartition[],
): Promise<Assigned> {
  const { db, kafka, groupId } = deps;
  const known = await readOffsets(db, topic);
  const generations = [...known.values()].some(({ generation }) => generation !== null);
  const log = await readLogState(kafka, topic, { groupId, generations });
  const fresh = log.partitions.filter(({ partition }) => !known.has(partition));
  await insertOffsets(db, topic, log.clusterId, fresh);
  if (fresh.length > 0) await awaitSnapshots(db);
  const accepted = await judge(db, topic, log, partitions);
  const catchingUp = await noteCatchUp(db, topic, log);
  const own = partitions.map(({ partition }) => partition);
  return { stored: await readOffsets(db, topic, own), catchingUp, accepted };
}

/** Returns the partitions that an operator accepted as new. */
async function judge(
  db: Knex,
  topic: string,
  log: LogState,
  partitions: readonly TopicPartition[],
): Promise<readonly number[]> {
  const stored = await readOffsets(db, topic);
  const isReplaced = (one: LogPartition): string | undefined => replacedBy(stored.get(one.partition)!, log);
  const isOutside = ({ partition, low, high }: LogPartition): boolean => {
    const offset = stored.get(partition)!.nextOffset;
    return offset < low || offset > high;
  };
  const lost = log.partitions.filter((one) => isReplaced(one) !== undefined || isOutside(one));
  if (lost.length === 0) return [];
  const numbers = lost.map(({ partition }) => partition);
  if (await acceptTopic(db, topic, log, new Set(numbers))) return numbers;
  const own = new Set(partitions.map(({ partition }) => partition));
  for (const one of lost) {
    const why = isReplaced(one);
    if (why === undefined || !own.has(one.partition)) continue;
    const place = { topic, partition: one.partition, offset: stored.get(one.partition)!.nextOffset };
    throw new AppError('TOPIC_REPLACED', `resuming ingest: ${why}`, place);
  }
  return [];
}

function replacedBy(stored: StoredOffset, log: LogState): string | undefined {
  if (stored.clusterId !== log.clusterId) return 'the cluster is another one';
  const generation = log.generations.get(stored.partition);
  return stored.generation !== null && stored.generation !== generation ? 'the topic was created anew' : undefined;
}
