/** Lets at most `size` holders in at once; who waits is let in by urgency (lower first), then by arrival. */
export class Gate {
  readonly #size: number;
  #inside = 0;
  readonly #waiting: { readonly urgency: number; readonly enter: () => void }[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Runs `work` inside. */
  async run<T>(urgency: number, work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#size) this.#inside += 1;
    else await new Promise<void>((enter) => this.#enqueue(urgency, enter));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place is handed on, so that nobody who arrives now can overtake who waits.
      if (next) next.enter();
      else this.#inside -= 1;
    }
  }

  #enqueue(urgency: number, enter: () => void): void {
    const at = this.#waiting.findLastIndex((other) => other.urgency <= urgency);
    this.#waiting.splice(at + 1, 0, { urgency, enter });
  }
}
