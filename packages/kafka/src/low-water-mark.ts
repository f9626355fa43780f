/** A piece of work in progress, as handed out by {@link LowWaterMark.begin}. */
export interface Ticket<P> {
  readonly position: P;
}

interface Slot<P> extends Ticket<P> {
  done: boolean;
}

/**
 * The highest position up to which *everything* is done, over work that begins in order and ends in any order: offsets
 * of a partition, commit LSNs of a slot. Never passes a gap; a ticket that is never completed holds the mark for ever.
 */
export class LowWaterMark<P> {
  #slots: Slot<P>[] = [];
  #head = 0;
  #mark: P | undefined;

  /** `initial`: everything up to and including it counts as done. */
  constructor(initial?: P) {
    this.#mark = initial;
  }

  /** Position of the last piece of the unbroken run of completed work; undefined before the first. */
  get mark(): P | undefined {
    return this.#mark;
  }

  /** Pieces begun and not yet under the mark. */
  get open(): number {
    return this.#slots.length - this.#head;
  }

  /** The oldest piece that is not under the mark: what holds it back. */
  get oldest(): P | undefined {
    return this.#slots[this.#head]?.position;
  }

  /** Opens a piece of work that ends at `position`. Called in the order of positions. */
  begin(position: P): Ticket<P> {
    const slot: Slot<P> = { position, done: false };
    this.#slots.push(slot);
    return slot;
  }

  /** Marks a piece as done, once its outcome is durable; true when the mark moved. Completing twice changes nothing. */
  complete(ticket: Ticket<P>): boolean {
    (ticket as Slot<P>).done = true;
    const before = this.#head;
    while (this.#slots[this.#head]?.done === true) {
      this.#mark = this.#slots[this.#head]!.position;
      this.#head += 1;
    }
    const moved = this.#head !== before;
    this.#compact();
    return moved;
  }

  /** Frees what lies under the mark now and then, so that a step stays O(1) on average. */
  #compact(): void {
    if (this.#head < 1_024 || this.#head * 2 < this.#slots.length) return;
    this.#slots = this.#slots.slice(this.#head);
    this.#head = 0;
  }
}
