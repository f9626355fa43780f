/** Time that passes when told to; for tests of what waits. */
export class FakeTime {
  #nowMs = 0;
  #timers: { atMs: number; fn: () => void }[] = [];

  readonly now = (): number => this.#nowMs;

  readonly schedule = (ms: number, fn: () => void): (() => void) => {
    const timer = { atMs: this.#nowMs + ms, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass while no timer gets to run, as in a busy process. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets `ms` pass, running timers in order at their time; promises settle in between. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
      await settled();
    }
    this.#nowMs = endMs;
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
