import type kafkajs from 'kafkajs';
import { AppError } from '@orgstream/core';
import { translate } from './errors.ts';
import type { TopicPartition } from './port.ts';

/** Runs `work` with a connected kafkajs admin and closes it: none is kept, for an idle one can go stale unnoticed. */
export async function withAdmin<T>(
  kafka: kafkajs.Kafka,
  doing: string,
  work: (admin: kafkajs.Admin) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw translate(error, doing);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** Low and high watermark of a partition. */
export interface Watermarks extends TopicPartition {
  readonly low: number;
  readonly high: number;
}

/** Watermarks of every partition of a topic, in order. Throws TOPIC_MISSING. */
export async function watermarks(admin: kafkajs.Admin, topic: string): Promise<readonly Watermarks[]> {
  await requireTopic(admin, topic);
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ topic, partition, low: Number(low), high: Number(high) }))
    .sort((a, b) => a.partition - b.partition);
}

/** Number of partitions of a topic. Throws TOPIC_MISSING. */
export function topicPartitions(kafka: kafkajs.Kafka, topic: string): Promise<number> {
  return withAdmin(kafka, `reading the metadata of ${topic}`, (admin) => requireTopic(admin, topic));
}

/** First offset at or after a time per partition; the high watermark where nothing is that young. */
export async function offsetsSince(
  admin: kafkajs.Admin,
  topic: string,
  timestampMs: number,
): Promise<Map<number, number>> {
  const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs);
  return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
}

/** Committed offset per partition of a group; partitions without one are absent. */
export async function committedOffsets(
  admin: kafkajs.Admin,
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const known = (answer?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)] as const);
  return new Map(known.filter(([, offset]) => offset >= 0));
}

/** kafkajs retries an unknown topic for a long time before it says so; the list of topics answers at once. */
async function requireTopic(admin: kafkajs.Admin, topic: string): Promise<number> {
  const topics = await admin.listTopics();
  if (!topics.includes(topic)) throw new AppError('TOPIC_MISSING', `topic ${topic} is missing`, { topic });
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics: [topic] });
  return metadata[0]!.partitions.length;
}
