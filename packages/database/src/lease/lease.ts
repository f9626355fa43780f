import { AppError } from '@orgstream/core';

/** Milliseconds of a clock that never jumps. */
export type Clock = () => number;

/**
 * The right to write to one thing (a platform, a tenant), fenced twice: `token` rises at each take-over and is checked by Postgres with
 * every record; the deadline is on the monotonic clock and is looked at directly before each write to the target.
 *
 * The deadline counts from *before* the statement that renewed the lease was sent, so it always lies before the moment
 * at which Postgres gives the lease away.
 */
export class Lease {
  readonly key: string;
  readonly token: number;
  /** When this process took it over, monotonic milliseconds. */
  readonly tookOverAt: number;
  #deadline: number;
  #lost = false;
  readonly #clock: Clock;

  constructor(options: {
    readonly key: string;
    readonly token: number;
    readonly deadline: number;
    readonly clock: Clock;
  }) {
    this.key = options.key;
    this.token = options.token;
    this.#deadline = options.deadline;
    this.#clock = options.clock;
    this.tookOverAt = options.clock();
  }

  get held(): boolean {
    return !this.#lost && this.#clock() < this.#deadline;
  }

  /** Throws LEASE_LOST once the deadline has passed, whether or not another owner exists. */
  assertHeld(): void {
    if (!this.held) throw new AppError('LEASE_LOST', `writing to ${this.key}: the lease has run out`);
  }

  extend(deadline: number): void {
    if (!this.#lost) this.#deadline = deadline;
  }

  /** Postgres says that another owner has it, or we gave it back: never held again. */
  drop(): void {
    this.#lost = true;
  }
}
