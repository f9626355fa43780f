import { topics } from '@orgstream/core';
import type { Batch, InRecord, OutRecord, Producer } from './port.ts';

/** A record that nobody can read, and why: a stable code, and the cause in words, without values. */
export interface Unreadable {
  readonly record: InRecord;
  readonly code: string;
  readonly cause: string;
}

/**
 * Appends the bytes of unreadable records to `orgstream.unreadable` (or `topic`), as they were, with three more headers:
 * `orgstream-code`, `orgstream-cause`, and `orgstream-origin` = topic/partition/offset. Resolves once Kafka has them.
 */
export async function setAside(
  producer: Producer,
  batch: Pick<Batch, 'topic' | 'partition'>,
  unreadable: readonly Unreadable[],
  topic: string = topics.unreadable,
): Promise<void> {
  if (unreadable.length === 0) return;
  const partition = batch.partition % (await producer.partitions(topic));
  await producer.writer(topic, partition).append(unreadable.map((one) => toOutRecord(one, batch)));
}

function toOutRecord(
  { record, code, cause }: Unreadable,
  { topic, partition }: Pick<Batch, 'topic' | 'partition'>,
): OutRecord {
  return {
    key: null,
    value: record.value,
    headers: {
      ...record.headers,
      'orgstream-code': code,
      'orgstream-cause': cause,
      'orgstream-origin': `${topic}/${partition}/${record.offset}`,
    },
  };
}
