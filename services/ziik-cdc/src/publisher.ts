import { AppError, isAppError, markerKey, partitionOf, tenantKey, topics, type Records } from '@orgstream/core';
import type { Codec, Producer } from '@orgstream/kafka';
import type { RecordName, TableName } from '@orgstream/ziik-source';
import { CommitLog, type Pending } from './commit-log.ts';
import type { SourceMetrics } from './metrics.ts';
import { PartitionBatcher } from './partition-batcher.ts';
import type { Draft } from './row-mapper.ts';

/** The broker refuses more, and the partition would stand still (facts §1, packages/kafka). */
const MAX_RECORD_BYTES = 800 * 1024;
/** What a record weighs in memory and on the wire besides its value. */
const RECORD_OVERHEAD_BYTES = 100;

/** A tenant as the publisher sees it: its key and the partition all its records go to. */
export interface Route {
  readonly tenant: string;
  readonly batcher: PartitionBatcher;
}

export interface PublisherOptions {
  readonly source: string;
  readonly epoch: number;
  /** Everything before it is in Kafka already. */
  readonly flushedLsn: number;
  readonly partitions: number;
  readonly producer: Producer;
  readonly codec: Codec;
  readonly metrics: SourceMetrics;
  /** Above this many bytes not yet acknowledged, `onFull(true)`; below half of it, `onFull(false)`. */
  readonly maxInFlightBytes: number;
  readonly onFull: (full: boolean) => void;
  readonly onError: (error: unknown) => void;
  /** A row was set aside in `orgstream.unreadable`; ids and cause, no values. The key, where it could be read. */
  readonly onRefused: (facts: Readonly<Record<string, string>>, key: string | undefined) => void;
}

interface Held {
  readonly route: Route;
  readonly table: TableName;
  readonly record: RecordName;
  readonly draft: Draft;
  readonly key: string;
}

/**
 * Writes the records of one source to Kafka, in commit order per tenant.
 *
 * Within a transaction one record per tenant is held back, because only the next record, or the commit, tells whether
 * it was the tenant's last. Everything is acknowledged per commit (`CommitLog`), never per record.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #log: CommitLog;
  readonly #routes = new Map<number, Route>();
  readonly #batchers = new Map<string, PartitionBatcher>();
  readonly #held = new Map<number, Held>();
  #commit: Pending | undefined;
  #lsn = 0;
  #committedAtMs = 0;
  #seq = 0;
  #inFlightBytes = 0;
  #full = false;
  #flushScheduled = false;
  #idle: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#log = new CommitLog(options.flushedLsn);
  }

  get flushedLsn(): number {
    return this.#log.flushedLsn;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Commits not yet wholly in Kafka. */
  get openCommits(): number {
    return this.#log.size;
  }

  begin(commitLsn: number, committedAtMs: number): void {
    this.#commit = this.#log.open();
    this.#lsn = commitLsn;
    this.#committedAtMs = committedAtMs;
    this.#seq = 0;
  }

  /** Takes the next record of the open transaction. Returns its key. */
  add(siteId: number, table: TableName, record: RecordName, draft: Draft): string {
    const route = this.route(siteId);
    const key = `${route.tenant}/${table}/${draft.id}`;
    this.#seq += 1;
    draft.position = { epoch: this.#options.epoch, lsn: this.#lsn, seq: this.#seq, last: false };
    draft.committedAtMs = this.#committedAtMs;
    const before = this.#held.get(siteId);
    if (before) this.#send(before, this.#commit!);
    this.#held.set(siteId, { route, table, record, draft, key });
    return key;
  }

  commit(endLsn: number): void {
    const commit = this.#commit!;
    for (const held of this.#held.values()) {
      held.draft.position.last = true;
      this.#send(held, commit);
    }
    this.#held.clear();
    this.#commit = undefined;
    this.#log.close(commit, endLsn);
    this.#options.metrics.committed(this.#committedAtMs);
  }

  /** The server has passed this place, and what came before it has been received. Ignored inside a transaction. */
  pass(walEnd: number): void {
    if (!this.#commit) this.#log.pass(walEnd);
  }

  /** A row of a snapshot: position and chunk are the caller's. */
  addSnapshotRow(
    route: Route,
    table: TableName,
    record: RecordName,
    draft: Draft,
    key: string,
    owner: Pending,
  ): boolean {
    return this.#send({ route, table, record, draft, key }, owner);
  }

  addMarker(route: Route, marker: Records['ziik.SnapshotMarker'], owner: Pending): void {
    const value = this.#options.codec.encode(topics.ziikChanges, 'ziik.SnapshotMarker', marker);
    this.#push(route, markerKey(route.tenant, marker.snapshotId, marker.phase), value, owner);
  }

  /** Sets a row aside whose tenant or id cannot be read: original bytes, and what is wrong with it in the headers. */
  addUnreadable(table: string, bytes: Buffer, error: unknown): void {
    this.#setAside({ table }, Buffer.from(bytes), error);
  }

  route(siteId: number): Route {
    const known = this.#routes.get(siteId);
    if (known) return known;
    const tenant = tenantKey(this.#options.source, siteId);
    const route = { tenant, batcher: this.#batcher(topics.ziikChanges, partitionOf(tenant, this.#options.partitions)) };
    this.#routes.set(siteId, route);
    return route;
  }

  /** Resolves when nothing is in flight any more, or the deadline passed. */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#inFlightBytes === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #send(held: Held, owner: Pending): boolean {
    const { route, table, record, draft, key } = held;
    try {
      // The mapper fills exactly the fields of the table's record type; the codec checks every one of them.
      const value = this.#options.codec.encode(topics.ziikChanges, record, draft as unknown as Records[RecordName]);
      if (value.length <= MAX_RECORD_BYTES) {
        this.#push(route, key, value, owner);
        this.#options.metrics.recordPublished(table);
        return true;
      }
      throw new AppError('RECORD_INVALID', 'publishing a row: larger than Kafka takes');
    } catch (error) {
      if (!isAppError(error, 'RECORD_INVALID')) throw error;
      this.#setAside({ table, tenant: route.tenant, id: String(draft.id) }, Buffer.alloc(0), error, { owner, key });
      return false;
    }
  }

  #setAside(
    ids: Readonly<Record<string, string>>,
    bytes: Buffer,
    error: unknown,
    { owner, key }: { readonly owner: Pending; readonly key?: string } = { owner: this.#commit! },
  ): void {
    const { source, onRefused, metrics } = this.#options;
    const cause = isAppError(error) ? error.message : 'unexpected';
    const headers = { code: 'RECORD_INVALID', cause, origin: `ziik-cdc/${source}`, ...ids };
    metrics.recordRefused();
    onRefused({ code: 'RECORD_INVALID', cause, ...ids }, key);
    this.#enqueue(this.#batcher(topics.unreadable, 0), null, bytes, owner, headers);
  }

  #push(route: Route, key: string, value: Buffer, owner: Pending): void {
    this.#enqueue(route.batcher, key, value, owner);
  }

  #enqueue(
    batcher: PartitionBatcher,
    key: string | null,
    value: Buffer,
    owner: Pending,
    headers?: Readonly<Record<string, string>>,
  ): void {
    const bytes = value.length + RECORD_OVERHEAD_BYTES;
    batcher.push(headers ? { key, value, headers } : { key, value }, bytes, owner);
    this.#inFlightBytes += bytes;
    if (!this.#full && this.#inFlightBytes > this.#options.maxInFlightBytes) this.#setFull(true);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // After everything that came in one read of the socket: together, and without waiting for a timer.
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    for (const batcher of this.#batchers.values()) batcher.flush();
  }

  #acknowledged(bytes: number): void {
    this.#inFlightBytes -= bytes;
    this.#log.advance();
    this.#options.metrics.acknowledged(bytes, this.#inFlightBytes);
    if (this.#full && this.#inFlightBytes < this.#options.maxInFlightBytes / 2) this.#setFull(false);
    if (this.#inFlightBytes === 0) for (const idle of this.#idle.splice(0)) idle();
  }

  #setFull(full: boolean): void {
    this.#full = full;
    this.#options.onFull(full);
  }

  #batcher(topic: string, partition: number): PartitionBatcher {
    const name = `${topic}/${partition}`;
    const known = this.#batchers.get(name);
    if (known) return known;
    const batcher = new PartitionBatcher(
      this.#options.producer.writer(topic, partition),
      (_records, bytes) => this.#acknowledged(bytes),
      this.#options.onError,
    );
    this.#batchers.set(name, batcher);
    return batcher;
  }
}
