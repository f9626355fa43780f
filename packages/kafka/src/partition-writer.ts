import type { Message } from 'kafkajs';
import { AppError } from '@orgstream/core';
import type { OutRecord, PartitionWriter } from './port.ts';

/** More records than this in one send gain nothing, and kafkajs's cost per send grows with them. */
export const maxSendRecords = 1_000;
/** Below the broker's default of 1 MiB for a batch, with room for one large record. */
export const maxSendBytes = 512 * 1024;
/** One record above this would be refused by the broker (`max.message.bytes`, 1 MiB) and block its partition. */
export const maxRecordBytes = 900 * 1024;
/** Kafka's own framing of a record, roughly. */
const recordOverheadBytes = 40;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: AppError) => void;
}

/** What one send carries. Never changed once it was sent: a repeated send must be byte for byte the same batch. */
export interface PendingBatch {
  readonly messages: Message[];
  bytes: number;
  /** Appends whose last record is in this batch. */
  readonly waiters: Waiter[];
}

export interface PartitionWriterOptions {
  readonly topic: string;
  readonly partition: number;
  /** Resolves once the batch is stored; a rejection is final. Never called again before it settled. */
  readonly store: (batch: PendingBatch) => Promise<void>;
  /** Change of the bytes handed in and not acknowledged. */
  readonly onBytes: (delta: number) => void;
  readonly now?: () => number;
}

/**
 * The batcher of one partition. At most one batch is in flight; what arrives meanwhile waits in further batches, so there
 * is no linger when idle and full batches under load.
 *
 * idle → (append) → storing → (stored, more waits) → storing → … → idle; a final rejection → failed, for ever: going on
 * behind a hole would break the order.
 */
export class BatchingPartitionWriter implements PartitionWriter {
  readonly topic: string;
  readonly partition: number;
  readonly #options: PartitionWriterOptions;
  readonly #now: () => number;
  /** The head is in flight while `#storing`. */
  #batches: PendingBatch[] = [];
  #storing = false;
  #failure: AppError | undefined;

  constructor(options: PartitionWriterOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  append(records: readonly OutRecord[]): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (records.some((record) => sizeOf(record) > maxRecordBytes)) {
      const where = { topic: this.topic, partition: this.partition };
      return Promise.reject(new AppError('RECORD_INVALID', 'appending a record larger than Kafka takes', where));
    }
    if (records.length === 0) return Promise.resolve();
    const last = this.#add(records);
    const stored = new Promise<void>((resolve, reject) => last.waiters.push({ resolve, reject }));
    if (!this.#storing) {
      this.#storing = true;
      // A tick later, so that appends of one turn of the loop travel together.
      queueMicrotask(() => void this.#run());
    }
    return stored;
  }

  /** Rejects everything that waits, and every later append. */
  fail(error: AppError): void {
    this.#failure ??= error;
    const batches = this.#batches;
    this.#batches = [];
    for (const batch of batches) {
      this.#options.onBytes(-batch.bytes);
      for (const waiter of batch.waiters) waiter.reject(this.#failure);
    }
  }

  #add(records: readonly OutRecord[]): PendingBatch {
    let batch = this.#open();
    let added = 0;
    for (const record of records) {
      const bytes = sizeOf(record);
      if (batch.messages.length >= maxSendRecords || batch.bytes + bytes > maxSendBytes) batch = this.#open(true);
      batch.messages.push(toMessage(record, this.partition, this.#now));
      batch.bytes += bytes;
      added += bytes;
    }
    this.#options.onBytes(added);
    return batch;
  }

  /** The batch that takes more records: never the one in flight. */
  #open(fresh = false): PendingBatch {
    const tail = this.#batches.at(-1);
    if (tail && tail !== this.#inFlight && !fresh) return tail;
    const batch: PendingBatch = { messages: [], bytes: 0, waiters: [] };
    this.#batches.push(batch);
    return batch;
  }

  #inFlight: PendingBatch | undefined;

  async #run(): Promise<void> {
    for (let batch = this.#batches[0]; batch; batch = this.#batches[0]) {
      this.#inFlight = batch;
      try {
        await this.#options.store(batch);
      } catch (error) {
        this.fail(error instanceof AppError ? error : new AppError('KAFKA_CLIENT_DEAD', 'appending', { cause: error }));
        break;
      }
      if (this.#batches[0] !== batch) break; // failed meanwhile: everything was rejected
      this.#batches.shift();
      this.#options.onBytes(-batch.bytes);
      for (const waiter of batch.waiters) waiter.resolve();
    }
    this.#inFlight = undefined;
    this.#storing = false;
  }
}

function sizeOf(record: OutRecord): number {
  return recordOverheadBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0);
}

/** The partition is always explicit: kafkajs would hash the key, and re-partition keyless records at each retry. */
function toMessage(record: OutRecord, partition: number, now: () => number): Message {
  return {
    key: record.key,
    value: record.value,
    partition,
    timestamp: String(record.timestampMs ?? now()),
    ...(record.headers ? { headers: { ...record.headers } } : {}),
  };
}
