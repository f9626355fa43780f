import { AppError, isAppError } from '@orgstream/core';
import type { MappedTable, SourceMapping } from '@orgstream/ziik-source';
import type { PgOutputDecoder, PgOutputMessage, Relation, RowChange } from './pgoutput.ts';
import type { Publisher } from './publisher.ts';
import { RowMapper } from './row-mapper.ts';
import type { Tuple } from './tuple.ts';
import { MESSAGE_PREFIX, type Watermarks } from './watermarks.ts';
import type { CommittedXids } from './xids.ts';

/** Reads columns of one row by its key; undefined when the row is gone. Sees at least the transaction `xid`. */
export type Reread = (
  table: MappedTable,
  key: { readonly siteId: number; readonly id: number },
  columns: readonly string[],
  xid: number,
) => Promise<readonly (string | null)[] | undefined>;

export interface ChangeReaderOptions {
  readonly mapping: SourceMapping;
  readonly decoder: PgOutputDecoder;
  readonly publisher: Publisher;
  readonly watermarks: Watermarks;
  readonly xids: CommittedXids;
  readonly reread: Reread;
  /**
   * A transaction truncated a table; called before it counts as published. Resolves to whether the stream must begin
   * anew; rejects, and the transaction is read again.
   */
  readonly onTruncated: (table: MappedTable, endLsn: number) => Promise<boolean>;
}

/**
 * Follows one stream: relations, transactions, rows, watermarks. Synchronous, but for an update whose large values the
 * server did not send, and the commit of a TRUNCATE: then `handle` returns a promise, and nothing may be handed in
 * before it settled.
 */
export class ChangeReader {
  readonly #options: ChangeReaderOptions;
  /** Null for a table that is published but not mapped. */
  readonly #relations = new Map<number, RowMapper | null>();
  #xid = 0;
  #commitLsn = 0;
  /** A table that the open transaction has truncated. */
  #truncated: MappedTable | undefined;

  constructor(options: ChangeReaderOptions) {
    this.#options = options;
  }

  handle(bytes: Buffer, start: number): void | Promise<void> {
    const message = this.#options.decoder.decode(bytes, start);
    if (message.tag === 'update' && message.row!.hasUnchanged) return this.#completeUpdate(bytes, start);
    return this.#apply(message, bytes, start);
  }

  #apply(message: PgOutputMessage, bytes: Buffer, start: number): void | Promise<void> {
    const { publisher, watermarks, xids } = this.#options;
    switch (message.tag) {
      case 'begin':
        this.#xid = message.xid;
        this.#commitLsn = message.commitLsn;
        return publisher.begin(message.commitLsn, message.committedAtMs);
      case 'commit':
        xids.add(this.#xid);
        if (this.#truncated) return this.#commitTruncated(this.#truncated, message.endLsn);
        return publisher.commit(message.endLsn);
      case 'insert':
      case 'update':
      case 'delete':
        return this.#change(message, bytes, start);
      case 'relation':
        return this.#relation(message);
      case 'truncate':
        this.#truncated ??= message.relationIds.map((id) => this.#mapper(id)?.table).find((one) => one);
        return;
      case 'message':
        if (message.transactional && message.prefix === MESSAGE_PREFIX) {
          watermarks.onMessage(message.content, this.#commitLsn, xids.mark);
        }
        return;
      case 'ignored':
        return;
    }
  }

  #relation(relation: Relation): void {
    const table = this.#options.mapping.find((one) => one.schema === relation.schema && one.table === relation.table);
    if (!table) return void this.#relations.set(relation.id, null);
    for (const column of [table.tenantColumn, table.idColumn]) {
      // With another identity a move to another tenant, or a deletion, would come without its old tenant: silently.
      const found = relation.columns.find(({ name }) => name === column);
      if (relation.replicaIdentity !== 'f' && !found?.identity) throw lacksTenant(table);
    }
    this.#relations.set(relation.id, new RowMapper(table, relation.columns));
  }

  /** The rows are gone without a record of their own: only a snapshot can tell who is left. */
  async #commitTruncated(table: MappedTable, endLsn: number): Promise<void> {
    this.#truncated = undefined;
    const anew = await this.#options.onTruncated(table, endLsn);
    this.#options.publisher.commit(endLsn);
    if (anew) throw new AppError('SOURCE_TRUNCATED', `table ${table.schema}.${table.table} was truncated`);
  }

  #change(change: RowChange, bytes: Buffer, start: number): void {
    const mapper = this.#mapper(change.relationId);
    if (!mapper) return;
    try {
      if (change.tag === 'delete') this.#remove(mapper, change.old!);
      else this.#upsert(mapper, change.row!, change.old);
    } catch (error) {
      if (!isAppError(error, 'RECORD_INVALID')) throw error;
      this.#options.publisher.addUnreadable(mapper.table.name, bytes.subarray(start), error);
    }
  }

  #upsert(mapper: RowMapper, row: Tuple, old: Tuple | undefined): void {
    this.#leave(mapper, row, old);
    this.#publish(mapper, mapper.siteOf(row), mapper.record(row));
  }

  /** A row with another key or tenant than before is gone from where it was. */
  #leave(mapper: RowMapper, row: Tuple, old: Tuple | undefined): void {
    if (!old || !mapper.namesTenant(old)) return;
    const moved = mapper.siteOf(old) !== mapper.siteOf(row) || mapper.idOf(old) !== mapper.idOf(row);
    if (moved) this.#remove(mapper, old);
  }

  #remove(mapper: RowMapper, old: Tuple): void {
    if (!mapper.namesTenant(old)) throw lacksTenant(mapper.table);
    const siteId = mapper.siteOf(old);
    this.#publish(mapper, siteId, mapper.deletion(siteId, mapper.idOf(old)));
  }

  #publish(mapper: RowMapper, siteId: number, draft: ReturnType<RowMapper['record']>): void {
    const { publisher, watermarks } = this.#options;
    watermarks.overtake(publisher.add(siteId, mapper.table.name, mapper.table.record, draft));
  }

  /** Fills what the server did not send: from the old row where the identity is full, else by reading it again. */
  async #completeUpdate(shared: Buffer, start: number): Promise<void> {
    const bytes = Buffer.from(shared.subarray(start)); // the socket's buffer is used again while we wait
    const change = this.#options.decoder.decode(bytes) as RowChange;
    const mapper = this.#mapper(change.relationId);
    if (!mapper) return;
    try {
      if (await this.#complete(mapper, change)) this.#change(change, bytes, 0);
      // Gone, or moved since: the record of that follows in the stream, and says all there is to say of the new place.
      else this.#leave(mapper, change.row!, change.old);
    } catch (error) {
      if (!isAppError(error, 'RECORD_INVALID')) throw error;
      this.#options.publisher.addUnreadable(mapper.table.name, bytes, error);
    }
  }

  /** False when the row is no longer where the update left it. */
  async #complete(mapper: RowMapper, change: RowChange): Promise<boolean> {
    const row = change.row!;
    const missing = mapper.unchanged(row);
    if (change.oldIsWhole) {
      for (const { index } of missing) row.setText(index, change.old!.text(index) ?? null);
    } else if (missing.length > 0) {
      const columns = missing.map(({ field }) => mapper.table.columns.find((one) => one.field === field)!.column);
      const key = { siteId: mapper.siteOf(row), id: mapper.idOf(row) };
      const values = await this.#options.reread(mapper.table, key, columns, this.#xid);
      if (!values) return false;
      missing.forEach(({ index }, i) => row.setText(index, values[i]!));
    }
    return true;
  }

  #mapper(relationId: number): RowMapper | null {
    const mapper = this.#relations.get(relationId);
    if (mapper !== undefined) return mapper;
    throw new AppError('REPLICATION_PROTOCOL', 'reading the stream: a row of a relation that was not described');
  }
}

function lacksTenant(table: MappedTable): AppError {
  return new AppError(
    'REPLICA_IDENTITY_LACKS_TENANT',
    `table ${table.schema}.${table.table} was changed while its replica identity lacked ${table.tenantColumn}; ` +
      'set it right, then orgstream snapshot --source',
  );
}
