import { AppError, isAppError, parseTenantKey, partitionOf, topics } from '@orgstream/core';
import {
  carryOutCommands,
  finishCommand,
  isDataError,
  postgresError,
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
import { ReplayCounts } from './progress.ts';
import { giveBack, hasIntegration, startRun, updateRun } from './run-store.ts';

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
/** A command that nobody has touched for so long is of a dead process. */
const STALE_MS = 10_000;

/**
 * Replay = `directory.changes` once more, from its beginning or a time to the end captured at start, through the
 * statements of ingest into the existing replica, while live records flow. `ingest_offset` and markers are left alone. A
 * converged replica marks nothing; what changes waits in lane 3 for a run of kind replay, and leavers go at once.
 */
export function createReplay(options: ReplayOptions): Replay {
  const { db, log } = options;
  return {
    run: (signal) =>
      carryOutCommands(
        {
          db,
          addressee: 'learningbank-sink',
          kinds: ['replay'],
          staleMs: STALE_MS,
          log,
          pause: () => sleep(options.pollMs ?? 1_000, signal),
          carryOut: (command) => carryOut(options, command, signal),
        },
        signal,
      ),
  };
}

interface Request {
  readonly tenant: string | null;
  readonly from: string | null;
  readonly by: string | null;
}

/** Throws REQUEST_INVALID, NOT_FOUND. */
async function readRequest(db: Knex, { payload }: CommandRow): Promise<Request> {
  const { tenant = null, from = null, by = null } = payload as Partial<Request>;
  if (from !== null && Number.isNaN(Date.parse(from))) {
    throw new AppError('REQUEST_INVALID', `from: ${from} is no time, for example 2026-03-01T08:00:00Z`);
  }
  if (tenant !== null && (!parseTenantKey(tenant) || !(await hasIntegration(db, tenant)))) {
    throw new AppError('NOT_FOUND', `tenant ${tenant} has no integration: nothing of it is kept`);
  }
  return { tenant, from, by };
}

async function carryOut(options: ReplayOptions, command: CommandRow, signal: AbortSignal): Promise<void> {
  const { db, log } = options;
  const counts = new ReplayCounts();
  let runId: string | undefined;
  try {
    const request = await readRequest(db, command);
    // Taken again after a crash: the same run begins anew.
    const before = (command.result as { readonly run?: string } | null)?.run ?? null;
    const run = (runId = await startRun(db, { id: before, ...request }));
    log.info({ runId, tenant: request.tenant, from: request.from }, 'replay begins');
    const report = async (): Promise<void> => {
      await touchCommand(db, command.id, { run, ...counts.progress() });
      await updateRun(db, run, { state: 'applying', progress: counts.progress() });
    };
    await report();
    await withReports(report, () => readAgain(options, request, counts, signal));
    if (signal.aborted) return await giveBack(db, command.id);
    await updateRun(db, run, { state: 'done', progress: counts.progress() });
    await finishCommand(db, command.id, { result: { run, ...counts.progress() } });
    log.info({ runId, tenant: request.tenant, ...counts.progress() }, 'replay done');
  } catch (error) {
    if (signal.aborted) return;
    const code = isAppError(error) ? error.code : 'UNEXPECTED';
    const message = isAppError(error) ? error.message : 'see the log of the sink';
    log.error({ runId, code, err: error }, 'replay failed');
    if (runId) await updateRun(db, runId, { state: 'failed', progress: counts.progress(), code, message });
    await finishCommand(db, command.id, { result: { run: runId ?? null, ...counts.progress() }, code, message });
  }
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

async function readAgain(
  options: ReplayOptions,
  { tenant, from }: Request,
  counts: ReplayCounts,
  signal: AbortSignal,
): Promise<void> {
  const topic = options.topic ?? topics.directoryChanges;
  const sinceMs = from === null ? null : Date.parse(from);
  const spans = await spansOf(options.kafka, topic, { tenant, sinceMs });
  counts.total = spans.reduce((sum, { begin, end }) => sum + Math.max(0, end - begin), 0);
  const limit = createLimit(PARALLEL);
  await options.kafka.read({
    topic,
    from: sinceMs === null ? 'beginning' : { timestampMs: sinceMs },
    partitions: spans.map(({ partition }) => partition),
    maxBatchRecords: options.maxBatchRecords ?? 1_000,
    signal,
    onBatch: (batch) => limit(() => takeAgain(options, batch, tenant, counts)),
  });
}

/** What there is to read, of the tenant's partition or of all. */
async function spansOf(
  kafka: Kafka,
  topic: string,
  which: { readonly tenant: string | null; readonly sinceMs: number | null },
): Promise<readonly { readonly partition: number; readonly begin: number; readonly end: number }[]> {
  await using admin = await kafka.createAdmin();
  const all = await admin.offsets(topic);
  const since = which.sinceMs === null ? [] : await admin.offsetsSince(topic, which.sinceMs);
  const begins = new Map(since.map(({ partition, offset }) => [partition, offset]));
  const own = which.tenant === null ? null : partitionOf(which.tenant, all.length);
  return all
    .filter(({ partition }) => own === null || partition === own)
    .map(({ partition, low, high }) => ({ partition, begin: begins.get(partition) ?? low, end: high }));
}

/** What cannot be read was set aside by ingest already. */
async function takeAgain(
  options: ReplayOptions,
  batch: Batch,
  tenant: string | null,
  counts: ReplayCounts,
): Promise<void> {
  const { items } = await decodeBatch(options.codec, batch.records);
  const wanted = tenant === null ? items : items.filter((item) => tenantOf(item) === tenant);
  const result = await again(options.db, batch, wanted);
  counts.done += batch.records.length;
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
