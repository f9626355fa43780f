import { AppError, isAppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Codec, Producer } from '@orgstream/kafka';
import type { Logger } from '@orgstream/runtime';
import { connectSource, dropSlot, listSources, resolveMapping, type SourceRow } from '@orgstream/ziik-source';
import type { CdcMetrics } from './metrics.ts';
import type { SessionSettings } from './session.ts';
import { runSource } from './source-runner.ts';
import { deleteSource, markFailed } from './source-state.ts';

export interface SupervisorOptions {
  readonly db: Knex;
  readonly producer: Producer;
  readonly partitions: number;
  readonly codec: Codec;
  readonly metrics: CdcMetrics;
  readonly log: Logger;
  readonly settings: SessionSettings & { readonly recheckMs: number };
  /** Opens a source's URL. Throws SECRET_UNREADABLE. */
  readonly openUrl: (secretId: string) => Promise<string>;
}

interface Running {
  readonly revision: number;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  state: 'starting' | 'running' | 'retrying' | 'halted';
}

/**
 * One runner per row of `cdc.source`: new rows are picked up, changed ones start anew, removed ones are taken down with
 * their slot. A source never touches another.
 */
export class Supervisor {
  readonly #o: SupervisorOptions;
  readonly #running = new Map<string, Running>();
  /** When a removed source that did not answer is tried again. */
  readonly #takeDownAt = new Map<string, number>();
  /** Tells snapshot loops that somebody asked. */
  readonly wake = new EventTarget();
  readonly #failed = Promise.withResolvers<never>();

  constructor(options: SupervisorOptions) {
    this.#o = options;
    this.#failed.promise.catch(() => {});
  }

  /** Rejects with what must end the process. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** True once every source has streamed, halted or been tried in vain. */
  get settled(): boolean {
    return [...this.#running.values()].every(({ state }) => state !== 'starting');
  }

  /** Brings the runners in line with the table. */
  async sync(): Promise<void> {
    const rows = await listSources(this.#o.db);
    for (const name of this.#running.keys()) {
      if (!rows.some((row) => row.name === name)) await this.stop(name);
    }
    for (const row of rows) await this.#bringInLine(row);
  }

  async #bringInLine(row: SourceRow): Promise<void> {
    const running = this.#running.get(row.name);
    if (running?.revision === row.revision) return;
    await this.stop(row.name);
    if (row.removed) await this.#takeDown(row);
    // Without an epoch its slot is still being made, which may take long: it waits for transactions at the source.
    else if (row.epoch > 0) this.#start(row);
  }

  async stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (!running) return;
    running.stop.abort();
    await running.done;
    this.#running.delete(name);
    this.#o.metrics.of(name).removed();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
  }

  #start(row: SourceRow): void {
    const stop = new AbortController();
    const done = this.#run(row, stop.signal).catch((error: unknown) => this.#failed.reject(error));
    this.#running.set(row.name, { revision: row.revision, stop, done, state: 'starting' });
  }

  async #run(row: SourceRow, signal: AbortSignal): Promise<void> {
    const { db, openUrl, log, metrics, settings } = this.#o;
    const onState = (state: Running['state']): void => {
      const running = this.#running.get(row.name);
      if (running?.revision === row.revision) running.state = state;
    };
    try {
      const mapping = resolveMapping(row.mapping);
      const url = await openUrl(row.urlSecretId);
      await runSource(
        {
          ...this.#o,
          row,
          url,
          mapping,
          metrics: metrics.of(row.name),
          log: log.child({ source: row.name }),
          wake: this.wake,
          recheckMs: settings.recheckMs,
          onState,
        },
        signal,
      );
    } catch (error) {
      // What is wrong with this row alone stops this source alone.
      if (!isAppError(error, 'CONFIG_INVALID', 'SECRET_UNREADABLE')) throw error;
      onState('halted');
      log.error({ source: row.name, code: error.code, err: error }, 'source halted');
      await markFailed(db, row, error, true);
    }
  }

  /** Removed: a slot that nobody reads would fill the source's disk. */
  async #takeDown(row: SourceRow): Promise<void> {
    const { db, openUrl, log, settings } = this.#o;
    if (performance.now() < (this.#takeDownAt.get(row.name) ?? 0)) return;
    this.#takeDownAt.set(row.name, performance.now() + settings.recheckMs);
    try {
      const client = await connectSource(await openUrl(row.urlSecretId), { name: 'orgstream source remove' });
      try {
        await dropSlot(client, row);
      } finally {
        await client.end();
      }
      await deleteSource(db, row.name);
      this.#takeDownAt.delete(row.name);
      log.info({ source: row.name }, 'source removed, slot and publication dropped');
    } catch (error) {
      const code = isAppError(error) ? error.code : 'SOURCE_UNREACHABLE';
      log.warn({ source: row.name, code, err: error }, 'source to be removed: slot not dropped yet');
      const failure = isAppError(error)
        ? error
        : new AppError('SOURCE_UNREACHABLE', 'dropping the slot', { cause: error });
      await markFailed(db, row, failure, true);
    }
  }
}
