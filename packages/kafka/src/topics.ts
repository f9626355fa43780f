import { randomUUID } from 'node:crypto';
import { AppError, generationKey, topics } from '@orgstream/core';
import type { Kafka, OutRecord, TopicSpec } from './port.ts';

const dayMs = 24 * 60 * 60 * 1_000;

/** Sizes of the topics. `partitions` is fixed for a topic's life: it decides a tenant's partition. */
export interface TopicSizes {
  readonly partitions: number;
  readonly replicationFactor: number;
}

/** Every topic with its settings (design: Topics). */
export function topicSpecs({ partitions, replicationFactor }: TopicSizes): readonly TopicSpec[] {
  // acks -1 counts only replicas in sync: without a minimum of two one broker alone could acknowledge and be lost.
  const durable = { 'min.insync.replicas': replicationFactor >= 3 ? '2' : '1' };
  const keep = (days: number) => ({ 'cleanup.policy': 'delete', 'retention.ms': String(days * dayMs), ...durable });
  const compact = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.3', ...durable };
  return [
    { topic: topics.ziikChanges, partitions, replicationFactor, config: keep(14) },
    { topic: topics.directoryChanges, partitions, replicationFactor, config: compact },
    { topic: topics.learningbankNotifications, partitions, replicationFactor, config: keep(7) },
    { topic: topics.unreadable, partitions, replicationFactor, config: keep(30) },
  ];
}

/**
 * Creates missing topics, aligns settings, and writes the generation records. Idempotent; returns the topics changed.
 * The step behind `orgstream topics apply`.
 */
export async function applyTopics(kafka: Kafka, sizes: TopicSizes): Promise<readonly string[]> {
  await using admin = await kafka.createAdmin();
  const changed = await admin.applyTopics(topicSpecs(sizes));
  await ensureGeneration(kafka, topics.directoryChanges);
  return changed;
}

/**
 * Writes a generation record into each empty partition of a topic, as its first record: the mark by which offsets of a
 * topic that was deleted and made anew are told apart from the old ones.
 */
export async function ensureGeneration(kafka: Kafka, topic: string): Promise<void> {
  await using admin = await kafka.createAdmin();
  const empty = (await admin.offsets(topic)).filter(({ low, high }) => low === high);
  if (empty.length === 0) return;
  await using producer = await kafka.createProducer();
  const generation = randomUUID();
  const record: OutRecord = { key: generationKey, value: Buffer.from(JSON.stringify({ generation })) };
  await Promise.all(empty.map(({ partition }) => producer.writer(topic, partition).append([record])));
}

/**
 * Generation of each partition of a topic; a partition that has none is absent. Reads the first records only: the key is
 * written once, so compaction keeps it where it is. Throws KAFKA_UNREACHABLE when it takes too long: half an answer would
 * look like another topic.
 */
export async function readGeneration(
  kafka: Kafka,
  topic: string,
  timeoutMs = 60_000,
): Promise<ReadonlyMap<number, string>> {
  const generations = new Map<number, string>();
  const signal = AbortSignal.timeout(timeoutMs);
  await kafka.read({
    topic,
    from: 'beginning',
    maxBatchRecords: 10,
    // Two applies at once may have written two: the later one is what compaction keeps.
    maxRecordsPerPartition: 10,
    signal,
    onBatch: ({ partition, records }) => {
      for (const { key, value } of records) {
        if (key === generationKey && value) generations.set(partition, generationOf(value));
      }
      return Promise.resolve();
    },
  });
  if (signal.aborted)
    throw new AppError('KAFKA_UNREACHABLE', `reading the generations of ${topic}: too slow`, { topic });
  return generations;
}

function generationOf(value: Buffer): string {
  return String((JSON.parse(value.toString('utf8')) as { generation?: unknown }).generation);
}
