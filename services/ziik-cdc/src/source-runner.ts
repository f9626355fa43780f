import { AppError, isAppError, type ErrorCode } from '@orgstream/core';
import { backoffMs, sleep } from '@orgstream/runtime';
import { readSource, translateSourceError, type SourceRow } from '@orgstream/ziik-source';
import { runSession, type SessionContext } from './session.ts';
import { markFailed } from './source-state.ts';

/** Not the source's fault: without Kafka no source can go on, and a writer that gave up does so for the process' life. */
const ENDS_THE_PROCESS: readonly ErrorCode[] = [
  'KAFKA_CLIENT_DEAD',
  'KAFKA_AUTH_FAILED',
  'TOPIC_MISSING',
  'SCHEMA_NOT_REGISTERED',
];

/** Changes are lost: only a command goes on. Everything else heals by being put right. */
const NEEDS_COMMAND: readonly ErrorCode[] = ['SLOT_LOST', 'PUBLICATION_MISSING'];

/** A session that lasted this long resets the back-off. */
const STEADY_MS = 30_000;

export interface SourceRunnerOptions extends Omit<SessionContext, 'onRunning'> {
  /** How often a halted source is looked at again that may heal by being put right. */
  readonly recheckMs: number;
  readonly onState: (state: 'running' | 'retrying' | 'halted') => void;
}

/**
 * Keeps one source streaming until the signal aborts: session after session, with back-off; a halt stops this source
 * only. Rejects only with what must end the process.
 */
export async function runSource(options: SourceRunnerOptions, signal: AbortSignal): Promise<void> {
  const { row, db, log, metrics, onState } = options;
  const report = (state: 'running' | 'retrying' | 'halted'): void => {
    metrics.stateChanged(state);
    onState(state);
  };
  if (row.state === 'halted' && row.code !== null && NEEDS_COMMAND.includes(row.code)) {
    report('halted');
    return;
  }
  let lastCode: ErrorCode | undefined;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    const startedAt = performance.now();
    let reached = false;
    const onRunning = (): void => {
      reached = true;
      report('running');
      log.info('streaming');
    };
    try {
      // The row as it stands: the last session moved what is published.
      await runSession({ ...options, row: await freshRow(options), onRunning }, signal);
      return;
    } catch (cause) {
      if (signal.aborted) return;
      if (isAppError(cause) && ENDS_THE_PROCESS.includes(cause.code)) throw cause;
      const error = toAppError(cause);
      if (reached && performance.now() - startedAt > STEADY_MS) attempt = 1;
      const halted = error.disposition === 'halt';
      report(halted ? 'halted' : 'retrying');
      await markFailed(db, row, error, halted).catch((err: unknown) => log.warn({ err }, 'storing the state'));
      if (halted && lastCode !== error.code) log.error({ code: error.code, err: error }, 'source halted');
      lastCode = error.code;
      if (NEEDS_COMMAND.includes(error.code)) return;
      const waitMs = halted ? options.recheckMs : backoffMs(attempt, { baseMs: 200, capMs: 10_000 });
      if (!halted) log[waitMs < 2_000 ? 'info' : 'warn']({ code: error.code, waitMs, err: error }, 'source: again');
      await sleep(waitMs, signal);
      metrics.reconnected();
    }
  }
}

async function freshRow({ db, row }: SourceRunnerOptions): Promise<SourceRow> {
  const fresh = await readSource(db, row.name);
  if (!fresh) throw new AppError('SOURCE_UNKNOWN', `source ${row.name} is gone`);
  // Of another revision another runner speaks.
  return { ...fresh, revision: row.revision };
}

function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error;
  const state = (error as { code?: unknown }).code;
  if (typeof state === 'string') return translateSourceError(error, 'streaming');
  return new AppError('REPLICATION_PROTOCOL', `streaming: ${(error as Error).message}`, { cause: error });
}
