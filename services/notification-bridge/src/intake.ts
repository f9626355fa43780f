import { isAppError, type learningbank, topics } from '@orgstream/core';
import { isDataError, type Knex, postgresError } from '@orgstream/database';
import {
  type Batch,
  type Codec,
  type Consumer,
  type InRecord,
  type Kafka,
  type PartitionProgress,
  type Producer,
  setAside,
  type Unreadable,
} from '@orgstream/kafka';
import type { Logger } from '@orgstream/runtime';
import { enterNotifications, type Ledgered } from './ledger/intake-store.ts';
import type { BridgeMetrics } from './metrics.ts';

export interface IntakeOptions {
  readonly db: Knex;
  readonly kafka: Pick<Kafka, 'createConsumer' | 'createProducer'>;
  readonly codec: Codec;
  readonly log: Logger;
  readonly metrics: Pick<BridgeMetrics, 'ingested' | 'skipped'>;
  readonly groupId: string;
  readonly maxBatchRecords: number;
  /** Default `learningbank.notifications`. */
  readonly topic?: string;
  /** Default `orgstream.unreadable`. */
  readonly unreadableTopic?: string;
}

/** Kafka → ledger, at least once: an offset is committed when its notifications are in the ledger or set aside. */
export interface Intake extends AsyncDisposable {
  run(signal: AbortSignal): Promise<void>;
  progress(): readonly PartitionProgress[];
  readonly ready: boolean;
  /** Unix ms of the last sign of life of the consumer. */
  readonly lastActivityMs: number;
}

interface Read {
  readonly record: InRecord;
  readonly value: learningbank.Notification;
}

/** Connects to Kafka, and wires consumer, codec and ledger. */
export async function createIntake(options: IntakeOptions): Promise<Intake> {
  await using resources = new AsyncDisposableStack();
  const producer = resources.use(await options.kafka.createProducer());
  const consumer: Consumer = resources.use(
    await options.kafka.createConsumer({
      groupId: options.groupId,
      topics: [options.topic ?? topics.learningbankNotifications],
      maxBatchRecords: options.maxBatchRecords,
      maxQueuedRecords: 4 * options.maxBatchRecords,
      onBatch: (batch) => take(options, producer, batch),
    }),
  );
  const owned = resources.move();
  return {
    run: (signal) => consumer.run(signal),
    progress: () => consumer.progress(),
    get ready() {
      return consumer.ready;
    },
    get lastActivityMs() {
      return consumer.lastActivityMs;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function take(options: IntakeOptions, producer: Producer, batch: Batch): Promise<void> {
  const { metrics, log } = options;
  const { read, unreadable } = await decode(options.codec, batch.records);
  const refused: Unreadable[] = [];
  const ledgered = await enter(options.db, read, refused);
  const aside = [...unreadable, ...refused];
  await setAside(producer, batch, aside, options.unreadableTopic);
  metrics.ingested({ ...countsOf(ledgered), unreadable: aside.length });
  for (const { ended } of ledgered) for (const [code, count] of ended) metrics.skipped(code, count);
  const place = { topic: batch.topic, partition: batch.partition };
  for (const { record, code } of aside) log.warn({ ...place, offset: record.offset, code }, 'record set aside');
}

/**
 * Records → notifications, in order. What cannot be read is set aside and the rest goes on. Throws REGISTRY_UNREACHABLE
 * and SCHEMA_UNKNOWN: the partition waits, because a registry that is back reads what it could not.
 */
async function decode(
  codec: Codec,
  records: readonly InRecord[],
): Promise<{ readonly read: readonly Read[]; readonly unreadable: readonly Unreadable[] }> {
  const read: Read[] = [];
  const unreadable: Unreadable[] = [];
  for (const record of records) {
    if (record.value === null) continue;
    try {
      const decoded = codec.decode(record.value);
      const { name, value } = decoded instanceof Promise ? await decoded : decoded;
      if (name === 'learningbank.Notification') read.push({ record, value });
      else unreadable.push({ record, code: 'RECORD_UNREADABLE', cause: `a ${name}` });
    } catch (error) {
      if (!isAppError(error) || error.disposition !== 'park') throw error;
      unreadable.push({ record, code: error.code, cause: error.message });
    }
  }
  return { read, unreadable };
}

/** A value that Postgres refuses is found by halving the batch, and refused alone. */
async function enter(db: Knex, read: readonly Read[], refused: Unreadable[]): Promise<readonly Ledgered[]> {
  if (read.length === 0) return [];
  try {
    return [
      await enterNotifications(
        db,
        read.map(({ value }) => value),
      ),
    ];
  } catch (error) {
    if (!isDataError(error)) throw postgresError(error, 'entering notifications');
    if (read.length === 1) {
      refused.push({ record: read[0]!.record, code: 'RECORD_INVALID', cause: 'Postgres refuses a value' });
      return [];
    }
    const middle = read.length >> 1;
    return [...(await enter(db, read.slice(0, middle), refused)), ...(await enter(db, read.slice(middle), refused))];
  }
}

function countsOf(ledgered: readonly Ledgered[]): { queued: number; ended: number; known: number; foreign: number } {
  const sum = (of: (one: Ledgered) => number): number => ledgered.reduce((total, one) => total + of(one), 0);
  return {
    queued: sum(({ queued }) => queued),
    ended: sum(({ ended }) => [...ended.values()].reduce((total, count) => total + count, 0)),
    known: sum(({ known }) => known),
    foreign: sum(({ foreign }) => foreign),
  };
}
