import { isAppError } from '@orgstream/core';
import { backoffMs, sleep } from '@orgstream/runtime';
import type { Log } from './client.ts';
import type { Batch, InRecord, PartitionProgress, TopicPartition } from './port.ts';

export interface LaneOptions extends TopicPartition {
  /** Offset of the first record to handle. */
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly maxBatchRecords: number;
  readonly maxQueuedRecords: number;
  readonly onBatch: (batch: Batch) => Promise<void>;
  /** The queue is full: stop fetching this partition. */
  readonly onFull: (where: TopicPartition) => void;
  /** The queue has room again. */
  readonly onRoom: (where: TopicPartition) => void;
  /** `nextOffset` moved. */
  readonly onProgress: () => void;
  /** The handler failed for good. */
  readonly onError: (error: unknown) => void;
  readonly log: Log;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * One partition of one assignment: a bounded queue and at most one running handler, so a slow partition holds back
 * nobody and offsets complete without gaps.
 *
 * open → (stop) → stopping: the running handler finishes, nothing new begins → (abort) → aborted: nothing completes.
 */
export class Lane {
  readonly topic: string;
  readonly partition: number;
  readonly #options: LaneOptions;
  readonly #aborted = new AbortController();
  readonly #stopped = new AbortController();
  #queue: InRecord[] = [];
  #current: readonly InRecord[] = [];
  #running: Promise<void> | undefined;
  #full = false;
  #position: number;
  #next: number;
  #emptyAt: number | undefined;
  #stale = 0;
  #highWatermark: number;

  constructor(options: LaneOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.#options = options;
    this.#position = options.startOffset;
    this.#next = options.startOffset;
    this.#highWatermark = options.highWatermark;
  }

  /** Offset that the next fetch must begin at; anything else is a stale answer. */
  get position(): number {
    return this.#position;
  }

  /** Everything below has a durable outcome: the value to commit. */
  get nextOffset(): number {
    return this.#next;
  }

  /** Nothing waits, and the broker had nothing from our position to `end` when last asked. */
  drainedTo(end: number): boolean {
    return this.#idle && this.#emptyAt === this.#position && this.#highWatermark >= end;
  }

  get #idle(): boolean {
    return this.#queue.length === 0 && this.#current.length === 0;
  }

  progress(): PartitionProgress {
    const { topic, partition } = this;
    const oldestPendingMs = (this.#current[0] ?? this.#queue[0])?.timestampMs;
    return { topic, partition, nextOffset: this.#next, highWatermark: this.#highWatermark, oldestPendingMs };
  }

  /** Takes a fetch: its records, and where the next one begins. */
  push(records: readonly InRecord[], nextPosition: number, highWatermark: number): void {
    if (this.#stopped.signal.aborted) return;
    this.#position = nextPosition;
    this.#highWatermark = highWatermark;
    this.#stale = 0;
    for (const record of records) this.#queue.push(record);
    if (!this.#full && this.#queue.length >= this.#options.maxQueuedRecords) {
      this.#full = true;
      this.#options.onFull(this);
    }
    this.#start();
  }

  /** An answer that did not begin at our position; how many there were in a row. */
  countStale(): number {
    this.#stale += 1;
    return this.#stale;
  }

  /** No records lie between our position and `nextPosition` (control records, compacted tail of a batch). */
  skipTo(nextPosition: number): void {
    if (this.#stopped.signal.aborted || nextPosition <= this.#position) return;
    this.#position = nextPosition;
    this.#completeGap();
  }

  /** The broker had nothing from `offset` to `highWatermark`. */
  sawEmpty(offset: number, highWatermark: number): void {
    if (offset !== this.#position) return;
    const known = this.#emptyAt === offset && this.#highWatermark === highWatermark;
    this.#highWatermark = highWatermark;
    this.#emptyAt = offset;
    if (known) return;
    this.#options.onProgress();
  }

  /** Begins nothing new and ends a back-off; resolves when the running handler has settled. */
  stop(): Promise<void> {
    // The queue stays: an empty one would mean that everything fetched is done.
    this.#stopped.abort();
    return this.#running ?? Promise.resolve();
  }

  /** The partition is lost or time is up: the batch's signal aborts and nothing completes any more. */
  abort(): Promise<void> {
    this.#aborted.abort();
    return this.stop();
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // A push may have come between the loop's last look and this line.
      if (this.#queue.length > 0 && !this.#stopped.signal.aborted) this.#start();
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#stopped.signal.aborted) {
      this.#current = this.#queue.splice(0, this.#options.maxBatchRecords);
      const batch = {
        topic: this.topic,
        partition: this.partition,
        records: this.#current,
        signal: this.#aborted.signal,
      };
      const done = await this.#handle(batch);
      // Hazard: kafkajs lets handlers of a lost partition go on, and their commits pass. Not here.
      if (!done || this.#aborted.signal.aborted) return;
      this.#next = this.#current.at(-1)!.offset + 1;
      this.#current = [];
      this.#completeGap();
      if (this.#full && this.#queue.length <= this.#options.maxQueuedRecords / 2) {
        this.#full = false;
        this.#options.onRoom(this);
      }
    }
  }

  /** With nothing pending everything fetched is done, offsets without a record included. */
  #completeGap(): void {
    if (this.#idle) this.#next = this.#position;
    this.#options.onProgress();
  }

  /** False when the lane ended before the batch had an outcome. */
  async #handle(batch: Batch): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#options.onBatch(batch);
        return true;
      } catch (error) {
        if (this.#stopped.signal.aborted) return false;
        if (!isAppError(error) || error.disposition !== 'retry') {
          // What comes after a record that failed for good must not begin.
          this.#stopped.abort();
          this.#options.onError(error);
          return false;
        }
        const waitMs = Math.max(error.waitMs ?? 0, backoffMs(attempt, { baseMs: 100, capMs: 10_000 }));
        const { topic, partition } = this;
        const fields = {
          topic,
          partition,
          offset: batch.records[0]?.offset,
          code: error.code,
          attempt,
          waitMs,
          err: error,
        };
        if (waitMs < 5_000) this.#options.log.info(fields, 'batch is retried');
        else this.#options.log.warn(fields, 'batch is retried');
        await (this.#options.sleep ?? sleep)(waitMs, this.#stopped.signal);
        if (this.#stopped.signal.aborted) return false;
      }
    }
  }
}
