import { AppError, type Position } from '@orgstream/core';
import type { FieldType, MappedTable } from '@orgstream/ziik-source';
import { TEXT, UNCHANGED, type Tuple } from './tuple.ts';
import { parseBool, parseInstant, parseLong } from './values.ts';

/** A record under construction: its position's `last` is known only when the transaction goes on. */
export interface Draft {
  position: { -readonly [K in keyof Position]: Position[K] };
  committedAtMs: number;
  snapshotId: string | null;
  chunk: number | null;
  deleted: boolean;
  id: number;
  siteId?: number;
  [field: string]: unknown;
}

export interface ColumnType {
  readonly name: string;
  readonly typeOid: number;
}

interface Slot {
  readonly index: number;
  readonly field: string;
  readonly type: FieldType;
  readonly typeOid: number;
}

const NO_POSITION: Position = { epoch: 0, lsn: 0, seq: 0, last: false };

/**
 * Turns rows of one table into records, for one order of columns. Built once per relation, so that the hot path only
 * walks an array. Throws SOURCE_SCHEMA_MISMATCH when a mapped column is not among `columns`.
 */
export class RowMapper {
  readonly table: MappedTable;
  readonly #slots: readonly Slot[];
  readonly #idIndex: number;
  readonly #tenantIndex: number;
  readonly #deletedIndex: number;
  readonly #template: Draft;

  constructor(table: MappedTable, columns: readonly ColumnType[]) {
    this.table = table;
    this.#slots = table.columns.map(({ field, column, type }) => {
      const index = columns.findIndex(({ name }) => name === column);
      if (index < 0) {
        throw new AppError(
          'SOURCE_SCHEMA_MISMATCH',
          `table ${table.schema}.${table.table} no longer has column ${column}; adapt the mapping file`,
        );
      }
      return { index, field, type, typeOid: columns[index]!.typeOid };
    });
    this.#idIndex = this.#indexOf('id');
    this.#tenantIndex = this.#indexOf(table.tenantField);
    this.#deletedIndex = table.deletedField === undefined ? -1 : this.#indexOf(table.deletedField);
    this.#template = this.#makeTemplate();
  }

  /** Throws RECORD_INVALID when it is null or no integer. */
  idOf(tuple: Tuple): number {
    return longAt(tuple, this.#idIndex);
  }

  /** Tenant of a row or of an old key. Throws RECORD_INVALID when it is null: the tenant cannot be read. */
  siteOf(tuple: Tuple): number {
    return longAt(tuple, this.#tenantIndex);
  }

  /** False when the tuple is an old key without the tenant, so that a deletion would not name it. */
  namesTenant(tuple: Tuple): boolean {
    return tuple.kinds[this.#tenantIndex] === TEXT;
  }

  /** Mapped columns that the update did not touch and the server did not send; mostly none. */
  unchanged(tuple: Tuple): readonly Slot[] {
    return this.#slots.filter(({ index }) => tuple.kinds[index] === UNCHANGED);
  }

  /** The row's record; one that carries `deleted_at` becomes a deletion. */
  record(tuple: Tuple): Draft {
    const id = longAt(tuple, this.#idIndex);
    const siteId = longAt(tuple, this.#tenantIndex);
    if (this.#deletedIndex >= 0 && tuple.kinds[this.#deletedIndex] === TEXT) return this.deletion(siteId, id);
    const draft: Draft = { ...this.#template };
    const slots = this.#slots;
    for (let i = 0; i < slots.length; i += 1) {
      const slot = slots[i]!;
      if (tuple.kinds[slot.index] === TEXT) draft[slot.field] = valueAt(tuple, slot);
    }
    return draft;
  }

  /** Ids only: a deletion carries no personal data. */
  deletion(siteId: number, id: number): Draft {
    const draft: Draft = { ...this.#template };
    draft.deleted = true;
    draft.id = id;
    if (this.table.tenantField === 'siteId') draft.siteId = siteId;
    return draft;
  }

  #indexOf(field: string): number {
    return this.#slots.find((slot) => slot.field === field)?.index ?? -1;
  }

  #makeTemplate(): Draft {
    const template: Draft = {
      position: NO_POSITION,
      committedAtMs: 0,
      snapshotId: null,
      chunk: null,
      deleted: false,
      id: 0,
    };
    for (const { field } of this.#slots) template[field] ??= null;
    for (const field of this.table.absent) template[field] = null;
    return template;
  }
}

function longAt(tuple: Tuple, index: number): number {
  if (tuple.kinds[index] !== TEXT) throw new AppError('RECORD_INVALID', 'reading a row: id or tenant is null');
  return parseLong(tuple.bytes, tuple.starts[index]!, tuple.ends[index]!);
}

/** A value its field cannot hold is absent: the normalizer then rejects the object, and it still counts as seen. */
function orNull<T>(
  parse: (bytes: Buffer, start: number, end: number) => T,
  bytes: Buffer,
  start: number,
  end: number,
): T | null {
  try {
    return parse(bytes, start, end);
  } catch {
    return null;
  }
}

function valueAt(tuple: Tuple, slot: Slot): unknown {
  const start = tuple.starts[slot.index]!;
  const end = tuple.ends[slot.index]!;
  switch (slot.type) {
    case 'long':
      return orNull(parseLong, tuple.bytes, start, end);
    case 'text':
      return tuple.bytes.toString('utf8', start, end);
    case 'bool':
      return orNull(parseBool, tuple.bytes, start, end);
    case 'instant':
      return parseInstant(tuple.bytes.toString('latin1', start, end), slot.typeOid);
  }
}
