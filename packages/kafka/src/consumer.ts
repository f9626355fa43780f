import kafkajs, { type ConsumerGroupJoinEvent, type EachBatchPayload } from 'kafkajs';
import { AppError, isAppError } from '@orgstream/core';
import { retrying } from '@orgstream/runtime';
import { Assignment, withinMs } from './assignment.ts';
import type { Clients, Log } from './client.ts';
import type { CommitOffset } from './committer.ts';
import { protocolType, translate } from './errors.ts';
import { toInRecord } from './in-record.ts';
import type { Lane } from './lane.ts';
import { topicPartitions } from './offsets.ts';
import type { Consumer, ConsumerOptions, PartitionProgress, TopicPartition } from './port.ts';
import { startOffsets } from './start-offsets.ts';
import { byTopic, createInner, type ConsumerSettings } from './consumer-settings.ts';
import { Watchdog } from './watchdog.ts';

/** How long a stopping consumer waits for running handlers before it aborts them. */
const graceMs = 5_000;
const maxRestarts = 10;
/** A broker that restarts is away for longer than two short session timeouts. */
const minSilentMs = 60_000;
/** As many stale answers in a row can no longer be answers from before a rebalance: the broker moved our position. */
const maxStaleFetches = 5;
/** A new leader may tell an old high watermark for a moment: an offset beyond it is not lost yet. */
const highWatermarkSettlesMs = 5_000;

/**
 * kafkajs's consumer with our own partition lanes behind it: `eachBatch` only hands over, for the next fetch of a broker
 * waits for every partition of the last one.
 *
 * created → (run) → joining → consuming ⇄ rebalancing → (abort or error) → stopped.
 */
export class KafkaConsumer implements Consumer {
  readonly #kafka: kafkajs.Kafka;
  readonly #inner: kafkajs.Consumer;
  readonly #options: ConsumerOptions;
  readonly #settings: ConsumerSettings;
  readonly #log: Log;
  readonly #ended = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  #watchdog: Watchdog | undefined;
  #assignment: Assignment | undefined;
  /** Settles when the handlers of all earlier assignments have. */
  #previous: Promise<unknown> = Promise.resolve();
  #commit: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  #ready = false;

  constructor(kafka: Clients, log: Log, options: ConsumerOptions, settings: ConsumerSettings) {
    this.#kafka = kafka.client;
    this.#log = log;
    this.#options = options;
    this.#settings = settings;
    this.#inner = createInner(
      kafka.consumers,
      options.groupId,
      settings.sessionTimeoutMs,
      () => !this.#closing.signal.aborted,
    );
  }

  get lastActivityMs(): number {
    return this.#watchdog?.lastActivityMs ?? 0;
  }

  get ready(): boolean {
    return this.#ready;
  }

  progress(): readonly PartitionProgress[] {
    return this.#assignment?.progress() ?? [];
  }

  /** Lanes of the present assignment, for the reader. */
  lanes(): readonly Lane[] {
    return this.#assignment?.lanes() ?? [];
  }

  /** Connects; throws KAFKA_UNREACHABLE, TOPIC_MISSING. */
  async connect(): Promise<void> {
    // By the impatient client: once running, a consumer waits for brokers far longer than a start should.
    for (const topic of this.#options.topics) await topicPartitions(this.#kafka, topic);
    try {
      await this.#inner.connect();
      // Hazard: without `fromBeginning` an offset out of range jumps to the latest and skips everything before.
      await this.#inner.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    } catch (error) {
      await this.#inner.disconnect().catch(() => undefined);
      throw translate(error, `subscribing to ${this.#options.topics.join(', ')}`);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const silentMs = Math.max(minSilentMs, 2 * this.#settings.sessionTimeoutMs);
    this.#watchdog = new Watchdog({ silentMs, maxRestarts, onDead: (error) => this.#fail(error) });
    const onAbort = () => this.#ended.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      this.#listen();
      const started = this.#inner.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: (payload) => this.#onBatch(payload),
      });
      // Joining waits for the other members: a stop must not wait with it.
      await Promise.race([started.then(() => this.#ended.promise), this.#ended.promise]);
    } catch (error) {
      throw isAppError(error) ? error : error instanceof kafkajs.KafkaJSError ? translate(error, 'consuming') : error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#ended.promise.catch(() => undefined);
    this.#watchdog?.[Symbol.dispose]();
    // Still a member meanwhile: kafkajs goes on fetching and heartbeating, the lanes take nothing.
    await this.#assignment?.stop(graceMs);
    this.#ready = false;
    // Hazard: kafkajs can hang in disconnect after a crash. The process is about to end anyway.
    await withinMs(
      graceMs,
      this.#inner.disconnect().catch(() => undefined),
    );
  }

  #fail(error: unknown): void {
    this.#ended.reject(error);
  }

  #listen(): void {
    const { events } = this.#inner;
    const activity = () => this.#watchdog!.activity();
    this.#inner.on(events.HEARTBEAT, activity);
    this.#inner.on(events.FETCH, (event) => {
      activity();
      this.#onFetch(event.payload as FetchPayload);
    });
    this.#inner.on(events.GROUP_JOIN, (event) => {
      activity();
      this.#onJoin(event);
    });
    this.#inner.on(events.REBALANCING, () => this.#revoke());
    this.#inner.on(events.START_BATCH_PROCESS, ({ payload }) => {
      // kafkajs steps over such a batch itself, without `eachBatch`: it had control records only, or was compacted away.
      if (payload.batchSize === 0) this.#assignment?.lane(payload)?.skipTo(Number(payload.lastOffset) + 1);
    });
    this.#inner.on(events.CRASH, ({ payload }) => {
      this.#revoke();
      this.#commit = undefined;
      if (!this.#closing.signal.aborted) this.#watchdog!.crashed(payload.error, payload.restart);
    });
  }

  /** Hazard: after a rebalance kafkajs lets old handlers run on and lets their commits pass. The epoch ends here. */
  #revoke(): void {
    const lost = this.#assignment;
    if (!lost || lost.revoked) return;
    this.#previous = Promise.all([this.#previous, lost.revoke()]);
  }

  /** Called within kafkajs's join, before it fetches anything: what is paused here is not fetched. */
  #onJoin({ payload }: ConsumerGroupJoinEvent): void {
    this.#revoke();
    if (this.#closing.signal.aborted) return;
    const partitions = Object.entries(payload.memberAssignment).flatMap(([topic, numbers]) =>
      numbers.map((partition) => ({ topic, partition })),
    );
    const assignment: Assignment = new Assignment({
      partitions,
      commit: (offsets) => this.#commitNow(assignment, offsets),
      onCommitError: (error) => this.#onCommitError(assignment, error),
    });
    this.#assignment = assignment;
    this.#pause(partitions);
    this.#begin(assignment).catch((error: unknown) => {
      if (!assignment.revoked) this.#fail(error);
    });
  }

  async #begin(assignment: Assignment): Promise<void> {
    // Never two handlers at once for a partition, and what the old ones stored is seen by `onAssigned`.
    await this.#previous;
    const signal = this.#closing.signal;
    const settledByMs = Date.now() + highWatermarkSettlesMs;
    const work = () => startOffsets(this.#kafka, assignment.partitions, this.#options, Date.now() < settledByMs);
    const onRetry = (error: AppError, waitMs: number) =>
      this.#log.warn({ code: error.code, waitMs }, 'asking for offsets again');
    const { starts, committed } = await retrying(work, { signal, onRetry });
    if (assignment.revoked || signal.aborted) return;
    const wanted = starts.filter(({ partition }) => this.#settings.only?.(partition) ?? true);
    assignment.open(wanted, committed, this.#laneOptions(assignment));
    // Always sought, so that what a lane expects and what kafkajs fetches are the same.
    for (const { topic, partition, offset } of wanted) this.#inner.seek({ topic, partition, offset: String(offset) });
    this.#resume(wanted);
    this.#ready = true;
    this.#log.info({ groupId: this.#options.groupId, partitions: wanted.length }, 'partitions assigned');
    this.#settings.onProgress?.();
    await assignment.flush();
  }

  #laneOptions(assignment: Assignment) {
    const { maxBatchRecords, maxQueuedRecords, onBatch } = this.#options;
    return {
      maxBatchRecords,
      maxQueuedRecords,
      onBatch,
      log: this.#log,
      onFull: (where: TopicPartition) => this.#pause([where]),
      onRoom: (where: TopicPartition) => this.#resume([where]),
      onError: (error: unknown) => {
        if (!assignment.revoked) this.#fail(error);
      },
      onProgress: () => this.#settings.onProgress?.(),
    };
  }

  /** Hands a fetch to its lane and lets kafkajs fetch on. Never throws: that would stop all fetchers. */
  #onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const lane = this.#assignment?.lane(batch);
    if (!lane || !payload.isRunning() || payload.isStale()) return Promise.resolve();
    this.#commit = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    const fetchedOffset = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
    // Hazard: an answer asked for before a rebalance arrives after it, from further on: taking it would skip records.
    if (fetchedOffset !== lane.position) this.#onStale(lane, fetchedOffset);
    else {
      const next = Number(batch.lastOffset()) + 1;
      lane.push(batch.messages.map(toInRecord), next, Number(batch.highWatermark));
      payload.resolveOffset(batch.lastOffset());
    }
    return Promise.resolve();
  }

  #onStale(lane: Lane, fetchedOffset: number): void {
    if (lane.countStale() < maxStaleFetches) return;
    const { topic, partition, position } = lane;
    const where = { topic, partition, offset: position, fetchedOffset };
    this.#fail(
      new AppError('RETENTION_PASSED', `reading ${topic}/${partition}: the position is no longer in the log`, where),
    );
  }

  #onFetch({ emptyPartitions }: FetchPayload): void {
    for (const empty of emptyPartitions ?? []) {
      this.#assignment?.lane(empty)?.sawEmpty(Number(empty.fetchedOffset), Number(empty.highWatermark));
    }
  }

  /**
   * By the batch's own commit, not `consumer.commitOffsets`: that one retries across a rebalance, and then commits old
   * offsets of lost partitions under the new generation. Before the first batch there is only the latter.
   */
  async #commitNow(assignment: Assignment, offsets: readonly CommitOffset[]): Promise<void> {
    if (assignment.revoked) return;
    const entries = offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: String(offset) }));
    if (this.#commit) await this.#commit({ topics: byTopic(entries) });
    else await this.#inner.commitOffsets(entries);
  }

  #onCommitError(assignment: Assignment, error: unknown): void {
    if (assignment.revoked) return;
    this.#log.info({ cause: protocolType(error) ?? translate(error, 'committing').message }, 'committing again later');
  }

  #pause(partitions: readonly TopicPartition[]): void {
    this.#tolerant(() => this.#inner.pause(numbersByTopic(partitions)));
  }

  #resume(partitions: readonly TopicPartition[]): void {
    this.#tolerant(() => this.#inner.resume(numbersByTopic(partitions)));
  }

  /** Between a crash and kafkajs's restart there is nothing to pause; the next join begins anew. */
  #tolerant(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.debug({ err: error }, 'no consumer group at the moment');
    }
  }
}

interface FetchPayload {
  /** Added by our patch. */
  readonly emptyPartitions?: readonly (TopicPartition & { fetchedOffset: string; highWatermark: string })[];
}

function numbersByTopic(where: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  return byTopic(where).map(({ topic, partitions }) => ({ topic, partitions: partitions.map((one) => one.partition) }));
}
