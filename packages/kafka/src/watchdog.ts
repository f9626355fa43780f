import { AppError } from '@orgstream/core';

export interface WatchdogOptions {
  /** Without a fetch or heartbeat for so long the consumer is dead. Two session timeouts. */
  readonly silentMs: number;
  /** Crashes in a row, without any activity between, that a consumer may restart from. */
  readonly maxRestarts: number;
  readonly onDead: (error: AppError) => void;
  readonly now?: () => number;
}

/**
 * Notices what kafkajs does not tell: a consumer that hangs silently, or has crashed for good inside a live process.
 * The process then ends and is restarted; nothing is lost, for offsets were never committed ahead.
 */
export class Watchdog implements Disposable {
  readonly #options: WatchdogOptions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #lastActivityMs: number;
  #restarts = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#lastActivityMs = this.#now();
    this.#timer = setInterval(() => this.check(), Math.min(options.silentMs / 4, 5_000));
    this.#timer.unref();
  }

  get lastActivityMs(): number {
    return this.#lastActivityMs;
  }

  /** A fetch was answered or a heartbeat went through. */
  activity(): void {
    this.#lastActivityMs = this.#now();
    this.#restarts = 0;
  }

  /** kafkajs's CRASH event; `restart` false = it gave up. */
  crashed(cause: unknown, restart: boolean): void {
    this.#restarts += 1;
    if (!restart) this.#dead('crashed and does not restart', cause);
    else if (this.#restarts > this.#options.maxRestarts) this.#dead('crashes again and again', cause);
  }

  check(): void {
    const silentMs = this.#now() - this.#lastActivityMs;
    if (silentMs > this.#options.silentMs) this.#dead('neither fetches nor heartbeats', undefined, { silentMs });
  }

  #dead(what: string, cause: unknown, data: object = {}): void {
    clearInterval(this.#timer);
    this.#options.onDead(new AppError('KAFKA_CLIENT_DEAD', `consuming: kafkajs ${what}`, { ...data, cause }));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
