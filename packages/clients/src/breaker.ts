import { isAppError } from '@orgstream/core';

/** `closed`: calls go. `open`: none do. `half_open`: one probe is under way, nothing else goes. */
export type BreakerState = 'closed' | 'open' | 'half_open';

export interface BreakerOptions {
  /** Time over which failures are counted. Default 30 s. */
  readonly windowMs?: number;
  /** Opens at this share of failed calls … Default 0.5. */
  readonly failureShare?: number;
  /** … once there were this many calls in the window. Default 10. */
  readonly minCalls?: number;
  /** First pause; doubles with every failed probe. Default 1 s. */
  readonly openMs?: number;
  /** Longest pause. Default 60 s. */
  readonly maxOpenMs?: number;
  /** A probe that never reports is given up after this. Default 60 s. */
  readonly probeMs?: number;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  readonly onChange?: (state: BreakerState, reason: string) => void;
}

/** Leave to make one call; report its outcome once. */
export interface Pass {
  readonly probe: boolean;
  /** `error` absent = the call succeeded. */
  done(error?: unknown): void;
}

const slots = 10;

/**
 * Stops calls to a platform that does not work. What counts is whether the *platform* answers: a refusal of one
 * object (404, 409, 422, 403) is a success here, a 429 is none of its business (the bucket's). Refused credentials
 * open it at once. It never closes by time alone: when a pause is over one probe goes, and its outcome decides.
 * Reports of calls that began before the last change of state are ignored.
 */
export class Breaker {
  readonly #options: Required<BreakerOptions>;
  readonly #window: { slot: number; calls: number; failures: number }[] = [];
  #state: BreakerState = 'closed';
  #reason = '';
  #generation = 0;
  #openMs: number;
  #retryAtMs = 0;

  constructor(options: BreakerOptions = {}) {
    this.#options = {
      windowMs: 30_000,
      failureShare: 0.5,
      minCalls: 10,
      openMs: 1_000,
      maxOpenMs: 60_000,
      probeMs: 60_000,
      now: () => performance.now(),
      onChange: () => {},
      ...options,
    };
    this.#openMs = this.#options.openMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Code of what opened it; empty when closed. */
  get reason(): string {
    return this.#reason;
  }

  /** Milliseconds until a probe may go; 0 when calls or a probe may go now. */
  get waitMs(): number {
    return this.#state === 'closed' ? 0 : Math.max(0, this.#retryAtMs - this.#options.now());
  }

  /** Leave for one call, or null: wait {@link waitMs}. The first to ask after a pause gets the probe. */
  enter(): Pass | null {
    if (this.#state === 'closed') return this.#pass(false);
    if (this.waitMs > 0) return null;
    // Another probe may go if this one is never heard of again.
    this.#retryAtMs = this.#options.now() + this.#options.probeMs;
    this.#become('half_open', this.#reason);
    return this.#pass(true);
  }

  /** Opens at once, for reasons only the caller knows (403 on the platform itself). */
  open(reason: string, waitMs = 0): void {
    const pauseMs = Math.max(waitMs, this.#openMs);
    this.#openMs = Math.min(this.#options.maxOpenMs, this.#openMs * 2);
    this.#retryAtMs = this.#options.now() + pauseMs;
    this.#become('open', reason);
  }

  #pass(probe: boolean): Pass {
    const generation = this.#generation;
    let reported = false;
    return {
      probe,
      done: (error) => {
        if (reported || generation !== this.#generation) return;
        reported = true;
        if (probe) this.#probed(error);
        else this.#count(error);
      },
    };
  }

  #probed(error: unknown): void {
    if (wasAborted(error)) {
      // Proves nothing: the next one to ask probes.
      this.#retryAtMs = this.#options.now();
      this.#become('open', this.#reason);
    } else if (judge(error) !== 'no' || isAppError(error, 'TARGET_RATE_LIMITED', 'ZIIK_RATE_LIMITED')) {
      this.open(codeOf(error), waitMsOf(error));
    } else this.#close();
  }

  #count(error: unknown): void {
    const failure = judge(error);
    if (failure === 'open') return this.open(codeOf(error), waitMsOf(error));
    if (isAppError(error, 'TARGET_RATE_LIMITED', 'ZIIK_RATE_LIMITED') || wasAborted(error)) return;
    const { failures, calls } = this.#add(failure === 'yes');
    const { minCalls, failureShare } = this.#options;
    if (calls >= minCalls && failures / calls >= failureShare) this.open(codeOf(error), waitMsOf(error));
  }

  /** Adds one call to the rolling window and returns its sums. */
  #add(failed: boolean): { calls: number; failures: number } {
    const now = Math.floor((this.#options.now() / this.#options.windowMs) * slots);
    while (this.#window[0] && this.#window[0].slot <= now - slots) this.#window.shift();
    let last = this.#window.at(-1);
    if (last?.slot !== now) this.#window.push((last = { slot: now, calls: 0, failures: 0 }));
    last.calls += 1;
    if (failed) last.failures += 1;
    const sum = { calls: 0, failures: 0 };
    for (const { calls, failures } of this.#window) {
      sum.calls += calls;
      sum.failures += failures;
    }
    return sum;
  }

  #close(): void {
    this.#openMs = this.#options.openMs;
    this.#become('closed', '');
  }

  #become(state: BreakerState, reason: string): void {
    this.#generation += 1;
    this.#window.length = 0;
    this.#state = state;
    this.#reason = reason;
    this.#options.onChange(state, reason);
  }
}

const opens = ['TARGET_AUTH_FAILED', 'ZIIK_AUTH_FAILED', 'CHAT_MODULE_OFF'] as const;
const counts = [
  'TARGET_UNREACHABLE',
  'TARGET_ERROR',
  'TARGET_ANSWER_INVALID',
  'ZIIK_UNREACHABLE',
  'ZIIK_ERROR',
  'ZIIK_ANSWER_INVALID',
] as const;

/** Whether an outcome speaks against the platform: no, yes (count it), or so much that nothing more may go. */
function judge(error: unknown): 'no' | 'yes' | 'open' {
  if (isAppError(error, ...opens)) return 'open';
  return isAppError(error, ...counts) ? 'yes' : 'no';
}

/** A call that we ended ourselves says nothing about the platform. */
function wasAborted(error: unknown): boolean {
  return isAppError(error, 'TARGET_UNREACHABLE', 'ZIIK_UNREACHABLE') && error.data['reason'] === 'aborted';
}

function codeOf(error: unknown): string {
  return isAppError(error) ? error.code : 'UNEXPECTED';
}

function waitMsOf(error: unknown): number {
  return isAppError(error) ? (error.waitMs ?? 0) : 0;
}
