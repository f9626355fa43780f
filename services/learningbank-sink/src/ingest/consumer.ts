import { setTimeout as delay } from 'node:timers/promises';
import { isAppError, topics } from '@orgstream/core';
import { postgresError, type Knex } from '@orgstream/database';
import type { Batch, Codec, Consumer, Kafka, PartitionProgress, Producer } from '@orgstream/kafka';
import type { Logger } from '@orgstream/runtime';
import { assign, type AssignedPartition } from './assign.ts';
import type { Unreadable } from './decode.ts';
import { eraseAbandoned } from './erase.ts';
import { markExpired } from './expiry.ts';
import type { IngestResult } from './ingest.ts';
import type { IngestMetrics } from './metrics.ts';
import { PartitionIngest } from './partition-ingest.ts';

/** The sink's consumer group; Kafka's committed offsets are for lag tools only. */
const INGEST_GROUP = 'learningbank-sink';

export interface IngestOptions {
  readonly db: Knex;
  readonly kafka: Kafka;
  readonly codec: Codec;
  readonly log: Logger;
  readonly metrics?: IngestMetrics;
  readonly now?: () => Date;
  /** Default `directory.changes`. */
  readonly topic?: string;
  /** Default `orgstream.unreadable`. */
  readonly unreadableTopic?: string;
  /** Default {@link INGEST_GROUP}. */
  readonly groupId?: string;
  /** Records in one transaction at most, default 1,000. More = throughput, less = latency and shorter locks. */
  readonly maxBatchRecords?: number;
}

/** Kafka → replica and work. */
export interface Ingest extends AsyncDisposable {
  /** Runs until the signal aborts; rejects where going on would lose or corrupt (TOPIC_REPLACED, RETENTION_PASSED, …). */
  run(signal: AbortSignal): Promise<void>;
  progress(): readonly PartitionProgress[];
  readonly ready: boolean;
  /** Unix ms of the last sign of life of the consumer. */
  readonly lastActivityMs: number;
}

const TICK_MS = 1_000;
const ERASE_EVERY_TICKS = 30;

/** Connects to Kafka and wires consumer, codec and ingest. */
export async function createIngest(options: IngestOptions): Promise<Ingest> {
  const { db, kafka, log } = options;
  const topic = options.topic ?? topics.directoryChanges;
  const maxBatchRecords = options.maxBatchRecords ?? 1_000;
  const producer = await kafka.createProducer();
  const partitions = new Map<number, PartitionIngest>();
  const deps = {
    db,
    codec: options.codec,
    setAside: (batch: Batch, unreadable: readonly Unreadable[]) => setAside(options, producer, batch, unreadable),
    onResult: (result: IngestResult, batch: { readonly records: number; readonly seconds: number }) =>
      report(options, result, batch),
  };
  const consumer = await kafka.createConsumer({
    groupId: options.groupId ?? INGEST_GROUP,
    topics: [topic],
    maxBatchRecords,
    maxQueuedRecords: 4 * maxBatchRecords,
    onBatch: (batch) => partitions.get(batch.partition)!.take(batch),
    onAssigned: async (assigned: readonly AssignedPartition[]) => {
      const stored = await assign({ db, kafka }, topic, assigned).catch((error: unknown) => {
        throw postgresError(error, 'reading the stored offsets');
      });
      for (const { partition, nextOffset } of stored.values()) {
        partitions.set(partition, new PartitionIngest(deps, { topic, partition }, nextOffset));
      }
      return [...stored.values()].map(({ partition, nextOffset }) => ({ topic, partition, offset: nextOffset }));
    },
  });
  return {
    run: (signal) => runWithTicks(consumer, options, signal),
    progress: () => consumer.progress(),
    get ready() {
      return consumer.ready;
    },
    get lastActivityMs() {
      return consumer.lastActivityMs;
    },
    async [Symbol.asyncDispose]() {
      await consumer[Symbol.asyncDispose]();
      await producer[Symbol.asyncDispose]();
      log.debug('ingest closed');
    },
  };
}

/** The ticks end with the consumer, however it ends. */
async function runWithTicks(consumer: Consumer, options: IngestOptions, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const ticking = tick(options, AbortSignal.any([signal, ended.signal]));
  try {
    await consumer.run(signal);
  } finally {
    ended.abort();
    await ticking;
  }
}

/** What no record announces: end dates that pass, and replicas nobody needs any more. A failure waits for the next tick. */
async function tick(options: IngestOptions, signal: AbortSignal): Promise<void> {
  const { db, log, metrics } = options;
  for (let count = 0; !signal.aborted; count += 1) {
    try {
      const expired = await markExpired(db, options.now?.());
      metrics?.expired(expired);
      const erased = count % ERASE_EVERY_TICKS === 0 ? await eraseAbandoned(db) : [];
      for (const tenant of erased) log.info({ tenant }, 'erased the replica of a tenant without integration');
    } catch (error) {
      const translated = postgresError(error, 'marking expired people');
      log.warn({ code: isAppError(translated) ? translated.code : 'UNEXPECTED', err: translated }, 'ingest tick');
    }
    await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

function report(
  { log, metrics }: IngestOptions,
  result: IngestResult,
  batch: { readonly records: number; readonly seconds: number },
): void {
  metrics?.ingested(result, batch);
  for (const { tenant, snapshotId, state, detail } of result.snapshots) {
    if (state === 'unproved') log.warn({ tenant, snapshotId, detail }, 'snapshot unproved: nobody is removed');
    else log.info({ tenant, snapshotId, state, detail }, 'snapshot complete');
  }
}

/** The bytes go to `orgstream.unreadable`; logs name the place only. */
async function setAside(
  options: IngestOptions,
  producer: Producer,
  batch: Batch,
  unreadable: readonly Unreadable[],
): Promise<void> {
  const topic = options.unreadableTopic ?? topics.unreadable;
  const partition = batch.partition % (await producer.partitions(topic));
  await producer.writer(topic, partition).append(
    unreadable.map(({ record, code, cause }) => ({
      key: null,
      value: record.value,
      headers: {
        ...record.headers,
        code,
        cause,
        originTopic: batch.topic,
        originPartition: String(batch.partition),
        originOffset: String(record.offset),
      },
    })),
  );
  for (const { record, code } of unreadable) {
    options.metrics?.setAside(code);
    const place = { topic: batch.topic, partition: batch.partition, offset: record.offset };
    options.log.warn({ ...place, code }, 'record set aside');
  }
}
