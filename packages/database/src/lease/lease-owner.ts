import { setTimeout as delay } from 'node:timers/promises';
import { errorFacts } from '../error-facts.ts';
import { type Clock, Lease } from './lease.ts';
import type { LeaseClaim, LeaseStore } from './lease-store.ts';

interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface LeaseOwnerOptions {
  readonly store: LeaseStore;
  /** What a key names, for the log: `platform`, `tenant`. */
  readonly what: string;
  /** Unique per process. */
  readonly replica: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Works on what is owned until `stop` aborts or the lease is lost; resolves when nothing of it is in flight. */
  readonly work: (lease: Lease, stop: AbortSignal) => Promise<void>;
}

interface Held {
  readonly lease: Lease;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/**
 * Keeps this replica's share of what is leased: takes free keys while it has fewer than keys / live replicas,
 * renews them each third of a lease, and gives one back when it has more than its share. A dead replica's leases run
 * out and it is no longer counted, so its keys are taken within about two leases.
 */
export class LeaseOwner {
  readonly #held = new Map<string, Held>();
  readonly #options: LeaseOwnerOptions;
  #turning: Promise<void> | undefined;
  #stopped = false;
  /** Monotonic time at which the loop last went round, for /livez. */
  lastTurnAt: number;

  constructor(options: LeaseOwnerOptions) {
    this.#options = options;
    this.lastTurnAt = options.clock();
  }

  get keys(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Runs until the signal aborts; then lets each finish what is in flight, and gives all back. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.turn();
      } catch (error) {
        this.#options.log.warn({ ...errorFacts(error), leases: this.#options.what }, 'leases not renewed');
      }
      this.lastTurnAt = this.#options.clock();
      await delay(this.#options.leaseMs / 3, undefined, { signal }).catch(() => undefined);
    }
    this.#stopped = true;
    await this.#turning?.catch(() => {});
    await Promise.all([...this.#held.values()].map((held) => this.#giveBack(held)));
    await this.#options.store.forget(this.#options.replica).catch(() => {});
  }

  /** One turn: renew, then balance. Asked for during a turn: one more follows. */
  turn(): Promise<void> {
    this.#turning = (this.#turning ?? Promise.resolve()).catch(() => {}).then(() => this.#turn());
    return this.#turning;
  }

  async #turn(): Promise<void> {
    const { store, replica, leaseMs } = this.#options;
    await this.#renew([...this.#held.values()]);
    if (this.#stopped) return;
    const replicas = Math.max(1, await store.beat(replica, leaseMs));
    const claims = await store.list();
    const share = Math.ceil(claims.length / replicas);
    const wanted = new Set(claims.map(({ key }) => key));
    // What is no longer wanted counts for nobody's share: else it would keep new keys without an owner.
    for (const [key, held] of this.#held) if (!wanted.has(key)) void this.#giveBack(held);
    await this.#take(claims, share);
    const ours = this.#heldOf(claims);
    if (ours.length > share) void this.#giveBack(ours.at(-1)!);
  }

  async #renew(all: readonly Held[]): Promise<void> {
    const { store, what, leaseMs, clock, log } = this.#options;
    const deadline = clock() + leaseMs;
    const ours = await store.renew({ leases: all.map(({ lease }) => lease), leaseMs });
    for (const { lease, stop } of all) {
      if (ours.has(lease.key)) {
        lease.extend(deadline);
        continue;
      }
      log.warn({ [what]: lease.key, code: 'LEASE_LOST' }, `another replica owns the ${what}`);
      lease.drop();
      stop.abort();
    }
  }

  async #take(claims: readonly LeaseClaim[], share: number): Promise<void> {
    const { store, replica, leaseMs, clock } = this.#options;
    for (const { key, free } of claims) {
      if (this.#heldOf(claims).length >= share) return;
      if (!free || this.#held.has(key)) continue;
      const deadline = clock() + leaseMs;
      const token = await store.take({ key, owner: replica, leaseMs });
      if (token !== undefined) this.#start(new Lease({ key, token, deadline, clock }));
    }
  }

  #heldOf(claims: readonly LeaseClaim[]): readonly Held[] {
    return claims.flatMap(({ key }) => this.#held.get(key) ?? []);
  }

  #start(lease: Lease): void {
    const { log, what, work } = this.#options;
    const stop = new AbortController();
    log.info({ [what]: lease.key, leaseToken: lease.token }, `${what} taken`);
    const done = work(lease, stop.signal)
      .catch((error: unknown) => log.error({ ...errorFacts(error), [what]: lease.key }, `${what} work ended`))
      .finally(() => {
        // What ended by itself is given up, so that it is taken anew, here or elsewhere.
        lease.drop();
        this.#held.delete(lease.key);
      });
    this.#held.set(lease.key, { lease, stop, done });
  }

  async #giveBack({ lease, stop, done }: Held): Promise<void> {
    stop.abort();
    await done;
    const { store, what, log } = this.#options;
    await store.release({ key: lease.key, token: lease.token }).catch(() => {});
    log.info({ [what]: lease.key }, `${what} given back`);
  }
}
