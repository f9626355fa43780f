import { AppError, parseLsn } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { sleep, type Logger } from '@orgstream/runtime';
import {
  checkPublication,
  checkServer,
  checkSlot,
  checkTables,
  readPublication,
  readServerFacts,
  readSlot,
  readSource,
  readTableFacts,
  throwFirstError,
  type SourceMapping,
  type SourceRow,
} from '@orgstream/ziik-source';
import type pg from 'pg';
import type { SourceMetrics } from './metrics.ts';
import { storeHealth, storePublication } from './source-state.ts';

const HOUR_MS = 3_600_000;
const MAX_STATUS_INTERVAL_MS = 10_000;

export interface GuardianOptions {
  readonly client: pg.Client;
  readonly row: SourceRow;
  readonly mapping: SourceMapping;
  readonly db: Knex;
  readonly metrics: SourceMetrics;
  readonly log: Logger;
  readonly settings: { readonly checkMs: number };
}

/** Watches what must be true for the stream to be whole: server, tables, publication, slot. */
export class Guardian {
  readonly #o: GuardianOptions;
  #publicationOid: number | undefined;
  #walSenderTimeoutMs = 60_000;

  constructor(options: GuardianOptions) {
    this.#o = options;
    this.#publicationOid = options.row.publicationOid ?? undefined;
  }

  /** Often enough for the server's wal_sender_timeout. */
  get statusIntervalMs(): number {
    const timeout = this.#walSenderTimeoutMs;
    return timeout > 0 ? Math.min(MAX_STATUS_INTERVAL_MS, timeout / 4) : MAX_STATUS_INTERVAL_MS;
  }

  /** Everything; at start, before the slot is touched, and hourly. */
  async checkAll(): Promise<void> {
    const { client, mapping } = this.#o;
    const server = await readServerFacts(client);
    this.#walSenderTimeoutMs = server.walSenderTimeoutMs;
    throwFirstError(checkServer(server, false));
    throwFirstError(checkTables(mapping, await readTableFacts(client, mapping), false));
    await this.#checkPublication();
    await this.#checkSlot(true);
  }

  /** Slot and publication often, all else hourly, until the signal aborts. Throws what it finds. */
  async run(signal: AbortSignal): Promise<void> {
    let nextFullAt = performance.now() + HOUR_MS;
    while (!signal.aborted) {
      await sleep(this.#o.settings.checkMs, signal);
      if (signal.aborted) return;
      if (performance.now() >= nextFullAt) {
        nextFullAt = performance.now() + HOUR_MS;
        await this.checkAll();
      }
      // A missing publication is only a warning to PostgreSQL 18: nothing streams, and the slot moves on.
      await this.#checkPublication();
      await this.#checkSlot(false);
    }
  }

  async #checkPublication(): Promise<void> {
    const { client, row, mapping, db } = this.#o;
    throwFirstError(checkPublication(row.publication, mapping, await readPublication(client, row.publication)));
    const { rows } = await client.query<{ oid: number }>(
      `select oid::int8::float8 as oid from pg_publication where pubname = $1`,
      [row.publication],
    );
    const oid = rows[0]?.oid;
    if (oid !== undefined && this.#publicationOid === undefined) {
      await storePublication(db, row.name, oid);
      this.#publicationOid = oid;
    }
    if (oid === this.#publicationOid) return;
    throw new AppError(
      'PUBLICATION_MISSING',
      `publication ${row.publication} was dropped and made anew; what happened between is lost — orgstream snapshot --source`,
    );
  }

  async #checkSlot(starting: boolean): Promise<void> {
    const { client, row, metrics, db } = this.#o;
    const slot = await readSlot(client, row.slot);
    const past = starting && (await this.#isPastPublished(slot?.confirmedFlushLsn));
    throwFirstError(checkSlot(row.slot, slot, past));
    metrics.slotSeen(slot!.retainedBytes, slot!.safeWalBytes);
    await storeHealth(db, row.name, {
      retainedBytes: slot!.retainedBytes,
      committedAtMs: metrics.newestCommitMs(),
    }).catch((error: unknown) => this.#o.log.warn({ err: error }, 'storing the state of the slot'));
  }

  /**
   * Acknowledgements, ours since the start or those of a process that is just stopping, move the slot, and are stored
   * before: so what is published is read after the slot, never taken from the row we began with.
   */
  async #isPastPublished(confirmed: string | null | undefined): Promise<boolean> {
    const { row, db } = this.#o;
    if (confirmed == null || parseLsn(confirmed) <= row.publishedLsn) return false;
    return parseLsn(confirmed) > ((await readSource(db, row.name))?.publishedLsn ?? 0);
  }
}
