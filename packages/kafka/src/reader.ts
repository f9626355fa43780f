import { randomUUID } from 'node:crypto';
import type kafkajs from 'kafkajs';
import { isAppError } from '@orgstream/core';
import type { Clients, Log } from './client.ts';
import { KafkaConsumer } from './consumer.ts';
import type { Lane } from './lane.ts';
import { offsetsSince, watermarks, withAdmin } from './offsets.ts';
import type { Batch, ReadOptions } from './port.ts';

/** From where to where one partition is read. */
interface Span {
  readonly partition: number;
  /** Next record to read; moves on, so that a rebalance does not begin anew. */
  next: number;
  /** First offset not to read. */
  readonly end: number;
  read: number;
}

/**
 * Reads a topic once, from a beginning to the end captured at start. kafkajs reads in groups only, so a group of its own
 * is made and deleted again.
 */
export async function readTopic(
  kafka: Clients,
  log: Log,
  options: ReadOptions,
  sessionTimeoutMs: number,
): Promise<number> {
  const spans = await capture(kafka.client, options);
  const open = new Map([...spans].filter(([, { next, end }]) => next < end));
  if (open.size === 0) return 0;
  const groupId = `orgstream-read-${randomUUID()}`;
  try {
    await consume(kafka, log, options, { spans: open, groupId, sessionTimeoutMs });
  } finally {
    await withAdmin(kafka.client, 'deleting a read group', (admin) => admin.deleteGroups([groupId])).catch(
      (error: unknown) => {
        // Harmless: an empty group expires by itself.
        if (isAppError(error)) log.debug({ code: error.code, groupId }, 'leaving a read group behind');
      },
    );
  }
  return [...spans.values()].reduce((sum, { read }) => sum + read, 0);
}

async function capture(kafka: kafkajs.Kafka, { topic, from, partitions }: ReadOptions): Promise<Map<number, Span>> {
  return withAdmin(kafka, `reading the offsets of ${topic}`, async (admin) => {
    const marks = await watermarks(admin, topic);
    const since = from === 'beginning' ? undefined : await offsetsSince(admin, topic, from.timestampMs);
    const wanted = marks.filter(({ partition }) => partitions?.includes(partition) ?? true);
    return new Map(
      wanted.map(({ partition, low, high }) => {
        const next = Math.max(low, since?.get(partition) ?? low);
        return [partition, { partition, next, end: high, read: 0 }];
      }),
    );
  });
}

interface Plan {
  readonly spans: ReadonlyMap<number, Span>;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
}

async function consume(kafka: Clients, log: Log, options: ReadOptions, plan: Plan): Promise<void> {
  const { spans } = plan;
  const finished = new AbortController();
  await using consumer: KafkaConsumer = new KafkaConsumer(
    kafka,
    log,
    {
      groupId: plan.groupId,
      topics: [options.topic],
      maxBatchRecords: options.maxBatchRecords,
      maxQueuedRecords: Math.max(5_000, 2 * options.maxBatchRecords),
      onBatch: (batch) => handle(batch, spans.get(batch.partition)!, options),
      onAssigned: (assigned) =>
        Promise.resolve(
          assigned.flatMap(({ topic, partition }) => {
            const span = spans.get(partition);
            return span ? [{ topic, partition, offset: span.next }] : [];
          }),
        ),
    },
    {
      sessionTimeoutMs: plan.sessionTimeoutMs,
      only: (partition) => spans.has(partition),
      onProgress: () => {
        if (allRead(consumer.lanes(), spans, options)) finished.abort();
      },
    },
  );
  await consumer.connect();
  await consumer.run(AbortSignal.any([finished.signal, options.signal]));
}

/** Passes on what lies before the end; what came in later is not ours to read. */
async function handle(batch: Batch, span: Span, options: ReadOptions): Promise<void> {
  const room = (options.maxRecordsPerPartition ?? Infinity) - span.read;
  const records = batch.records.filter(({ offset }) => offset < span.end).slice(0, room);
  if (records.length > 0) await options.onBatch({ ...batch, records });
  if (batch.signal.aborted) return;
  span.read += records.length;
  span.next = batch.records.at(-1)!.offset + 1;
}

/**
 * By position, not by the last record: the record before the end may be compacted away or be a control record. A lane
 * past the end, or one for which the broker has nothing more, is read; not so while a new leader still tells a high
 * watermark before the end, and therefore hands out nothing.
 */
function allRead(lanes: readonly Lane[], spans: ReadonlyMap<number, Span>, options: ReadOptions): boolean {
  const limit = options.maxRecordsPerPartition ?? Infinity;
  const done = lanes.filter((lane) => {
    const span = spans.get(lane.partition)!;
    return lane.nextOffset >= span.end || lane.drainedTo(span.end) || span.read >= limit;
  });
  return lanes.length > 0 && done.length === spans.size;
}
