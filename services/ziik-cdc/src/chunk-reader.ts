import { once } from 'node:events';
import { AppError } from '@orgstream/core';
import { sleep } from '@orgstream/runtime';
import {
  qualified,
  quoteIdentifier,
  translateSourceError,
  type MappedTable,
  type SourceMapping,
} from '@orgstream/ziik-source';
import type pg from 'pg';
import { copyOut } from './copy-out.ts';
import { RowMapper, type ColumnType, type Draft } from './row-mapper.ts';
import type { SnapshotCursor } from './snapshot-store.ts';
import { Tuple } from './tuple.ts';
import { MESSAGE_PREFIX } from './watermarks.ts';
import { parsePgSnapshot, type PgSnapshot } from './xids.ts';

/** Rows of one table within a chunk. */
interface ChunkPart {
  readonly table: MappedTable;
  readonly rows: Draft[];
}

export interface ReadChunk {
  /** At least one part; a small tenant fits into one chunk with all its tables. */
  readonly parts: readonly ChunkPart[];
  /** What the reading transaction saw. */
  readonly snapshot: PgSnapshot;
  readonly readAtMs: number;
  readonly next: Omit<SnapshotCursor, 'nextChunk'>;
}

/** How often a new request is looked for without a wake-up. */
const IDLE_POLL_MS = 1_000;

/** Reads chunks of one tenant from the source, on a connection of its own. */
export class ChunkReader {
  readonly #client: pg.Client;
  readonly #mapping: SourceMapping;
  readonly #mappers: readonly RowMapper[];
  readonly #wake: EventTarget;

  constructor(
    client: pg.Client,
    mapping: SourceMapping,
    columns: ReadonlyMap<MappedTable, readonly ColumnType[]>,
    wake: EventTarget,
  ) {
    this.#client = client;
    this.#mapping = mapping;
    this.#mappers = mapping.map((table) => new RowMapper(table, columns.get(table)!));
    this.#wake = wake;
  }

  /** Resolves after a moment, or as soon as somebody asks for a snapshot. */
  async idle(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    await Promise.race([sleep(IDLE_POLL_MS, both), once(this.#wake, 'request', { signal: both }).catch(() => {})]);
    stop.abort();
  }

  /** Writes a watermark into the source's WAL, in a transaction of its own. */
  async mark(content: string): Promise<void> {
    await this.#query(`select pg_logical_emit_message(true, $1, $2)`, [MESSAGE_PREFIX, content]);
  }

  /** Reads up to `limit` rows of a tenant from the cursor on, over as many tables as it takes, in one snapshot. */
  async read(siteId: number, cursor: SnapshotCursor, limit: number): Promise<ReadChunk> {
    await this.#query('begin isolation level repeatable read read only');
    try {
      const { rows } = await this.#query('select pg_current_snapshot()::text as snapshot');
      const readAtMs = Date.now();
      const { parts, next } = await this.#readTables(siteId, cursor, limit);
      const { snapshot } = rows[0] as { snapshot: string };
      return { parts, next, snapshot: parsePgSnapshot(snapshot), readAtMs };
    } finally {
      await this.#query('commit');
    }
  }

  async #readTables(siteId: number, cursor: SnapshotCursor, limit: number): Promise<Pick<ReadChunk, 'parts' | 'next'>> {
    const parts: ChunkPart[] = [];
    let { table, afterId } = cursor;
    let left = limit;
    while (left > 0 && table < this.#mapping.length) {
      const rows = await this.#readTable(this.#mappers[table]!, siteId, afterId, left);
      parts.push({ table: this.#mapping[table]!, rows });
      if (rows.length < left) {
        table += 1;
        afterId = null;
      } else afterId = rows.at(-1)!.id;
      left -= rows.length;
    }
    return { parts, next: { table, afterId } };
  }

  async #readTable(mapper: RowMapper, siteId: number, afterId: number | null, limit: number): Promise<Draft[]> {
    const tuple = new Tuple();
    const rows: Draft[] = [];
    const count = mapper.table.columns.length;
    await copyOut(this.#client, selectChunk(mapper.table, siteId, afterId, limit), (line) => {
      tuple.readCopyLine(line, count);
      rows.push(mapper.record(tuple));
    });
    return rows;
  }

  async #query(text: string, values?: readonly unknown[]): Promise<pg.QueryResult> {
    try {
      return await this.#client.query(text, values && [...values]);
    } catch (error) {
      throw translateSourceError(error, 'reading a chunk');
    }
  }
}

/** Column types in the order of the mapping, as COPY delivers them. Throws SOURCE_SCHEMA_MISMATCH. */
export function copyColumns(table: MappedTable, types: Readonly<Record<string, number>> | undefined): ColumnType[] {
  return table.columns.map(({ column }) => {
    const typeOid = types?.[column];
    if (typeOid !== undefined) return { name: column, typeOid };
    throw new AppError('SOURCE_SCHEMA_MISMATCH', `table ${qualified(table)} has no column ${column}`);
  });
}

/**
 * By (tenant, id), written so that only the index on both gives the order: with `tenant = x` the planner might walk the
 * primary key over everybody's rows. Numbers are ours, so they may stand in the text (COPY takes no parameters).
 */
function selectChunk(table: MappedTable, siteId: number, afterId: number | null, limit: number): string {
  const columns = table.columns.map(({ column }) => quoteIdentifier(column)).join(', ');
  const [tenant, id] = [quoteIdentifier(table.tenantColumn), quoteIdentifier(table.idColumn)];
  const lowest = afterId ?? '-9223372036854775808';
  const where =
    table.tenantField === 'id'
      ? `${id} = ${siteId} and ${id} > ${lowest}`
      : `(${tenant}, ${id}) > (${siteId}, ${lowest}) and ${tenant} <= ${siteId}`;
  const order = table.tenantField === 'id' ? id : `${tenant}, ${id}`;
  return `copy (select ${columns} from ${qualified(table)} where ${where} order by ${order} limit ${limit}) to stdout`;
}
