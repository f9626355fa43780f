/** A `pg_snapshot` as text, `xmin:xmax:xip,xip`, brought to 32 bits (pgoutput carries 32-bit xids). */
export interface PgSnapshot {
  readonly xmax: number;
  readonly inProgress: ReadonlySet<number>;
}

export function parsePgSnapshot(text: string): PgSnapshot {
  const [, xmax, list] = text.split(':') as [string, string, string];
  const low32 = (xid: string): number => Number(BigInt(xid) & 0xffff_ffffn);
  return { xmax: low32(xmax), inProgress: new Set(list === '' ? [] : list.split(',').map(low32)) };
}

/** True when a snapshot does not see a transaction although it may have committed. Compared modulo 2^32. */
export function isInvisible(snapshot: PgSnapshot, xid: number): boolean {
  if (snapshot.inProgress.has(xid)) return true;
  const ahead = (xid - snapshot.xmax) | 0;
  // Half of the usual half circle: an entry from before a long silence must not look like the future.
  return ahead >= 0 && ahead < 2 ** 30;
}

/**
 * The transactions the stream has committed, newest 2^16. A commit is in the log before it is visible; how long is
 * bounded by the commits that run beside it, unless synchronous replication holds it back: then others are held, too.
 */
export class CommittedXids {
  readonly #ring = new Uint32Array(1 << 16);
  #count = 0;

  add(xid: number): void {
    this.#ring[this.#count & 0xffff] = xid;
    this.#count += 1;
  }

  /** Number of commits so far: a place to look back from. */
  get mark(): number {
    return this.#count;
  }

  /** A commit before `mark` that the snapshot does not see, if there is one. */
  findInvisible(snapshot: PgSnapshot, mark: number): number | undefined {
    const oldest = Math.max(0, this.#count - this.#ring.length);
    for (let i = mark - 1; i >= oldest; i -= 1) {
      const xid = this.#ring[i & 0xffff]!;
      if (isInvisible(snapshot, xid)) return xid;
    }
    return undefined;
  }
}
