import {
  Breaker,
  createLearningbankClient,
  type CallResult,
  type Credentials,
  type LearningbankClient,
  type TokenBucket,
} from '@orgstream/clients';
import { AppError, isAppError } from '@orgstream/core';
import type { Lease } from '@orgstream/database';

/**
 * One integration's way to its platform. The rate is the platform's and shared by its integrations; the breaker is of
 * this way alone, so that one tenant's wrong credentials never stop another tenant of the same platform.
 */
export interface PlatformSession {
  readonly integrationId: string;
  readonly breaker: Breaker;
  /** Reads go through the rate; they may be made under any lease state. */
  read<T>(work: (client: LearningbankClient, signal: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * One write: waits for its turn in the rate, then runs `prepare` (the attempt), then makes the call unless the lease
   * has run out. So nothing waits between the attempt's checks and the call.
   */
  write<P, T>(
    prepare: () => Promise<P>,
    work: (client: LearningbankClient, prepared: P, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Asks the platform whether it works; closes the breaker when it does. */
  probe(): Promise<boolean>;
}

/** A probe that succeeded speaks for the platform this long: a hundred refused objects cost one probe. */
const proofMs = 2_000;

/** Makes the session of one integration on the platform of `lease`. */
export function openSession(options: {
  readonly integrationId: string;
  readonly baseUrl: string;
  readonly credentials: Credentials;
  readonly callTimeoutMs: number;
  readonly bucket: TokenBucket;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly onCall: (call: CallResult) => void;
  readonly onBreaker: (state: Breaker['state'], reason: string) => void;
}): PlatformSession {
  const { bucket, lease, signal } = options;
  /** Calls whose turn in the rate was waited for already, by their signal. */
  const prepaid = new WeakSet<AbortSignal>();
  let provedAt = Number.NEGATIVE_INFINITY;
  const breaker = new Breaker({ onChange: options.onBreaker });
  const client = createLearningbankClient({
    baseUrl: options.baseUrl,
    credentials: options.credentials,
    timeoutMs: options.callTimeoutMs,
    beforeCall: async (call, callSignal) => {
      if (call.route !== 'auth.token' && !(callSignal && prepaid.delete(callSignal))) await bucket.take(callSignal);
      if (call.write) lease.assertHeld();
    },
    // Once more when the connection is there: a process that stood still while it connected wakes in the middle of it.
    beforeSend: (call) => {
      if (call.write) lease.assertHeld();
    },
    onCall: options.onCall,
  });

  /** Reports a call's end to rate and breaker. */
  const watched = async <T>(work: () => Promise<T>): Promise<T> => {
    const pass = breaker.state === 'closed' ? breaker.enter() : null;
    if (!pass) throw paused(breaker);
    try {
      const value = await work();
      bucket.succeeded();
      pass.done();
      return value;
    } catch (error) {
      if (isAppError(error, 'TARGET_RATE_LIMITED')) bucket.refused(error.waitMs);
      pass.done(error);
      throw error;
    }
  };

  return {
    integrationId: options.integrationId,
    breaker,
    read: (work) => watched(() => work(client, signal)),
    async write(prepare, work) {
      if (breaker.state !== 'closed') throw paused(breaker);
      await bucket.take(signal);
      const prepared = await prepare();
      // Never aborted: a write under way is let finish, within its time-out; the signal only says whose turn was taken.
      const own = new AbortController().signal;
      prepaid.add(own);
      return watched(() => work(client, prepared, own));
    },
    async probe() {
      if (breaker.state === 'closed' && performance.now() - provedAt < proofMs) return true;
      const pass = breaker.state === 'closed' ? null : breaker.enter();
      if (breaker.state !== 'closed' && !pass) return false;
      try {
        await client.login({ signal });
        await client.platform({ signal });
        provedAt = performance.now();
        pass?.done();
        return true;
      } catch (error) {
        // A 403 on one object is no affair of the breaker's; on the platform itself it is.
        const forbidden = isAppError(error, 'TARGET_FORBIDDEN', 'TARGET_AUTH_FAILED');
        // Asked while closed: without a pass nobody else tells the breaker that the platform does not work.
        const broken = !pass && !signal.aborted && isAppError(error, 'TARGET_UNREACHABLE', 'TARGET_ERROR', 'TARGET_ANSWER_INVALID'); // prettier-ignore
        if ((forbidden || broken) && breaker.state !== 'open') breaker.open(error.code, error.waitMs);
        else pass?.done(error);
        return false;
      }
    },
  };
}

function paused(breaker: Breaker): AppError {
  return new AppError('PLATFORM_PAUSED', 'the platform does not work at present, calls are held back', {
    waitMs: Math.max(250, breaker.waitMs),
    reason: breaker.reason,
  });
}
