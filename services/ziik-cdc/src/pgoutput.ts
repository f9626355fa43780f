import { AppError } from '@orgstream/core';
import { Tuple } from './tuple.ts';

/** A column as a relation message describes it. */
interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  /** Part of the replica identity. With identity `f`ull the server flags every column. */
  readonly identity: boolean;
}

export interface Relation {
  readonly tag: 'relation';
  readonly id: number;
  readonly schema: string;
  readonly table: string;
  /** pg_class.relreplident: d, n, f or i. */
  readonly replicaIdentity: string;
  readonly columns: readonly RelationColumn[];
}

interface Begin {
  readonly tag: 'begin';
  /** LSN of the commit record: the position of everything in this transaction. */
  readonly commitLsn: number;
  readonly committedAtMs: number;
  /** 32-bit transaction id. */
  readonly xid: number;
}

interface Commit {
  readonly tag: 'commit';
  readonly commitLsn: number;
  /** First byte after the commit record: what may be acknowledged. */
  readonly endLsn: number;
}

/** `old` holds the replica identity (`K`, other columns null) or the whole old row (`O`). */
export interface RowChange {
  readonly tag: 'insert' | 'update' | 'delete';
  readonly relationId: number;
  readonly row: Tuple | undefined;
  readonly old: Tuple | undefined;
  readonly oldIsWhole: boolean;
}

interface Truncate {
  readonly tag: 'truncate';
  readonly relationIds: readonly number[];
}

interface LogicalMessage {
  readonly tag: 'message';
  readonly transactional: boolean;
  readonly lsn: number;
  readonly prefix: string;
  readonly content: string;
}

/** Type and origin messages: nothing for us. */
interface Ignored {
  readonly tag: 'ignored';
}

export type PgOutputMessage = Begin | Commit | Relation | RowChange | Truncate | LogicalMessage | Ignored;

/** Microseconds between 1970 and 2000, in milliseconds. */
const PG_EPOCH_MS = 946_684_800_000;

/** Unsigned 64-bit integer; LSNs stay below 2^53 (9 PB of WAL). */
export function readUint64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4);
}

/** Microseconds since 2000 (signed) as Unix milliseconds. */
function readPgTime(bytes: Buffer, offset: number): number {
  return Math.floor((bytes.readInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4)) / 1000) + PG_EPOCH_MS;
}

const IGNORED: Ignored = { tag: 'ignored' };

/**
 * Decodes pgoutput, protocol 1 and 2 without streaming of open transactions, values as text
 * (PostgreSQL manual, "Logical Replication Message Formats"). Pure: bytes in, message out; it keeps no state between
 * messages but reuses two tuples, so the tuples of a message are valid until the next `decode`.
 * Throws REPLICATION_PROTOCOL on anything that does not fit.
 */
export class PgOutputDecoder {
  readonly #row = new Tuple();
  readonly #old = new Tuple();

  decode(bytes: Buffer, start = 0): PgOutputMessage {
    try {
      return this.#decode(bytes, start);
    } catch (error) {
      if (error instanceof AppError) throw error;
      // A RangeError of Buffer: the message ends too early. Its text holds offsets only.
      throw new AppError('REPLICATION_PROTOCOL', `decoding pgoutput: ${(error as Error).message}`);
    }
  }

  #decode(bytes: Buffer, at: number): PgOutputMessage {
    const kind = bytes.readUInt8(at);
    switch (kind) {
      case 0x42: // B
        return {
          tag: 'begin',
          commitLsn: readUint64(bytes, at + 1),
          committedAtMs: readPgTime(bytes, at + 9),
          xid: bytes.readUInt32BE(at + 17),
        };
      case 0x43: // C
        return { tag: 'commit', commitLsn: readUint64(bytes, at + 2), endLsn: readUint64(bytes, at + 10) };
      case 0x49: // I
        return this.#insert(bytes, at);
      case 0x55: // U
        return this.#update(bytes, at);
      case 0x44: // D
        return this.#delete(bytes, at);
      case 0x52: // R
        return decodeRelation(bytes, at + 1);
      case 0x54: // T
        return decodeTruncate(bytes, at + 1);
      case 0x4d: // M
        return decodeMessage(bytes, at + 1);
      case 0x59: // Y
      case 0x4f: // O
        return IGNORED;
      default:
        throw new AppError('REPLICATION_PROTOCOL', `decoding pgoutput: message type 0x${kind.toString(16)}`);
    }
  }

  #insert(bytes: Buffer, at: number): RowChange {
    expectTag(bytes, at + 5, 0x4e);
    this.#row.readPgOutput(bytes, at + 6);
    return { tag: 'insert', relationId: bytes.readUInt32BE(at + 1), row: this.#row, old: undefined, oldIsWhole: false };
  }

  #update(bytes: Buffer, at: number): RowChange {
    const relationId = bytes.readUInt32BE(at + 1);
    const first = bytes.readUInt8(at + 5);
    let next = at + 5;
    let old: Tuple | undefined;
    if (first === 0x4b || first === 0x4f) {
      next = this.#old.readPgOutput(bytes, at + 6);
      old = this.#old;
    }
    expectTag(bytes, next, 0x4e);
    this.#row.readPgOutput(bytes, next + 1);
    return { tag: 'update', relationId, row: this.#row, old, oldIsWhole: first === 0x4f };
  }

  #delete(bytes: Buffer, at: number): RowChange {
    const kind = bytes.readUInt8(at + 5);
    if (kind !== 0x4b) expectTag(bytes, at + 5, 0x4f);
    this.#old.readPgOutput(bytes, at + 6);
    return {
      tag: 'delete',
      relationId: bytes.readUInt32BE(at + 1),
      row: undefined,
      old: this.#old,
      oldIsWhole: kind === 0x4f,
    };
  }
}

function expectTag(bytes: Buffer, at: number, wanted: number): void {
  const found = bytes.readUInt8(at);
  if (found === wanted) return;
  throw new AppError('REPLICATION_PROTOCOL', `decoding pgoutput: tuple tag 0x${found.toString(16)}`);
}

function cstring(bytes: Buffer, at: number): { readonly text: string; readonly next: number } {
  const end = bytes.indexOf(0, at);
  if (end < 0) throw new AppError('REPLICATION_PROTOCOL', 'decoding pgoutput: a string without end');
  return { text: bytes.toString('utf8', at, end), next: end + 1 };
}

function decodeRelation(bytes: Buffer, start: number): Relation {
  const schema = cstring(bytes, start + 4);
  const table = cstring(bytes, schema.next);
  const count = bytes.readUInt16BE(table.next + 1);
  const columns: RelationColumn[] = [];
  let at = table.next + 3;
  for (let i = 0; i < count; i += 1) {
    const name = cstring(bytes, at + 1);
    columns.push({ name: name.text, typeOid: bytes.readUInt32BE(name.next), identity: (bytes[at]! & 1) === 1 });
    bytes.readInt32BE(name.next + 4); // type modifier: read to notice a short message
    at = name.next + 8;
  }
  return {
    tag: 'relation',
    id: bytes.readUInt32BE(start),
    schema: schema.text === '' ? 'pg_catalog' : schema.text,
    table: table.text,
    replicaIdentity: String.fromCharCode(bytes.readUInt8(table.next)),
    columns,
  };
}

function decodeTruncate(bytes: Buffer, start: number): Truncate {
  const count = bytes.readUInt32BE(start);
  if (count * 4 > bytes.length - start - 5) {
    throw new AppError('REPLICATION_PROTOCOL', 'decoding pgoutput: a truncate that ends too early');
  }
  return {
    tag: 'truncate',
    relationIds: Array.from({ length: count }, (_, i) => bytes.readUInt32BE(start + 5 + i * 4)),
  };
}

function decodeMessage(bytes: Buffer, start: number): LogicalMessage {
  const prefix = cstring(bytes, start + 9);
  const length = bytes.readUInt32BE(prefix.next);
  const from = prefix.next + 4;
  if (from + length > bytes.length) {
    throw new AppError('REPLICATION_PROTOCOL', 'decoding pgoutput: a message that ends too early');
  }
  return {
    tag: 'message',
    transactional: (bytes.readUInt8(start) & 1) === 1,
    lsn: readUint64(bytes, start + 1),
    prefix: prefix.text,
    content: bytes.toString('utf8', from, from + length),
  };
}
