import type { ReplayProgress } from './run-store.ts';

/** Counts what a replay does. */
export class ReplayCounts {
  total = 0;
  done = 0;
  changed = 0;
  marked = 0;
  readonly #startedMs: number;
  readonly #now: () => number;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#startedMs = now();
  }

  progress(): ReplayProgress {
    const { total, done, changed, marked } = this;
    const seconds = (this.#now() - this.#startedMs) / 1_000;
    const perSecond = seconds > 0 ? Math.round(done / seconds) : 0;
    const etaSeconds = perSecond > 0 ? Math.ceil(Math.max(0, total - done) / perSecond) : null;
    return { done, total, calls: 0, perSecond, etaSeconds, changed, marked };
  }
}
