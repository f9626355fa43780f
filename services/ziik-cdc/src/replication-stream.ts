import { AppError } from '@orgstream/core';
import { quoteIdentifier, translateSourceError } from '@orgstream/ziik-source';
import type pg from 'pg';
import { readUint64 } from './pgoutput.ts';

/** `w` XLogData, `k` keepalive, `r` standby status update. */
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
const STATUS_UPDATE = 0x72;
const PAYLOAD_OFFSET = 25;
const MICROSECONDS_2000 = 946_684_800_000_000n;

export interface ReplicationStreamOptions {
  readonly slot: string;
  readonly publication: string;
  /** Takes a pgoutput message; a promise stops the stream until it settles. A throw ends it. */
  readonly onData: (bytes: Buffer, offset: number) => void | Promise<void>;
  /** The server is here, and everything before it has been handed to `onData`. */
  readonly onKeepalive: (walEnd: number) => void;
  /** What may be acknowledged. */
  readonly flushedLsn: () => number;
  /** Status interval; a fraction of the server's wal_sender_timeout. */
  readonly statusIntervalMs: number;
  /** No byte for this long while not paused means a dead connection (a heartbeat makes the server speak). */
  readonly silenceLimitMs: number;
}

/** What pg needs of a query object; replication and COPY are queries that never come to an end by themselves. */
interface Submittable {
  submit(connection: Connection): void;
  handleCopyData(message: { readonly chunk: Buffer }): void;
  handleError(error: Error): void;
  handleReadyForQuery(): void;
  handleCommandComplete(): void;
  handleRowDescription(): void;
  handleDataRow(): void;
}

interface Connection {
  readonly stream: { pause(): void; resume(): void; destroy(): void };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

const nothing = (): void => {};

/**
 * A stream of pgoutput messages from one slot, on a `replication: 'database'` connection.
 *
 * States: started → (paused ⇄ flowing) → ended. Paused is the sum of two reasons: the caller's back-pressure and a
 * message whose handling takes time. Status goes out on a timer of its own in every state, so a paused stream stays alive.
 */
export class ReplicationStream {
  readonly #client: pg.Client;
  readonly #options: ReplicationStreamOptions;
  readonly #ended = Promise.withResolvers<void>();
  /** Messages that were parsed already when the stream had to wait. */
  readonly #backlog: Buffer[] = [];
  #connection: Connection | undefined;
  #waiting = false;
  #full = false;
  #over = false;
  /** Something came since the last tick. */
  #spoke = false;
  #lastByteAt = performance.now();

  constructor(client: pg.Client, options: ReplicationStreamOptions) {
    this.#client = client;
    this.#options = options;
    this.#ended.promise.catch(nothing);
  }

  /** Streams until `stop` or failure. Throws SLOT_LOST, PUBLICATION_MISSING, SLOT_IN_USE, SOURCE_UNREACHABLE, or what `onData` threw. */
  async run(): Promise<void> {
    const { slot, publication, statusIntervalMs } = this.#options;
    // 0/0 = from where the slot stands: a higher LSN would skip what was not acknowledged.
    const start =
      `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 ` +
      `(proto_version '1', publication_names '${quoteIdentifier(publication).replaceAll("'", "''")}', messages 'true')`;
    this.#client.once('end', () => this.#fail(new AppError('SOURCE_UNREACHABLE', 'streaming: the connection ended')));
    this.#client.query(this.#submittable(start) as unknown as pg.Submittable);
    const timer = setInterval(() => this.#tick(), statusIntervalMs);
    try {
      await this.#ended.promise;
    } finally {
      this.#over = true;
      clearInterval(timer);
    }
  }

  /** Back-pressure: no more data while `full`. */
  setFull(full: boolean): void {
    this.#full = full;
    this.#steer();
  }

  /** Ends the stream after a last status. */
  stop(): void {
    this.sendStatus();
    this.#over = true;
    this.#connection?.stream.resume();
    this.#ended.resolve();
  }

  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Tells the server what is flushed. */
  sendStatus(): void {
    if (!this.#connection || this.#over) return;
    const flushed = BigInt(this.#options.flushedLsn());
    const status = Buffer.allocUnsafe(34);
    status[0] = STATUS_UPDATE;
    for (const offset of [1, 9, 17]) status.writeBigUInt64BE(flushed, offset);
    status.writeBigInt64BE(BigInt(Date.now()) * 1000n - MICROSECONDS_2000, 25);
    status[33] = 0;
    this.#connection.sendCopyFromChunk(status);
  }

  #submittable(text: string): Submittable {
    return {
      submit: (connection) => {
        this.#connection = connection;
        connection.query(text);
      },
      handleCopyData: ({ chunk }) => this.#receive(chunk),
      handleError: (error) => this.#fail(startError(error)),
      handleReadyForQuery: () =>
        this.#fail(new AppError('SOURCE_UNREACHABLE', 'streaming: the server ended the stream')),
      handleCommandComplete: nothing,
      handleRowDescription: nothing,
      handleDataRow: nothing,
    };
  }

  #receive(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#waiting) return void this.#backlog.push(Buffer.from(chunk));
    try {
      this.#handle(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  #handle(chunk: Buffer): void {
    const kind = chunk[0];
    this.#spoke = true;
    if (kind === XLOG_DATA) {
      const busy = this.#options.onData(chunk, PAYLOAD_OFFSET);
      if (busy) this.#waitFor(busy);
    } else if (kind === KEEPALIVE) {
      this.#options.onKeepalive(readUint64(chunk, 1));
      if (chunk[17] === 1) this.sendStatus();
    } else {
      throw new AppError('REPLICATION_PROTOCOL', `streaming: copy message type 0x${kind?.toString(16)}`);
    }
  }

  #waitFor(busy: Promise<void>): void {
    this.#waiting = true;
    this.#steer();
    busy.then(
      () => this.#goOn(),
      (error: unknown) => this.#fail(error),
    );
  }

  #goOn(): void {
    this.#waiting = false;
    try {
      while (!this.#waiting && !this.#over) {
        const next = this.#backlog.shift();
        if (!next) break;
        this.#handle(next);
      }
    } catch (error) {
      return this.#fail(error);
    }
    this.#steer();
  }

  #steer(): void {
    const stream = this.#connection?.stream;
    if (this.#full || this.#waiting) stream?.pause();
    else stream?.resume();
  }

  #tick(): void {
    this.sendStatus();
    if (this.#spoke || this.#full || this.#waiting) this.#lastByteAt = performance.now();
    this.#spoke = false;
    if (performance.now() - this.#lastByteAt > this.#options.silenceLimitMs) {
      this.#fail(new AppError('SOURCE_UNREACHABLE', 'streaming: the server has been silent for too long'));
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended.reject(error);
  }
}

/**
 * 55000 at START_REPLICATION: the slot was invalidated (facts §4). 42704: the publication does not exist, or did not where the
 * slot stands; PostgreSQL 18 only warns. That the slot exists was looked at just before.
 */
function startError(error: Error): AppError {
  const sqlState = (error as { code?: string }).code;
  const code = sqlState === '55000' ? 'SLOT_LOST' : sqlState === '42704' ? 'PUBLICATION_MISSING' : undefined;
  if (code) return new AppError(code, `streaming: SQLSTATE ${sqlState} — orgstream snapshot --source`, { sqlState });
  return translateSourceError(error, 'streaming');
}
