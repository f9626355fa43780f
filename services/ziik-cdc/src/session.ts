import type { Knex } from '@orgstream/database';
import type { Codec, Producer } from '@orgstream/kafka';
import { sleep, type Logger } from '@orgstream/runtime';
import { connectSource, readTableFacts, type SourceMapping, type SourceRow } from '@orgstream/ziik-source';
import type pg from 'pg';
import { ChangeReader } from './change-reader.ts';
import { ChunkReader, copyColumns } from './chunk-reader.ts';
import { Guardian } from './guardian.ts';
import { settleIdentity } from './identity.ts';
import type { SourceMetrics } from './metrics.ts';
import { PgOutputDecoder } from './pgoutput.ts';
import { Publisher } from './publisher.ts';
import { ReplicationStream } from './replication-stream.ts';
import { createReread } from './reread.ts';
import { Snapshots } from './snapshot.ts';
import { markRunning, storePublished } from './source-state.ts';
import { createOnTruncated } from './truncated.ts';
import { Watermarks, MESSAGE_PREFIX } from './watermarks.ts';
import { CommittedXids } from './xids.ts';

/** Limits and intervals of every source. */
export interface SessionSettings {
  readonly chunkRows: number;
  readonly maxInFlightBytes: number;
  readonly heartbeatMs: number;
  readonly checkMs: number;
  readonly flushMs: number;
}

export interface SessionContext {
  readonly row: SourceRow;
  readonly url: string;
  readonly mapping: SourceMapping;
  readonly db: Knex;
  readonly producer: Producer;
  /** Of `ziik.changes`. */
  readonly partitions: number;
  readonly codec: Codec;
  readonly metrics: SourceMetrics;
  readonly log: Logger;
  readonly settings: SessionSettings;
  /** `request` events say that a snapshot was asked for. */
  readonly wake: EventTarget;
  readonly onRunning: () => void;
}

/** How long a stopping session waits for what is under way to Kafka. */
const DRAIN_MS = 5_000;

/**
 * One connection's life of a source: checks, stream, snapshots, heartbeat, guardian; they live and end together.
 * Resolves when `signal` aborts; rejects with what ended it. Starting again is always safe: the slot only ever forgets
 * what Kafka holds.
 */
export async function runSession(context: SessionContext, signal: AbortSignal): Promise<void> {
  const clients: pg.Client[] = [];
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  const connect = async (part: string, replication = false): Promise<pg.Client> => {
    const client = await connectSource(context.url, { name: `orgstream ${part} ${context.row.name}`, replication });
    clients.push(client);
    return client;
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await Promise.allSettled(clients.map((client) => endClient(client)));
  };
  try {
    const parts = await openParts(context, connect, inner);
    await runParts(context, parts, inner, end);
  } finally {
    await end();
  }
}

interface Parts {
  readonly sql: pg.Client;
  readonly stream: ReplicationStream;
  readonly publisher: Publisher;
  readonly snapshots: Snapshots;
  readonly guardian: Guardian;
  readonly acknowledged: { lsn: number };
}

async function openParts(
  context: SessionContext,
  connect: (part: string, replication?: boolean) => Promise<pg.Client>,
  signal: AbortSignal,
): Promise<Parts> {
  const { row, mapping, db, metrics, log, settings } = context;
  const sql = await connect('cdc');
  const guardian = new Guardian({ ...context, client: sql, row, mapping });
  await guardian.checkAll();
  const replication = await connect('stream', true);
  const { epoch, publishedLsn } = await settleIdentity({ ...context, sql, replication });
  const xids = new CommittedXids();
  for (const xid of await invisibleCommits(sql)) xids.add(xid);
  const watermarks = new Watermarks();
  const acknowledged = { lsn: publishedLsn };
  const publisher: Publisher = new Publisher({
    ...context,
    source: row.name,
    epoch,
    flushedLsn: publishedLsn,
    maxInFlightBytes: settings.maxInFlightBytes,
    onFull: (full) => stream.setFull(full),
    onError: (error) => stream.fail(error),
    onRefused: (facts, key) => {
      log.error(facts, 'row set aside');
      if (key !== undefined) watermarks.refuse(key);
    },
  });
  const reread = createReread(sql, signal);
  const onTruncated = createOnTruncated({ db, sql, mapping, log, source: row.name, publishedLsn });
  const decoder = new PgOutputDecoder();
  const reader = new ChangeReader({ mapping, decoder, publisher, watermarks, xids, reread, onTruncated });
  const stream = new ReplicationStream(replication, {
    slot: row.slot,
    publication: row.publication,
    onData: (bytes, offset) => reader.handle(bytes, offset),
    onKeepalive: (walEnd) => publisher.pass(walEnd),
    flushedLsn: () => acknowledged.lsn,
    statusIntervalMs: guardian.statusIntervalMs,
    silenceLimitMs: Math.max(30_000, 3 * settings.heartbeatMs),
  });
  const chunks = await openChunkReader(context, await connect('snapshot'));
  const snapshots = new Snapshots({
    source: row.name, epoch, mapping, db, reader: chunks, publisher, watermarks, xids, metrics, log,
    chunkRows: settings.chunkRows, signal,
  }); // prettier-ignore
  return { sql, stream, publisher, snapshots, guardian, acknowledged };
}

async function openChunkReader(context: SessionContext, client: pg.Client): Promise<ChunkReader> {
  // Watermarks do not wait for standbys: a stuck one must not stop snapshots. The visibility check covers what that allows.
  await client.query('set synchronous_commit = local');
  // Chunks come in the order of the index on (tenant, id). Under stale statistics Postgres would read and sort all that is
  // left of the tenant for each of them: a load on the source that grows with the square of the tenant.
  for (const way of ['seqscan', 'bitmapscan', 'sort', 'incremental_sort'])
    await client.query(`set enable_${way} = off`);
  const facts = await readTableFacts(client, context.mapping);
  const columns = new Map(
    context.mapping.map((table) => {
      const found = facts.find((one) => one.schema === table.schema && one.table === table.table);
      return [table, copyColumns(table, found?.columns)] as const;
    }),
  );
  return new ChunkReader(client, context.mapping, columns, context.wake);
}

/**
 * Transactions that are in the log but wait for a standby: an earlier session may have published them, and a snapshot
 * would still read the rows as they were (facts §5). Others' are seen only with pg_read_all_stats.
 */
async function invisibleCommits(sql: pg.Client): Promise<readonly number[]> {
  const { rows } = await sql.query<{ xid: string }>(
    `select backend_xid::text as xid from pg_stat_activity where wait_event = 'SyncRep' and backend_xid is not null`,
  );
  return rows.map(({ xid }) => Number(xid));
}

async function runParts(
  context: SessionContext,
  parts: Parts,
  signal: AbortSignal,
  end: () => Promise<void>,
): Promise<void> {
  const { stream, publisher, snapshots, guardian } = parts;
  const work = [
    stream.run(),
    snapshots.run(),
    guardian.run(signal),
    heartbeat(context, parts, signal),
    acknowledge(context, parts, signal),
  ];
  // Looked at from the first moment: a part may fail while we still store that they run.
  const failed = Promise.all(work);
  failed.catch(() => {});
  try {
    await markRunning(context.db, context.row);
    context.onRunning();
    await Promise.race([aborted(signal), failed]);
  } finally {
    stream.setFull(true);
    await publisher.drain(DRAIN_MS);
    await storeAndAcknowledge(context, parts).catch(() => {}); // what is not told now is told again
    stream.stop();
    // Connections first: a query on one that is dead without a word would be waited for until TCP gives up.
    await end();
    await Promise.allSettled(work);
  }
}

/** Resolves when the signal aborts, also if it has already. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Makes the server write and speak: an idle database moves its slot on, and a dead connection is noticed. */
async function heartbeat(context: SessionContext, { sql }: Parts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sql.query(`select pg_logical_emit_message(false, $1, 'heartbeat')`, [MESSAGE_PREFIX]);
    await sleep(context.settings.heartbeatMs, signal);
  }
}

async function acknowledge(context: SessionContext, parts: Parts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(context.settings.flushMs, signal);
    try {
      await storeAndAcknowledge(context, parts);
    } catch (error) {
      context.log.warn({ err: error }, 'storing the published position; the slot is told later');
    }
  }
}

/** First stored, then told: a slot that is further than what is stored was moved by somebody else. */
async function storeAndAcknowledge(context: SessionContext, { publisher, acknowledged, stream }: Parts): Promise<void> {
  const lsn = publisher.flushedLsn;
  if (lsn <= acknowledged.lsn) return;
  await storePublished(context.db, context.row.name, lsn);
  acknowledged.lsn = lsn;
  stream.sendStatus();
}

async function endClient(client: pg.Client): Promise<void> {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  const timer = setTimeout(() => connection.stream.destroy(), 1_000);
  try {
    await client.end();
  } finally {
    clearTimeout(timer);
  }
}
