import { Breaker, type CallInfo, TokenBucket } from '@orgstream/clients';
import { AppError, isAppError } from '@orgstream/core';
import type { Lease } from '@orgstream/database';
import type { Chat, ChatChannel, ChatOptions, ChatSession, Delivered } from '../chat/port.ts';

/** Options of one call: a read ends with the session, a send never. */
export interface Given {
  readonly signal: AbortSignal;
}

export interface ChannelSessionOptions {
  readonly channel: ChatChannel;
  readonly createChat: (options: ChatOptions) => Chat;
  readonly callTimeoutMs: number;
  /** Infinity = as fast as Ziik lets us. */
  readonly callsPerMinute: number;
  /** First pause of a channel that has stopped; doubles up to a minute. */
  readonly stoppedMs: number;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly onCall: NonNullable<ChatOptions['onCall']>;
  /** The channel stopped, with the reason, or works again. */
  readonly onChange: (error: AppError | null) => void;
}

/** However often Ziik says 429, and how fast the rate grows again: one call a second more, each five seconds. */
const [minPerS, growthPerS] = [0.5, 0.2];

/** Calls that may go at once after a pause: a message takes three. */
const burst = 6;

/** So many refusals in a row without a message between them: it is the sender who may not, not the receivers. */
const refusalsInARow = 3;

/** Longest pause of a channel whose sender may not. */
const longestPauseMs = 60_000;

/**
 * A channel's way to Ziik: rate, breaker, and the last look at the lease. It signs in with the first call, and again to
 * find out whether a channel that was stopped (refused credentials, chat off, a Ziik that does not work) works again.
 */
export class ChannelSession {
  readonly #options: ChannelSessionOptions;
  readonly #bucket: TokenBucket;
  readonly #breaker: Breaker;
  readonly #chat: Chat;
  /** Sends whose turn was waited for already, by their signal; their POST's repetition after a 401 waits for none either. */
  readonly #prepaid = new WeakSet<AbortSignal>();
  #opening: Promise<ChatSession> | undefined;
  #trouble: AppError | null = null;
  /** Refusals (ZIIK_FORBIDDEN) since a message was taken. */
  #refusals = 0;

  constructor(options: ChannelSessionOptions) {
    this.#options = options;
    const { callsPerMinute, lease, callTimeoutMs: timeoutMs, onCall, stoppedMs } = options;
    const ratePerS = callsPerMinute / 60;
    this.#bucket = new TokenBucket({
      ratePerS,
      minPerS: Math.min(minPerS, ratePerS),
      maxPerS: ratePerS,
      growthPerS,
      burst,
    });
    this.#breaker = new Breaker({ openMs: stoppedMs, onChange: (state, reason) => this.#onBreaker(state, reason) });
    const held = (call: CallInfo): void => {
      if (call.write && !isSignIn(call)) lease.assertHeld();
    };
    this.#chat = options.createChat({
      timeoutMs,
      onCall: (call) => {
        if (call.code === undefined) this.#bucket.succeeded();
        onCall(call);
      },
      beforeCall: async (call, signal) => {
        if (!isSignIn(call) && !(signal && this.#prepaid.has(signal))) await this.#bucket.take(signal);
        held(call);
      },
      beforeSend: held,
    });
  }

  /** Calls may go. */
  get works(): boolean {
    return this.#breaker.state === 'closed';
  }

  /** Signs in, unless that was done or is under way; needed before anything else. */
  async open(): Promise<boolean> {
    return this.read(() => Promise.resolve(true)).catch(() => false);
  }

  /** Of a channel that has stopped, once its pause is over: does it work again? False: it is too early to look. */
  async probe(): Promise<boolean> {
    const pass = this.works ? null : this.#breaker.enter();
    if (!pass) return false;
    try {
      this.#opening = undefined;
      await this.#session();
      pass.done();
    } catch (error) {
      this.#remember(error);
      pass.done(error);
    }
    return true;
  }

  read<T>(work: (chat: ChatSession, given: Given) => Promise<T>): Promise<T> {
    return this.#counted(async () => work(await this.#session(), { signal: this.#options.signal }));
  }

  /** Reads for an operator, until `within` ends it; what an operator is refused says nothing about messages. */
  ask<T>(work: (chat: ChatSession, given: Given) => Promise<T>, within: AbortSignal): Promise<T> {
    const signal = AbortSignal.any([this.#options.signal, within]);
    return this.#watched(async () => work(await unlessEnded(this.#session(), signal), { signal }));
  }

  /**
   * One send: waits for its turn in the rate, then `begin` commits that it is under way, then it is posted unless the
   * lease has run out. So nothing waits between what `begin` has checked and the POST. Null: it was not begun.
   */
  async send(
    begin: () => Promise<boolean>,
    post: (chat: ChatSession, given: Given) => Promise<Delivered>,
  ): Promise<Delivered | null> {
    if (!this.works) throw this.#paused();
    const chat = await this.#session();
    await this.#bucket.take(this.#options.signal);
    if (!(await begin())) return null;
    // Never aborted: a send under way is let finish, within its time-out; the signal only says whose turn was taken.
    const { signal } = new AbortController();
    this.#prepaid.add(signal);
    const sent = await this.#counted(() => post(chat, { signal }));
    this.#refusals = 0;
    return sent;
  }

  #session(): Promise<ChatSession> {
    const { channel, signal } = this.#options;
    if (this.#opening) return this.#opening;
    const opening = this.#chat.open(channel, { signal });
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  /** Reports a call's end to rate and breaker. */
  async #watched<T>(work: () => Promise<T>): Promise<T> {
    const pass = this.works ? this.#breaker.enter() : null;
    if (!pass) throw this.#paused();
    try {
      const value = await work();
      pass.done();
      return value;
    } catch (error) {
      if (isAppError(error, 'ZIIK_RATE_LIMITED')) this.#bucket.refused(error.waitMs);
      this.#remember(error);
      pass.done(error);
      throw error;
    }
  }

  /** The same for a step of a message: refusals are counted. */
  async #counted<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#watched(work);
    } catch (error) {
      if (isAppError(error, 'ZIIK_FORBIDDEN') && this.#stopsAll()) throw this.#paused();
      throw error;
    }
  }

  /** Counts a refusal; true: it is one of so many that the channel stops, and the message that met it waits. */
  #stopsAll(): boolean {
    this.#refusals += 1;
    const more = this.#refusals - refusalsInARow;
    if (more < 0) return false;
    this.#breaker.open('ZIIK_FORBIDDEN', Math.min(longestPauseMs, this.#options.stoppedMs * 2 ** Math.min(more, 16)));
    return true;
  }

  #remember(error: unknown): void {
    if (isAppError(error)) this.#trouble = error;
  }

  #onBreaker(state: Breaker['state'], reason: string): void {
    if (state === 'half_open') return;
    this.#options.onChange(state === 'closed' ? null : (this.#trouble ?? new AppError('UNEXPECTED', reason)));
  }

  #paused(): AppError {
    return new AppError('PLATFORM_PAUSED', 'Ziik does not work at present, calls are held back', {
      waitMs: Math.max(250, this.#breaker.waitMs),
      reason: this.#breaker.reason,
    });
  }
}

/** Signing in is shared by all who wait for it, and may take as long as Ziik's rate wants. */
async function unlessEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const end = (): void =>
    ended.reject(new AppError('PLATFORM_PAUSED', 'waiting for Ziik: ended', { reason: 'aborted' }));
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Its own limits hold for the token: it must not wait between a message's checks and its POST. */
function isSignIn({ route }: CallInfo): boolean {
  return route.startsWith('auth.');
}
