import { AppError, isAppError, partitionOf, topics } from '@orgstream/core';
import {
  finishCommand,
  isDataError,
  postgresError,
  takeCommand,
  touchCommand,
  type CommandRow,
  type Knex,
} from '@orgstream/database';
import type { Batch, Codec, Kafka } from '@orgstream/kafka';
import { sleep, type Logger } from '@orgstream/runtime';
import { decodeBatch } from '../ingest/decode.ts';
import { tenantOf, type Item } from '../ingest/fact.ts';
import { ingestAgain } from '../ingest/ingest.ts';
import { createLimit } from './limit.ts';
import { startRun, updateRun, type ReplayProgress } from './run-store.ts';

export interface ReplayOptions {
  readonly db: Knex;
  readonly kafka: Kafka;
  readonly codec: Codec;
  readonly log: Logger;
  /** Default `directory.changes`. */
  readonly topic?: string;
  /** How often commands are looked for, default 1 s. */
  readonly pollMs?: number;
  /** Records in one transaction at most, default 1,000; live ingest of the partition waits for it. */
  readonly maxBatchRecords?: number;
}

/** Carries out `replay` commands, one at a time. */
export interface Replay {
  /** Runs until the signal aborts. A replay under way is left, and taken up from its beginning by whoever comes next. */
  run(signal: AbortSignal): Promise<void>;
}

/** Transactions at once: a replay has the whole topic to read and must leave Postgres to live ingest. */
const PARALLEL = 2;
/** Progress is stored this often; it also keeps the command from being taken by another replica. */
const REPORT_MS = 1_000;

/**
 * Replay = `directory.changes` once more, from its beginning to the end captured at start, through the statements of
 * ingest into the existing replica. A converged replica marks nothing. `ingest_offset` and markers are left alone.
 */
export function createReplay(options: ReplayOptions): Replay {
  const { db, log } = options;
  return {
    async run(signal) {
      while (!signal.aborted) {
        try {
          const command = await takeCommand(db, 'learningbank-sink', { kinds: ['replay'] });
          if (command) await carryOut(options, command, signal);
          else await sleep(options.pollMs ?? 1_000, signal);
        } catch (error) {
          log.warn({ err: postgresError(error, 'looking for commands') }, 'commands wait');
          await sleep(options.pollMs ?? 1_000, signal);
        }
      }
    },
  };
}

async function carryOut(options: ReplayOptions, command: CommandRow, signal: AbortSignal): Promise<void> {
  const { db, log } = options;
  const tenant = (command.payload as { readonly tenant?: string }).tenant ?? null;
  const state = { total: 0, records: 0, changed: 0, marked: 0 };
  const runId = await startRun(db, tenant, state);
  const started = performance.now();
  log.info({ runId, tenant }, 'replay begins');
  try {
    await withReports(
      () => report(db, command.id, runId, state),
      () => readAgain(options, tenant, state, signal),
    );
    if (signal.aborted) return;
    await updateRun(db, runId, { state: 'done', progress: state });
    await finishCommand(db, command.id, { result: state });
    log.info({ runId, tenant, ...state, durationMs: Math.round(performance.now() - started) }, 'replay done');
  } catch (error) {
    if (signal.aborted) return;
    const code = isAppError(error) ? error.code : 'UNEXPECTED';
    const message = isAppError(error) ? error.message : 'see the log of the sink';
    log.error({ runId, tenant, code, err: error }, 'replay failed');
    await updateRun(db, runId, { state: 'failed', progress: state, code, message });
    await finishCommand(db, command.id, { result: state, code, message });
  }
}

async function report(db: Knex, commandId: number, runId: string, progress: ReplayProgress): Promise<void> {
  await touchCommand(db, commandId, progress);
  await updateRun(db, runId, { state: 'applying', progress });
}

/** Calls `tell` from time to time while `work` goes on; a report that cannot be stored is no reason to stop. */
async function withReports(tell: () => Promise<void>, work: () => Promise<void>): Promise<void> {
  const ended = new AbortController();
  const telling = (async () => {
    for (await sleep(REPORT_MS, ended.signal); !ended.signal.aborted; await sleep(REPORT_MS, ended.signal)) {
      await tell().catch(() => undefined);
    }
  })();
  try {
    await work();
  } finally {
    ended.abort();
    await telling;
  }
}

interface Counts {
  total: number;
  records: number;
  changed: number;
  marked: number;
}

async function readAgain(
  options: ReplayOptions,
  tenant: string | null,
  counts: Counts,
  signal: AbortSignal,
): Promise<void> {
  const topic = options.topic ?? topics.directoryChanges;
  const partitions = await partitionsOf(options.kafka, topic, tenant);
  counts.total = partitions.reduce((sum, { low, high }) => sum + high - low, 0);
  const limit = createLimit(PARALLEL);
  await options.kafka.read({
    topic,
    from: 'beginning',
    partitions: partitions.map(({ partition }) => partition),
    maxBatchRecords: options.maxBatchRecords ?? 1_000,
    signal,
    onBatch: (batch) => limit(() => takeAgain(options, batch, tenant, counts)),
  });
}

async function partitionsOf(
  kafka: Kafka,
  topic: string,
  tenant: string | null,
): Promise<readonly { readonly partition: number; readonly low: number; readonly high: number }[]> {
  await using admin = await kafka.createAdmin();
  const all = await admin.offsets(topic);
  return tenant === null ? all : all.filter(({ partition }) => partition === partitionOf(tenant, all.length));
}

/** What cannot be read was set aside by ingest already. */
async function takeAgain(options: ReplayOptions, batch: Batch, tenant: string | null, counts: Counts): Promise<void> {
  const { items } = await decodeBatch(options.codec, batch.records);
  const wanted = tenant === null ? items : items.filter((item) => tenantOf(item) === tenant);
  const result = await again(options.db, batch, wanted);
  counts.records += batch.records.length;
  counts.changed += result.changed;
  counts.marked += result.marked;
}

/** Halves a batch that Postgres refuses, down to the one item, which ingest has set aside. */
async function again(
  db: Knex,
  place: { readonly topic: string; readonly partition: number },
  items: readonly Item[],
): Promise<{ readonly changed: number; readonly marked: number }> {
  if (items.length === 0) return { changed: 0, marked: 0 };
  try {
    return await ingestAgain(db, { ...place, items });
  } catch (error) {
    if (error instanceof AppError || !isDataError(error)) throw postgresError(error, 'replaying facts');
    if (items.length === 1) return { changed: 0, marked: 0 };
    const half = Math.ceil(items.length / 2);
    const first = await again(db, place, items.slice(0, half));
    const second = await again(db, place, items.slice(half));
    return { changed: first.changed + second.changed, marked: first.marked + second.marked };
  }
}
