const windowMs = 60_000;

/** Calls in fixed windows of a minute, the first call opening a window: what "300 requests a minute" means. */
export class RateLimit {
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #calls = 0;

  /** Seconds to wait, or null when the call may go through. */
  check(nowMs: number, perMinute: number): number | null {
    if (perMinute === 0) return null;
    if (nowMs - this.#windowStartMs >= windowMs) {
      this.#windowStartMs = nowMs;
      this.#calls = 0;
    }
    if (this.#calls < perMinute) {
      this.#calls += 1;
      return null;
    }
    return Math.max(1, Math.ceil((this.#windowStartMs + windowMs - nowMs) / 1_000));
  }

  reset(): void {
    this.#windowStartMs = Number.NEGATIVE_INFINITY;
  }
}
