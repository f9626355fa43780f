/** A record to be written. Keys are UTF-8 strings; a null value is a tombstone. */
export interface OutRecord {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
  /** Unix milliseconds; default: now. */
  readonly timestampMs?: number;
}

/** One partition of one topic, to write to. */
export interface PartitionWriter {
  readonly topic: string;
  readonly partition: number;
  /**
   * Resolves once all in-sync replicas hold every record, in order. May be called again before it resolved: calls keep
   * their order, and those that wait are sent together. Retries for ever on `retry` errors, by sending exactly the same
   * batch again; rejects with KAFKA_CLIENT_DEAD, KAFKA_AUTH_FAILED or TOPIC_MISSING when going on is pointless, or when
   * the producer closes: then every later append of this writer rejects too. RECORD_INVALID = a record above 900 KiB;
   * nothing of that call was sent, the writer goes on.
   */
  append(records: readonly OutRecord[]): Promise<void>;
}

export interface Producer extends AsyncDisposable {
  /** The writer of one partition; the same object for the same arguments. */
  writer(topic: string, partition: number): PartitionWriter;
  /** Number of partitions of a topic, asked once. Throws TOPIC_MISSING. */
  partitions(topic: string): Promise<number>;
  /** Bytes handed in and not yet acknowledged, for back-pressure. */
  readonly pendingBytes: number;
}

/** A record as it was read. `value` null = tombstone. */
export interface InRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly timestampMs: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Records of one partition, in the order of the log. */
export interface Batch extends TopicPartition {
  readonly records: readonly InRecord[];
  /**
   * Aborted when the partition is no longer ours, or a stopping consumer has waited 5 s for the handler: do not commit
   * anything then. A batch whose signal is aborted is never completed, it is delivered again.
   */
  readonly signal: AbortSignal;
}

export interface ConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Records handed over in one batch at most. */
  readonly maxBatchRecords: number;
  /** Records waiting per partition (overshot by one fetch at most); beyond that it is paused, the others go on. */
  readonly maxQueuedRecords: number;
  /**
   * Handles a batch; never two at once for one partition, many partitions at once. Resolving = every record has a
   * durable outcome: the offset is completed and committed. An AppError `retry` is repeated with back-off, the same batch,
   * the partition keeps its place and the others go on; any other error ends `run()` with it.
   */
  readonly onBatch: (batch: Batch) => Promise<void>;
  /**
   * Where to start after an assignment, per partition; undefined = the group's committed offset, else the beginning.
   * Called before the first batch of the assignment, after every handler of the last assignment has settled. A
   * `retry` error is repeated, any other rejection ends `run()`. An offset outside [low, high] ends it with RETENTION_PASSED.
   */
  readonly onAssigned?: (
    partitions: readonly (TopicPartition & { readonly low: number; readonly high: number })[],
  ) => Promise<readonly (TopicPartition & { readonly offset: number })[]>;
}

export interface PartitionProgress extends TopicPartition {
  /** Next offset to complete; undefined before the first batch. */
  readonly nextOffset: number | undefined;
  readonly highWatermark: number | undefined;
  /** Kafka timestamp of the oldest record read and not completed, Unix ms. */
  readonly oldestPendingMs: number | undefined;
}

export interface Consumer extends AsyncDisposable {
  /** Runs until `signal` aborts (resolves after finishing what is in flight), or rejects: KAFKA_CLIENT_DEAD, handler errors. */
  run(signal: AbortSignal): Promise<void>;
  progress(): readonly PartitionProgress[];
  /** Unix ms of the last fetch or heartbeat; for /livez. */
  readonly lastActivityMs: number;
  /** True once partitions have been assigned (or the group settled without any for us). */
  readonly ready: boolean;
}

export interface ReadOptions {
  readonly topic: string;
  /** Where to begin; the end is the high watermark captured at start. */
  readonly from: 'beginning' | { readonly timestampMs: number };
  /** Default: all. */
  readonly partitions?: readonly number[];
  readonly maxBatchRecords: number;
  /** Stop each partition after so many records; default: none. */
  readonly maxRecordsPerPartition?: number;
  /** As in {@link ConsumerOptions}: never two at once for one partition, `retry` errors are repeated. */
  readonly onBatch: (batch: Batch) => Promise<void>;
  /** Aborting ends the read early, without an error. */
  readonly signal: AbortSignal;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  readonly partitions: readonly { readonly partition: number; readonly replicas: number; readonly inSync: number }[];
  readonly config: Readonly<Record<string, string>>;
}

export interface Admin extends AsyncDisposable {
  /** Creates what is missing, aligns configs, never changes partition counts; returns what was changed. Idempotent. */
  applyTopics(specs: readonly TopicSpec[]): Promise<readonly string[]>;
  /** Low and high watermark per partition. Throws TOPIC_MISSING. */
  offsets(topic: string): Promise<readonly (TopicPartition & { readonly low: number; readonly high: number })[]>;
  /** A topic as it is set up: copies of each partition, those in sync, and every setting. Throws TOPIC_MISSING. */
  describeTopic(topic: string): Promise<TopicDescription>;
  /** Records not yet committed per partition by a group; a group without a commit lags from the low watermark. */
  groupLag(groupId: string, topic: string): Promise<readonly (TopicPartition & { readonly lag: number })[]>;
  /** Next offset per partition as a group has committed it; partitions without a commit are absent. Throws TOPIC_MISSING. */
  committed(groupId: string, topic: string): Promise<readonly (TopicPartition & { readonly offset: number })[]>;
  /** First offset at or after a time per partition, the high watermark where nothing is that young. Throws TOPIC_MISSING. */
  offsetsSince(topic: string, timestampMs: number): Promise<readonly (TopicPartition & { readonly offset: number })[]>;
  deleteGroups(groupIds: readonly string[]): Promise<void>;
  /** Cluster id, to notice a replaced cluster. */
  clusterId(): Promise<string>;
}

/** Everything of Kafka that a service may see. `createKafka` (kafkajs inside) is its one implementation. */
export interface Kafka {
  createProducer(): Promise<Producer>;
  createConsumer(options: ConsumerOptions): Promise<Consumer>;
  createAdmin(): Promise<Admin>;
  /** Reads a topic from `from` to the end captured at start, outside any lasting group; resolves with records read. */
  read(options: ReadOptions): Promise<number>;
}
