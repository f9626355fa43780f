import { AppError, isAppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { backoffMs, sleep, type Logger } from '@orgstream/runtime';
import type { SourceMapping } from '@orgstream/ziik-source';
import type { ChunkReader } from './chunk-reader.ts';
import type { Pending } from './commit-log.ts';
import type { SourceMetrics } from './metrics.ts';
import type { Publisher, Route } from './publisher.ts';
import { abortable, Job, StoredLatch, Window, type Outcome } from './snapshot-job.ts';
import {
  advanceSnapshot,
  beginSnapshot,
  endSnapshot,
  nextSnapshot,
  type SnapshotCursor,
  type SnapshotRow,
} from './snapshot-store.ts';
import { highMark, lowMark, type Watermarks } from './watermarks.ts';
import type { CommittedXids } from './xids.ts';

export interface SnapshotsOptions {
  readonly source: string;
  readonly epoch: number;
  readonly mapping: SourceMapping;
  readonly db: Knex;
  readonly reader: ChunkReader;
  readonly publisher: Publisher;
  readonly watermarks: Watermarks;
  readonly xids: CommittedXids;
  readonly metrics: SourceMetrics;
  readonly log: Logger;
  readonly chunkRows: number;
  readonly signal: AbortSignal;
}

/**
 * Snapshots tenants one after another while the stream goes on (facts §5, DBLog).
 *
 *   stream:   … LOW … changes … HIGH [rows of the chunk] … changes …
 *   here:       LOW   read rows   HIGH
 *
 * A row whose key changed between the marks is overtaken: neither sent nor counted. While a window's rows go to Kafka
 * the next one is being read; the cursor moves when Kafka holds them.
 */
export class Snapshots {
  readonly #o: SnapshotsOptions;

  constructor(options: SnapshotsOptions) {
    this.#o = options;
  }

  /** Works until the signal aborts; rejects when the source or the stream fails. */
  async run(): Promise<void> {
    const { db, source, signal, reader } = this.#o;
    while (!signal.aborted) {
      const request = await nextSnapshot(db, source);
      if (request) await this.#snapshot(request);
      else await reader.idle(signal);
    }
  }

  async #snapshot(request: SnapshotRow): Promise<void> {
    const { db, epoch, log, metrics, mapping, signal } = this.#o;
    const resumed = request.epoch === epoch && request.cursor !== null;
    const id = resumed ? request.id : await beginSnapshot(db, request.id, epoch);
    const job = new Job(id, request, resumed);
    log.info({ tenant: request.tenant, snapshotId: id, resumed }, 'snapshot begins');
    try {
      while (job.cursor.table < mapping.length && !signal.aborted) await this.#window(job);
      if (signal.aborted) return;
      await job.stored;
      await this.#sendMarker(job, 'end');
      await endSnapshot(db, id);
      metrics.snapshotFinished('done');
      log.info({ tenant: request.tenant, snapshotId: id, rows: job.rows, chunks: job.chunks.length }, 'snapshot done');
    } catch (error) {
      // This tenant's snapshot cannot be; the source and its other tenants go on.
      if (!isAppError(error, 'TENANT_UNKNOWN', 'RECORD_INVALID')) throw error;
      await endSnapshot(db, id, error);
      metrics.snapshotFinished('failed');
      log.warn({ tenant: request.tenant, snapshotId: id, code: error.code }, 'snapshot failed');
    }
  }

  /** Reads and sends one window, again and again while the race of facts §5 hits it. */
  async #window(job: Job): Promise<void> {
    const { signal, metrics, log } = this.#o;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const outcome = await this.#attempt(job);
      if (outcome.kind === 'sent') {
        await job.stored; // at most one window ahead: memory, and live records get their turn
        job.stored = this.#persist(job, outcome, job.cursor);
        job.stored.catch(() => {}); // awaited with the next window
        return;
      }
      metrics.chunkRetried();
      const waitMs = backoffMs(attempt, { baseMs: 20, capMs: 2_000 });
      log.debug({ tenant: job.request.tenant, attempt, waitMs }, 'chunk read before a commit was visible, again');
      await sleep(waitMs, signal);
    }
  }

  async #attempt(job: Job): Promise<Outcome> {
    const { reader, watermarks, publisher, signal } = this.#o;
    const { tenant } = publisher.route(job.request.siteId);
    const window: Window = new Window(tenant, () => this.#send(job, window));
    watermarks.expect(window);
    try {
      await reader.mark(lowMark(window.token));
      const read = await reader.read(job.request.siteId, job.cursor, this.#o.chunkRows);
      if (job.cursor.table === 0 && job.cursor.afterId === null && read.parts[0]!.rows.length === 0) {
        throw new AppError('TENANT_UNKNOWN', `tenant ${job.request.tenant} is not in the source`);
      }
      window.read = read;
      await reader.mark(highMark(window.token));
      const outcome = await window.outcome(signal);
      const parts = read.parts.length;
      job.cursor = { ...(outcome.kind === 'sent' ? read.next : job.cursor), nextChunk: job.cursor.nextChunk + parts };
      return outcome;
    } finally {
      watermarks.forget(window);
    }
  }

  /** Inside the stream, at HIGH. */
  #send(job: Job, window: Window): Outcome {
    const { publisher, xids, epoch, metrics } = this.#o;
    const read = window.read!;
    if (xids.findInvisible(read.snapshot, window.xidMark) !== undefined) return { kind: 'invisible' };
    const owner = new StoredLatch();
    const route = publisher.route(job.request.siteId);
    const position = { epoch, lsn: window.lowLsn, seq: 0, last: true };
    job.startLsn ??= this.#startMarker(job, route, window.lowLsn, owner);
    const chunks = read.parts.map((part, index) => {
      const no = job.cursor.nextChunk + index;
      const { name, record, kind } = part.table;
      let rows = 0;
      for (const draft of part.rows) {
        const key = `${route.tenant}/${name}/${draft.id}`;
        if (window.overtaken.has(key)) continue;
        draft.position = position;
        draft.committedAtMs = read.readAtMs;
        draft.snapshotId = job.id;
        draft.chunk = no;
        // Counted also when it was set aside as unreadable: then the counts do not hold, and nothing is swept.
        publisher.addSnapshotRow(route, name, record, draft, key, owner);
        rows += 1;
      }
      return { no, kind, rows };
    });
    owner.close();
    metrics.chunkSent(chunks.reduce((sum, { rows }) => sum + rows, 0));
    return { kind: 'sent', chunks, lowLsn: window.lowLsn, stored: owner.stored };
  }

  #startMarker(job: Job, route: Route, lsn: number, owner: Pending): number {
    job.lowLsn = lsn;
    this.#o.publisher.addMarker(route, this.#marker(job, 'start', lsn), owner);
    return lsn;
  }

  async #persist(job: Job, sent: Outcome & { kind: 'sent' }, cursor: SnapshotCursor): Promise<void> {
    await abortable(sent.stored, this.#o.signal);
    job.lowLsn = sent.lowLsn;
    job.chunks.push(...sent.chunks);
    await advanceSnapshot(this.#o.db, job.id, { cursor, startLsn: job.startLsn!, chunks: sent.chunks });
  }

  async #sendMarker(job: Job, phase: 'start' | 'end'): Promise<void> {
    const owner = new StoredLatch();
    const { publisher } = this.#o;
    publisher.addMarker(publisher.route(job.request.siteId), this.#marker(job, phase, job.lowLsn), owner);
    owner.close();
    await abortable(owner.stored, this.#o.signal);
  }

  #marker(job: Job, phase: 'start' | 'end', lsn: number) {
    return {
      siteId: job.request.siteId,
      position: { epoch: this.#o.epoch, lsn, seq: 0, last: true },
      committedAtMs: Date.now(),
      snapshotId: job.id,
      phase,
      chunks: phase === 'end' ? job.chunks : [],
    };
  }
}
