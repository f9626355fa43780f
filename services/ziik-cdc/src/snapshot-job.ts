import { randomUUID } from 'node:crypto';
import { AppError, type SnapshotChunk } from '@orgstream/core';
import type { ReadChunk } from './chunk-reader.ts';
import type { Pending } from './commit-log.ts';
import type { SnapshotCursor, SnapshotRow } from './snapshot-store.ts';
import type { ChunkWindow } from './watermarks.ts';

/** Chunks that a crash may have sent without storing their numbers; a resumed snapshot leaves this many out. */
const NUMBERS_LEFT_OUT = 100;

/** What came of a window: sent, with the promise that Kafka holds it, or to be read again. */
export type Outcome =
  | {
      readonly kind: 'sent';
      readonly chunks: readonly SnapshotChunk[];
      readonly lowLsn: number;
      readonly stored: Promise<void>;
    }
  | { readonly kind: 'invisible' };

/** One tenant's snapshot under way. */
export class Job {
  readonly id: string;
  readonly request: SnapshotRow;
  readonly chunks: SnapshotChunk[];
  cursor: SnapshotCursor;
  startLsn: number | undefined;
  /** Low watermark of the newest stored window; the end marker stands there. */
  lowLsn: number;
  /** The window before this one is in Kafka and its cursor stored. */
  stored: Promise<void> = Promise.resolve();

  constructor(id: string, request: SnapshotRow, resumed: boolean) {
    this.id = id;
    this.request = request;
    this.chunks = resumed ? [...request.chunks] : [];
    this.startLsn = resumed ? (request.startLsn ?? undefined) : undefined;
    this.lowLsn = this.startLsn ?? 0;
    const cursor = (resumed && request.cursor) || { table: 0, afterId: null, nextChunk: 1 };
    this.cursor = resumed ? { ...cursor, nextChunk: cursor.nextChunk + NUMBERS_LEFT_OUT } : cursor;
  }

  get rows(): number {
    return this.chunks.reduce((sum, { rows }) => sum + rows, 0);
  }
}

/** A chunk between its watermarks. */
export class Window implements ChunkWindow {
  readonly token = randomUUID();
  readonly prefix: string;
  readonly overtaken = new Set<string>();
  lowLsn = 0;
  xidMark = 0;
  read: ReadChunk | undefined;
  readonly #send: () => Outcome;
  readonly #done = Promise.withResolvers<Outcome>();

  constructor(tenant: string, send: () => Outcome) {
    this.prefix = `${tenant}/`;
    this.#send = send;
  }

  onLow(commitLsn: number, xidMark: number): void {
    this.lowLsn = commitLsn;
    this.xidMark = xidMark;
  }

  onHigh(): void {
    this.#done.resolve(this.#send());
  }

  outcome(signal: AbortSignal): Promise<Outcome> {
    return abortable(this.#done.promise, signal);
  }
}

/** Counts a window's records down. */
export class StoredLatch implements Pending {
  closed = false;
  readonly #done = Promise.withResolvers<void>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  set count(count: number) {
    this.#count = count;
    if (count === 0 && this.closed) this.#done.resolve();
  }

  get stored(): Promise<void> {
    return this.#done.promise;
  }

  close(): void {
    this.closed = true;
    if (this.#count === 0) this.#done.resolve();
  }
}

/** A stream that ended sends no watermark any more: waiting for one must end with it. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(new AppError('SOURCE_UNREACHABLE', 'snapshot: the stream ended'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
