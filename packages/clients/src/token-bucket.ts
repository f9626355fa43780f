import { AppError } from '@orgstream/core';

export interface TokenBucketOptions {
  /** Calls a second to begin with; Infinity = unlimited until the platform says otherwise. */
  readonly ratePerS: number;
  /** Never slower than this, however often the platform refuses. */
  readonly minPerS: number;
  /** Never faster than this; Infinity = no ceiling. */
  readonly maxPerS: number;
  /** Calls that may go at once after a pause. Small: platforms count per minute, but mind bursts. Default 1. */
  readonly burst?: number;
  /** Growth in calls a second, per second of full use. Default: a fiftieth of the rate to begin with, at least 0.1. */
  readonly growthPerS?: number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  /** Runs `fn` after `ms`; returns how to call it off. */
  readonly schedule?: (ms: number, fn: () => void) => () => void;
}

interface Waiter {
  readonly go: () => void;
}

/** Refusals of one moment are one refusal: calls that were under way together come back together. */
const oneRefusalMs = 1_000;

/** Timers come late, in a busy process by this much. */
const latenessMs = 100;

/** Without a limit of its own, the rate after a refusal is half of what went through in this time. */
const memoryMs = 1_000;

/**
 * The rate of calls to one platform, found by trying (additive increase, multiplicative decrease): it grows slowly
 * while calls succeed, halves on a 429, and stands still as long as `Retry-After` says. Turns are first come, first
 * served. Unlimited (rate Infinity) costs one comparison and a counter per call.
 */
export class TokenBucket {
  readonly #options: Required<TokenBucketOptions>;
  readonly #waiters = new Set<Waiter>();
  #ratePerS: number;
  #tokens: number;
  #refilledAtMs: number;
  #blockedUntilMs = Number.NEGATIVE_INFINITY;
  #halvedAtMs = Number.NEGATIVE_INFINITY;
  #memory = { sinceMs: 0, calls: 0, before: 0 };
  #callOff: (() => void) | null = null;

  constructor(options: TokenBucketOptions) {
    const start = Number.isFinite(options.ratePerS) ? options.ratePerS : 0;
    this.#options = {
      burst: 1,
      growthPerS: Math.max(0.1, start / 50),
      now: () => performance.now(),
      schedule: (ms, fn) => {
        const timer = setTimeout(fn, ms);
        return () => clearTimeout(timer);
      },
      ...options,
    };
    this.#ratePerS = options.ratePerS;
    this.#tokens = this.#options.burst;
    this.#refilledAtMs = this.#options.now();
    this.#memory.sinceMs = this.#refilledAtMs;
  }

  /** Calls a second at present. */
  get ratePerS(): number {
    return this.#ratePerS;
  }

  /** Callers in the queue. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Milliseconds until the platform wants to be called again; 0 when it does not mind. */
  get blockedMs(): number {
    return Math.max(0, this.#blockedUntilMs - this.#options.now());
  }

  /** Resolves when it is the caller's turn. Rejects with PLATFORM_PAUSED when `signal` ends the wait. */
  take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(gaveUp());
    if (this.#waiters.size === 0 && this.#grant()) return Promise.resolve();
    return this.#queue(signal);
  }

  /** A call was answered, and not by 429. */
  succeeded(): void {
    const { growthPerS, maxPerS } = this.#options;
    if (this.#ratePerS < maxPerS) this.#setRate(this.#ratePerS + growthPerS / this.#ratePerS);
  }

  /** A call was answered by 429; `waitMs` is what Retry-After asked for. */
  refused(waitMs = oneRefusalMs): void {
    const now = this.#options.now();
    this.#refill(now);
    this.#tokens = Math.min(this.#tokens, 0);
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, now + waitMs);
    if (now - this.#halvedAtMs >= oneRefusalMs) {
      this.#halvedAtMs = now;
      this.#setRate((Number.isFinite(this.#ratePerS) ? this.#ratePerS : this.#seenPerS(now)) / 2);
    }
    this.#wake();
  }

  #queue(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiters.delete(waiter);
        reject(gaveUp());
      };
      const waiter: Waiter = {
        go: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiters.add(waiter);
      if (this.#callOff === null) this.#wake();
    });
  }

  /** One call, if it may go now. */
  #grant(): boolean {
    const now = this.#options.now();
    if (now < this.#blockedUntilMs) return false;
    if (Number.isFinite(this.#ratePerS)) {
      this.#refill(now);
      if (this.#tokens < 1) return false;
      this.#tokens -= 1;
    }
    this.#remember(now);
    return true;
  }

  #refill(now: number): void {
    const { burst } = this.#options;
    // Nothing is saved up while blocked: the end of a Retry-After must not begin with a burst.
    const fromMs = Math.max(this.#refilledAtMs, Math.min(now, this.#blockedUntilMs));
    this.#refilledAtMs = now;
    if (!Number.isFinite(this.#ratePerS)) return;
    // While callers wait, what a late timer missed is made up for; only idle time is not saved up beyond the burst.
    const cap = this.#waiters.size === 0 ? burst : Math.max(burst, (latenessMs / 1_000) * this.#ratePerS);
    this.#tokens = Math.min(cap, this.#tokens + ((now - fromMs) / 1_000) * this.#ratePerS);
  }

  /** Lets those go whose turn it is, and comes back when the next one's is. */
  #wake(): void {
    this.#callOff?.();
    this.#callOff = null;
    for (const waiter of this.#waiters) {
      if (!this.#grant()) break;
      this.#waiters.delete(waiter);
      waiter.go();
    }
    if (this.#waiters.size === 0) return;
    this.#callOff = this.#options.schedule(this.#nextTurnMs(), () => {
      this.#callOff = null;
      this.#wake();
    });
  }

  #nextTurnMs(): number {
    const now = this.#options.now();
    const blockedMs = Math.max(0, this.#blockedUntilMs - now);
    if (!Number.isFinite(this.#ratePerS)) return Math.ceil(blockedMs);
    return Math.max(1, Math.ceil(blockedMs + ((1 - this.#tokens) / this.#ratePerS) * 1_000));
  }

  #setRate(ratePerS: number): void {
    this.#refill(this.#options.now());
    this.#ratePerS = Math.min(this.#options.maxPerS, Math.max(this.#options.minPerS, ratePerS));
  }

  #remember(now: number): void {
    this.#turnMemory(now);
    this.#memory.calls += 1;
  }

  #turnMemory(now: number): void {
    const passedMs = now - this.#memory.sinceMs;
    if (passedMs < memoryMs) return;
    this.#memory = { sinceMs: now, calls: 0, before: passedMs < 2 * memoryMs ? this.#memory.calls : 0 };
  }

  #seenPerS(now: number): number {
    this.#turnMemory(now);
    return (Math.max(this.#memory.calls, this.#memory.before) / memoryMs) * 1_000;
  }
}

function gaveUp(): AppError {
  return new AppError('PLATFORM_PAUSED', 'waiting for a turn at the platform: ended', { reason: 'aborted' });
}
