/** Something that is done when all its records are in Kafka: a commit, or a chunk of a snapshot. */
export interface Pending {
  /** Records handed over and not acknowledged. */
  count: number;
  /** No more records will come. */
  closed: boolean;
}

interface Entry extends Pending {
  endLsn: number;
}

/**
 * The commits of a stream in order, and how far they are unbroken in Kafka. `flushedLsn` moves only over the run of
 * closed commits whose every record was acknowledged: the slot may forget nothing that Kafka does not hold.
 */
export class CommitLog {
  #entries: Entry[] = [];
  #head = 0;
  #flushedLsn: number;

  constructor(flushedLsn: number) {
    this.#flushedLsn = flushedLsn;
  }

  /** Everything before it is in Kafka. */
  get flushedLsn(): number {
    return this.#flushedLsn;
  }

  /** Commits not yet passed by `flushedLsn`. */
  get size(): number {
    return this.#entries.length - this.#head;
  }

  open(): Pending {
    const entry: Entry = { count: 0, closed: false, endLsn: 0 };
    this.#entries.push(entry);
    return entry;
  }

  close(pending: Pending, endLsn: number): void {
    const entry = pending as Entry;
    entry.closed = true;
    entry.endLsn = endLsn;
    if (entry.count === 0) this.advance();
  }

  /** A place in the stream that the server has passed, without records (keepalive). */
  pass(endLsn: number): void {
    if (this.size === 0) {
      if (endLsn > this.#flushedLsn) this.#flushedLsn = endLsn;
      return;
    }
    this.#entries.push({ count: 0, closed: true, endLsn });
  }

  /** To be called after counts went down. */
  advance(): void {
    const entries = this.#entries;
    let head = this.#head;
    while (head < entries.length && entries[head]!.closed && entries[head]!.count === 0) {
      const { endLsn } = entries[head]!;
      if (endLsn > this.#flushedLsn) this.#flushedLsn = endLsn;
      head += 1;
    }
    this.#head = head;
    if (head === entries.length) {
      this.#entries = [];
      this.#head = 0;
    } else if (head > 1024 && head * 2 > entries.length) {
      this.#entries = entries.slice(head);
      this.#head = 0;
    }
  }
}
