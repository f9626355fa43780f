import type kafkajs from 'kafkajs';
import { AppError } from '@orgstream/core';
import { committedOffsets, watermarks, withAdmin, type Watermarks } from './offsets.ts';
import type { Start } from './assignment.ts';
import type { CommitOffset } from './committer.ts';
import type { ConsumerOptions, TopicPartition } from './port.ts';

export interface StartOffsets {
  readonly starts: readonly Start[];
  readonly committed: readonly CommitOffset[];
}

/**
 * Where each assigned partition starts: what the caller says, else the committed offset, else the beginning. Asked anew
 * at each assignment. Throws RETENTION_PASSED for an offset outside the log: kafkajs would jump, and skip silently.
 * `mayRise`: an offset above the high watermark is a `retry` error for now.
 */
export async function startOffsets(
  kafka: kafkajs.Kafka,
  partitions: readonly TopicPartition[],
  options: Pick<ConsumerOptions, 'groupId' | 'onAssigned'>,
  mayRise = false,
): Promise<StartOffsets> {
  const { marks, committed } = await withAdmin(kafka, 'reading offsets', (admin) =>
    read(admin, partitions, options.groupId),
  );
  const asked = options.onAssigned ? await options.onAssigned(marks) : [];
  const starts = marks.map((mark) => {
    const offset = find(asked, mark) ?? find(committed, mark) ?? mark.low;
    return start(mark, offset, mayRise);
  });
  return { starts, committed };
}

async function read(admin: kafkajs.Admin, partitions: readonly TopicPartition[], groupId: string) {
  const marks: Watermarks[] = [];
  const committed: CommitOffset[] = [];
  for (const topic of new Set(partitions.map((one) => one.topic))) {
    const ours = new Set(partitions.filter((one) => one.topic === topic).map((one) => one.partition));
    const offsets = await committedOffsets(admin, groupId, topic);
    for (const mark of await watermarks(admin, topic)) {
      if (!ours.has(mark.partition)) continue;
      marks.push(mark);
      const offset = offsets.get(mark.partition);
      if (offset !== undefined) committed.push({ topic, partition: mark.partition, offset });
    }
  }
  return { marks, committed };
}

function find(offsets: readonly CommitOffset[], { topic, partition }: TopicPartition): number | undefined {
  return offsets.find((one) => one.topic === topic && one.partition === partition)?.offset;
}

function start({ topic, partition, low, high }: Watermarks, offset: number, mayRise: boolean): Start {
  const where = { topic, partition, offset, low, high };
  if (offset > high && mayRise) throw new AppError('KAFKA_UNREACHABLE', 'waiting for the high watermark', where);
  if (offset < low || offset > high) {
    throw new AppError('RETENTION_PASSED', `starting ${topic}/${partition}: the offset is not in the log`, where);
  }
  return { topic, partition, offset, highWatermark: high };
}
