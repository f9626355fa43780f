import { setTimeout as delay } from 'node:timers/promises';
import { isAppError, topics } from '@orgstream/core';
import { postgresError, type Knex } from '@orgstream/database';
import {
  setAside,
  type Batch,
  type Codec,
  type Consumer,
  type Kafka,
  type PartitionProgress,
  type Producer,
  type TopicPartition,
  type Unreadable,
} from '@orgstream/kafka';
import type { Logger } from '@orgstream/runtime';
import { refuseAccept } from './accept-topic.ts';
import { assign } from './assign.ts';
import { eraseAbandoned } from './erase.ts';
import { markExpired } from './expiry.ts';
import type { IngestResult } from './ingest.ts';
import type { IngestMetrics } from './metrics.ts';
import { readOffsets } from './offset-store.ts';
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
  /**
   * Resolves once this process has seen that the log is the one it knows, and whether its database is an older copy of it:
   * nothing may be sent before. Or when the signal aborts.
   */
  verified(signal: AbortSignal): Promise<void>;
  /** Unix ms of the last sign of life of the consumer. */
  readonly lastActivityMs: number;
}

const TICK_MS = 1_000;
const ERASE_EVERY_TICKS = 30;
/** A consumer that was active so recently reads its log. */
const FETCHING_MS = 5_000;

/** Connects to Kafka and wires consumer, codec and ingest. */
export async function createIngest(options: IngestOptions): Promise<Ingest> {
  const { db, kafka, log } = options;
  const topic = options.topic ?? topics.directoryChanges;
  const groupId = options.groupId ?? INGEST_GROUP;
  const maxBatchRecords = options.maxBatchRecords ?? 1_000;
  const producer = await kafka.createProducer();
  const partitions = new Map<number, PartitionIngest>();
  const verified = Promise.withResolvers<void>();
  const deps = {
    db,
    codec: options.codec,
    setAside: (batch: Batch, unreadable: readonly Unreadable[]) => keep(options, producer, batch, unreadable),
    onResult: (result: IngestResult, batch: { readonly records: number; readonly seconds: number }) =>
      report(options, result, batch),
  };
  const consumer = await kafka.createConsumer({
    groupId,
    topics: [topic],
    maxBatchRecords,
    maxQueuedRecords: 4 * maxBatchRecords,
    onBatch: (batch) => partitions.get(batch.partition)!.take(batch),
    onAssigned: async (assigned: readonly TopicPartition[]) => {
      const { stored, ...found } = await assign({ db, kafka, groupId }, topic, assigned).catch((error: unknown) => {
        throw postgresError(error, 'reading the stored offsets');
      });
      tellFound(log, topic, found);
      for (const { partition, nextOffset } of stored.values()) {
        partitions.set(partition, new PartitionIngest(deps, { topic, partition }, nextOffset));
      }
      verified.resolve();
      return [...stored.values()].map(({ partition, nextOffset }) => ({ topic, partition, offset: nextOffset }));
    },
  });
  return {
    run: (signal) => runWithTicks(consumer, { ...options, topic, partitions }, signal),
    verified: (signal) => Promise.race([verified.promise, aborted(signal)]),
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

/** What an operator will want to know of an assignment. */
function tellFound(
  log: Logger,
  topic: string,
  { catchingUp, accepted }: { readonly catchingUp: readonly number[]; readonly accepted: readonly number[] },
): void {
  if (accepted.length > 0) log.warn({ topic, partitions: accepted }, 'the topic was accepted as new');
  if (catchingUp.length > 0) log.warn({ topic, partitions: catchingUp }, 'this database is an older copy: catching up');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

interface TickOptions extends IngestOptions {
  readonly topic: string;
  readonly partitions: ReadonlyMap<number, PartitionIngest>;
}

/** The ticks end with the consumer, however it ends; and it with them, when the database turns out to be another. */
async function runWithTicks(consumer: Consumer, options: TickOptions, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const ticking = tick(consumer, options, both).finally(() => ended.abort());
  try {
    await consumer.run(both);
  } finally {
    ended.abort();
    await ticking;
  }
}

/**
 * What no record announces: end dates that pass, replicas nobody needs any more, a database that was replaced (rejects
 * with DATABASE_RESTORED). Any other failure waits for the next tick.
 */
async function tick(consumer: Consumer, options: TickOptions, signal: AbortSignal): Promise<void> {
  const { db, log, metrics } = options;
  for (let count = 0; !signal.aborted; count += 1) {
    try {
      await checkStored(options);
      if (consumer.ready && Date.now() - consumer.lastActivityMs < FETCHING_MS) await refuseAccept(db);
      const expired = await markExpired(db, options.now?.());
      metrics?.expired(expired);
      const erased = count % ERASE_EVERY_TICKS === 0 ? await eraseAbandoned(db) : [];
      for (const tenant of erased) log.info({ tenant }, 'erased the replica of a tenant without integration');
    } catch (error) {
      if (isAppError(error, 'DATABASE_RESTORED')) throw error;
      const translated = postgresError(error, 'marking expired people');
      log.warn({ code: isAppError(translated) ? translated.code : 'UNEXPECTED', err: translated }, 'ingest tick');
    }
    await delay(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Also while nothing comes in. What we know is read before what is stored: that may only be further. */
async function checkStored({ db, topic, partitions }: TickOptions): Promise<void> {
  const reached = [...partitions].map(([partition, ingest]) => ({ partition, ingest, offset: ingest.reached }));
  const stored = await readOffsets(db, topic, [...partitions.keys()]);
  for (const { partition, ingest, offset } of reached) {
    if (partitions.get(partition) === ingest) ingest.check(stored.get(partition)?.nextOffset ?? 0, offset);
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
async function keep(
  options: IngestOptions,
  producer: Producer,
  batch: Batch,
  unreadable: readonly Unreadable[],
): Promise<void> {
  await setAside(producer, batch, unreadable, options.unreadableTopic);
  for (const { record, code } of unreadable) {
    options.metrics?.setAside(code);
    const place = { topic: batch.topic, partition: batch.partition, offset: record.offset };
    options.log.warn({ ...place, code }, 'record set aside');
  }
}
