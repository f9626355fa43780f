import { AppError, isAppError } from '@orgstream/core';
import { isDataError, postgresError, type Knex } from '@orgstream/database';
import type { Batch, Codec, InRecord, Unreadable } from '@orgstream/kafka';
import { decodeBatch } from './decode.ts';
import { ingest, type IngestResult } from './ingest.ts';
import { readOffsets } from './offset-store.ts';
import { unreadableItem } from './to-item.ts';

interface Deps {
  readonly db: Knex;
  readonly codec: Codec;
  /** Stores records of which nothing can be made; called before their offsets are passed, so perhaps twice. */
  readonly setAside: (batch: Batch, unreadable: readonly Unreadable[]) => Promise<void>;
  readonly onResult: (result: IngestResult, batch: { readonly records: number; readonly seconds: number }) => void;
}

/**
 * Takes one partition's batches in. `expected` is the stored offset as this process knows it; when another owner has
 * moved it (LEASE_LOST, retry) it is read again before the next try, and what is already in is skipped. So a commit whose
 * answer was lost does no harm, and an owner that lost its partition passes nothing twice until its batch is aborted.
 *
 * Stored offsets only rise. One below where we were means that an older copy of the database was put in its place: going
 * on from here would skip what lies between (DATABASE_RESTORED: the process ends, and begins anew at the stored offset).
 */
export class PartitionIngest {
  readonly #deps: Deps;
  readonly #topic: string;
  readonly #partition: number;
  #expected: number | undefined;
  /** Stored offset as far as we have known it; never falls. */
  #reached: number;

  constructor(deps: Deps, place: { readonly topic: string; readonly partition: number }, expectedOffset: number) {
    this.#deps = deps;
    this.#topic = place.topic;
    this.#partition = place.partition;
    this.#expected = expectedOffset;
    this.#reached = expectedOffset;
  }

  /** Stored offset as far as this process has known it. */
  get reached(): number {
    return this.#reached;
  }

  /** Throws DATABASE_RESTORED when `storedOffset` is below what this process had known when it was read. */
  check(storedOffset: number, reached: number): void {
    if (storedOffset >= reached) return;
    throw new AppError('DATABASE_RESTORED', 'ingesting facts: the database is older than what was stored in it', {
      topic: this.#topic,
      partition: this.#partition,
      offset: storedOffset,
      reached,
    });
  }

  /** Resolves when every record of the batch has a durable outcome. */
  async take(batch: Batch): Promise<void> {
    try {
      await this.#take(batch, batch.records);
    } catch (error) {
      this.#expected = undefined;
      throw postgresError(error, 'ingesting facts');
    }
  }

  async #take(batch: Batch, records: readonly InRecord[]): Promise<void> {
    const expected = (this.#expected ??= await this.#stored());
    const news = records.filter(({ offset }) => offset >= expected);
    const last = news.at(-1);
    if (!last || batch.signal.aborted) return;
    try {
      await this.#commit(batch, news, { expectedOffset: expected, nextOffset: last.offset + 1 });
    } catch (error) {
      if (isAppError(error) || !isDataError(error)) throw error;
      await this.#split(batch, news, error);
    }
  }

  async #commit(
    batch: Batch,
    records: readonly InRecord[],
    move: { readonly expectedOffset: number; readonly nextOffset: number },
  ): Promise<void> {
    const started = performance.now();
    const { items, unreadable, generation } = await decodeBatch(this.#deps.codec, records);
    if (unreadable.length > 0) await this.#deps.setAside(batch, unreadable);
    const place = { topic: this.#topic, partition: this.#partition };
    const result = await ingest(this.#deps.db, { ...place, ...move, items, generation });
    this.#expected = this.#reached = move.nextOffset;
    this.#deps.onResult(result, { records: records.length, seconds: (performance.now() - started) / 1_000 });
  }

  /** The net under a value that Postgres refuses and `toItem` let through: halves, down to the one record, set aside. */
  async #split(batch: Batch, records: readonly InRecord[], error: unknown): Promise<void> {
    if (records.length > 1) {
      const half = Math.ceil(records.length / 2);
      await this.#take(batch, records.slice(0, half));
      return this.#take(batch, records.slice(half));
    }
    const record = records[0]!;
    const cause = `refused by the database: ${String((error as { readonly code?: unknown }).code)}`;
    await this.#deps.setAside(batch, [{ record, code: 'FACT_INVALID', cause }]);
    const move = { expectedOffset: this.#expected ?? record.offset, nextOffset: record.offset + 1 };
    const place = { topic: this.#topic, partition: this.#partition };
    // Its object is parked: whose change was refused is there, and no sweep may take it for gone.
    const parked = unreadableItem(record, 'FACT_INVALID');
    await ingest(this.#deps.db, { ...place, ...move, items: parked ? [parked] : [] }).catch((again: unknown) => {
      if (!isDataError(again)) throw again;
      return ingest(this.#deps.db, { ...place, ...move, items: [] });
    });
    this.#expected = this.#reached = move.nextOffset;
  }

  async #stored(): Promise<number> {
    const stored = await readOffsets(this.#deps.db, this.#topic, [this.#partition]);
    const offset = stored.get(this.#partition)?.nextOffset ?? 0;
    this.check(offset, this.#reached);
    this.#reached = offset;
    return offset;
  }
}
