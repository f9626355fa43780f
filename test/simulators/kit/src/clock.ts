/** The simulator's time: real, shifted or frozen, so that tokens and links can be made to expire. */
export class SimClock {
  #offsetMs = 0;
  #frozenMs: number | null = null;

  now(): number {
    return this.#frozenMs ?? Date.now() + this.#offsetMs;
  }

  iso(): string {
    return new Date(this.now()).toISOString();
  }

  /** Time goes on from `ms`, or stands still there. */
  set(ms: number, frozen: boolean): void {
    this.#offsetMs = ms - Date.now();
    this.#frozenMs = frozen ? ms : null;
  }

  advance(ms: number): void {
    if (this.#frozenMs === null) this.#offsetMs += ms;
    else this.#frozenMs += ms;
  }

  reset(): void {
    this.#offsetMs = 0;
    this.#frozenMs = null;
  }
}
