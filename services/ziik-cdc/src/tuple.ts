import { AppError } from '@orgstream/core';

/** What a column's slot holds. */
const NULL = 0;
export const TEXT = 1;
/** A large value that the update did not touch and the server therefore did not send. */
export const UNCHANGED = 2;

const TAB = 0x09;
const BACKSLASH = 0x5c;

/**
 * A row as it came over the wire: bytes and where each column's text is, so that numbers are read without making
 * strings. Reused from row to row; it points into the bytes it was read from.
 */
export class Tuple {
  bytes: Buffer = Buffer.alloc(0);
  count = 0;
  /** Some column is {@link UNCHANGED}. */
  hasUnchanged = false;
  kinds = new Uint8Array(16);
  starts = new Int32Array(16);
  ends = new Int32Array(16);
  /** The line holds backslashes: it is copied, and escapes are resolved in place (they only ever shrink). */
  #escaped = false;

  /** Reads a pgoutput TupleData; returns the offset after it. */
  readPgOutput(bytes: Buffer, start: number): number {
    const count = bytes.readUInt16BE(start);
    this.#reset(bytes, count);
    let at = start + 2;
    for (let i = 0; i < count; i += 1) {
      const kind = bytes.readUInt8(at);
      at += 1;
      if (kind === 0x74 /* t */) {
        const length = bytes.readUInt32BE(at);
        at += 4;
        this.kinds[i] = TEXT;
        this.starts[i] = at;
        at += length;
        this.ends[i] = at;
        if (at > bytes.length) throw short();
      } else if (kind === 0x6e /* n */) {
        this.kinds[i] = NULL;
      } else if (kind === 0x75 /* u */) {
        this.kinds[i] = UNCHANGED;
        this.hasUnchanged = true;
      } else {
        throw new AppError('REPLICATION_PROTOCOL', `decoding pgoutput: column kind 0x${kind.toString(16)}`);
      }
    }
    return at;
  }

  /** Reads a line of COPY … TO STDOUT in text format, without its newline's meaning: tab-separated, \N = null. */
  readCopyLine(line: Buffer, count: number): void {
    this.#escaped = line.includes(BACKSLASH);
    this.#reset(this.#escaped ? Buffer.from(line) : line, count);
    const bytes = this.bytes;
    const end = bytes[bytes.length - 1] === 0x0a ? bytes.length - 1 : bytes.length;
    let at = 0;
    for (let i = 0; i < count; i += 1) {
      let stop = bytes.indexOf(TAB, at);
      if (stop < 0 || stop > end) stop = end;
      this.#copyField(i, at, stop);
      at = stop + 1;
    }
  }

  /** The column's text; null when it is null, undefined when it was not sent. */
  text(index: number): string | null | undefined {
    const kind = this.kinds[index];
    if (kind === TEXT) return this.bytes.toString('utf8', this.starts[index], this.ends[index]);
    return kind === NULL ? null : undefined;
  }

  /** Fills a column that was not sent. */
  setText(index: number, text: string | null): void {
    if (text === null) {
      this.kinds[index] = NULL;
      return;
    }
    const value = Buffer.from(text, 'utf8');
    this.starts[index] = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, value]);
    this.ends[index] = this.bytes.length;
    this.kinds[index] = TEXT;
  }

  #copyField(index: number, start: number, stop: number): void {
    const bytes = this.bytes;
    if (stop - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === 0x4e) {
      this.kinds[index] = NULL;
      return;
    }
    this.kinds[index] = TEXT;
    this.starts[index] = start;
    this.ends[index] = this.#escaped ? unescape(bytes, start, stop) : stop;
  }

  #reset(bytes: Buffer, count: number): void {
    if (count > this.kinds.length) {
      this.kinds = new Uint8Array(count);
      this.starts = new Int32Array(count);
      this.ends = new Int32Array(count);
    }
    this.bytes = bytes;
    this.count = count;
    this.hasUnchanged = false;
  }
}

function short(): AppError {
  return new AppError('REPLICATION_PROTOCOL', 'decoding pgoutput: a column that ends too early');
}

const escapes: Readonly<Record<number, number>> = { 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9, 0x76: 11 };

function unescape(bytes: Buffer, start: number, stop: number): number {
  let to = start;
  for (let from = start; from < stop; from += 1) {
    let byte = bytes[from]!;
    if (byte === BACKSLASH && from + 1 < stop) {
      from += 1;
      byte = escapes[bytes[from]!] ?? bytes[from]!;
    }
    bytes[to] = byte;
    to += 1;
  }
  return to;
}
