import { type Logger, sleep } from '@orgstream/runtime';
import type { Knex } from '@orgstream/database';
import { errorFacts } from '../reconcile/error-facts.ts';
import { type Clock, Lease } from './lease.ts';
import {
  beat,
  forgetReplica,
  listPlatforms,
  type PlatformClaim,
  releaseLease,
  renewLeases,
  takeLease,
} from './lease-store.ts';

/** Works on one owned platform until `stop` aborts or the lease is lost; resolves when nothing of it is in flight. */
type PlatformWork = (lease: Lease, stop: AbortSignal) => Promise<void>;

interface PlatformOwnerOptions {
  readonly db: Knex;
  /** Unique per process. */
  readonly replica: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly work: PlatformWork;
}

interface Held {
  readonly lease: Lease;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/**
 * Keeps this replica's share of the platforms: takes free ones while it has fewer than platforms / live replicas,
 * renews them each third of a lease, and gives one back when it has more than its share. A dead replica's leases run
 * out and it is no longer counted, so its platforms are taken within about two leases.
 */
export class PlatformOwner {
  readonly #held = new Map<string, Held>();
  readonly #options: PlatformOwnerOptions;
  #turning: Promise<void> | undefined;
  #stopped = false;
  /** Monotonic time at which the loop last went round, for /livez. */
  lastTurnAt: number;

  constructor(options: PlatformOwnerOptions) {
    this.#options = options;
    this.lastTurnAt = options.clock();
  }

  get platforms(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Runs until the signal aborts; then lets every platform finish what is in flight, and gives it back. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.turn();
      } catch (error) {
        this.#options.log.warn(errorFacts(error), 'platform leases not renewed');
      }
      this.lastTurnAt = this.#options.clock();
      await sleep(this.#options.leaseMs / 3, signal);
    }
    this.#stopped = true;
    await this.#turning?.catch(() => {});
    await Promise.all([...this.#held.values()].map((held) => this.#giveBack(held)));
    await forgetReplica(this.#options.db, this.#options.replica).catch(() => {});
  }

  /** One turn: renew, then balance. Asked for during a turn: one more follows. */
  turn(): Promise<void> {
    this.#turning = (this.#turning ?? Promise.resolve()).catch(() => {}).then(() => this.#turn());
    return this.#turning;
  }

  async #turn(): Promise<void> {
    const { db, replica, leaseMs } = this.#options;
    await this.#renew([...this.#held.values()]);
    if (this.#stopped) return;
    const replicas = Math.max(1, await beat(db, replica, leaseMs));
    const platforms = await listPlatforms(db);
    const share = Math.ceil(platforms.length / replicas);
    const used = new Set(platforms.map(({ id }) => id));
    // What no integration uses any more counts for nobody's share: else it would keep new platforms without an owner.
    for (const [id, held] of this.#held) if (!used.has(id)) void this.#giveBack(held);
    await this.#take(platforms, share);
    const ours = this.#heldOf(platforms);
    if (ours.length > share) void this.#giveBack(ours.at(-1)!);
  }

  async #renew(all: readonly Held[]): Promise<void> {
    const { db, leaseMs, clock, log } = this.#options;
    const deadline = clock() + leaseMs;
    const ours = await renewLeases(db, { leases: all.map(({ lease }) => lease), leaseMs });
    for (const { lease, stop } of all) {
      if (ours.has(lease.platform)) {
        lease.extend(deadline);
        continue;
      }
      log.warn({ platform: lease.platform, code: 'LEASE_LOST' }, 'another replica owns the platform');
      lease.drop();
      stop.abort();
    }
  }

  async #take(platforms: readonly PlatformClaim[], share: number): Promise<void> {
    const { db, replica, leaseMs, clock } = this.#options;
    for (const { id, free } of platforms) {
      if (this.#heldOf(platforms).length >= share) return;
      if (!free || this.#held.has(id)) continue;
      const deadline = clock() + leaseMs;
      const token = await takeLease(db, { platform: id, owner: replica, leaseMs });
      if (token !== undefined) this.#start(new Lease({ platform: id, token, deadline, clock }));
    }
  }

  #heldOf(platforms: readonly PlatformClaim[]): readonly Held[] {
    return platforms.flatMap(({ id }) => this.#held.get(id) ?? []);
  }

  #start(lease: Lease): void {
    const { log, work } = this.#options;
    const stop = new AbortController();
    log.info({ platform: lease.platform, leaseToken: lease.token }, 'platform taken');
    const done = work(lease, stop.signal)
      .catch((error: unknown) => log.error({ ...errorFacts(error), platform: lease.platform }, 'platform work ended'))
      .finally(() => {
        // A platform whose work ended by itself is given up, so that it is taken anew, here or elsewhere.
        lease.drop();
        this.#held.delete(lease.platform);
      });
    this.#held.set(lease.platform, { lease, stop, done });
  }

  async #giveBack({ lease, stop, done }: Held): Promise<void> {
    stop.abort();
    await done;
    await releaseLease(this.#options.db, { platform: lease.platform, token: lease.token }).catch(() => {});
    this.#options.log.info({ platform: lease.platform }, 'platform given back');
  }
}
