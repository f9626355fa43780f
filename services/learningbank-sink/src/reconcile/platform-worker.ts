import { TokenBucket } from '@orgstream/clients';
import { errorFacts, type Knex, type Lease } from '@orgstream/database';
import { Bell, type Logger, type SecretBox } from '@orgstream/runtime';
import { Conductor } from '../runs/conductor.ts';
import { planners } from '../runs/kinds.ts';
import { SessionPool, type Way } from '../platform/session-pool.ts';
import { BrakeYard } from '../brake/brake-yard.ts';
import type { SinkMetrics } from '../metrics.ts';
import { lanes } from '../model.ts';
import { chooseTurn, InFlight } from './claim.ts';
import { Gate } from './gate.ts';
import type { Integration } from './integration-store.ts';
import { IntegrationSteps } from './integration-steps.ts';
import type { Integrations } from './integrations.ts';
import { type Claimed, laneName, type WorkKey } from './keys.ts';
import type { ObjectContext, Patience } from './object-context.ts';
import { runObject } from './object-run.ts';
import { createObjectHandlers } from '../operate/handlers.ts';
import { assessMany, createPlanner } from './planner.ts';
import { policyOf } from './policy.ts';
import { createPlatformRecords, type PlatformRecords } from './platform-records.ts';
import { createListingLookUp } from './listing-look-up.ts';
import { Turns } from './turns.ts';
import { readDueMs, readRipe, releaseShadow, sweep } from './work-store.ts';

/** Settings of the work on one platform. */
export interface WorkerSettings {
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Objects in work at once, of any lane; a quarter more for leavers and live changes. */
  readonly objectsInFlight: number;
  /** Calls a minute to begin with and at most; Infinity = as fast as the platform takes them. */
  readonly callsPerMinute: number;
  readonly callTimeoutMs: number;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly sweepMs: number;
  readonly catalogueMs: number;
  readonly patience: Patience;
}

export interface WorkerOptions {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly metrics: SinkMetrics;
  readonly integrations: Integrations;
  readonly settings: WorkerSettings;
  /** What the brakes hold has changed. */
  readonly onBraked: () => void;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly now: () => Date;
}

/** A platform on which nothing is due is looked at this many times more rarely; marks of ingest ring its bell. */
const idleFactor = 10;

/** Work of lane gap waits for "Initiate synchronisation". */
const claimable = [lanes.leaver, lanes.live, lanes.bulk];

/**
 * Works on one owned platform: claims ripe work, brings each object into step, ends the claim. Objects run side by side;
 * calls pass a gate of `concurrency` places and the platform's rate. Nothing of an object is written once the lease's
 * deadline has passed.
 */
export class PlatformWorker {
  readonly bell = new Bell();
  readonly pool: SessionPool;
  readonly conductor: Conductor;
  readonly #options: WorkerOptions;
  readonly #lease: Lease;
  readonly #stop: AbortSignal;
  readonly #inFlight = new InFlight();
  readonly #running = new Set<Promise<void>>();
  readonly #gate: Gate;
  readonly #turns = new Turns();
  readonly #records: PlatformRecords;
  readonly #steps: IntegrationSteps;
  readonly #plan: ObjectContext['plan'];
  readonly #listing: NonNullable<ObjectContext['listing']>;
  readonly #ways = new Map<string, Way>();
  readonly #brakes: BrakeYard;
  /** Generations of integrations out of shadow mode whose shadow was seen to. */
  readonly #lit = new Map<string, number>();
  #sweptAt = 0;

  /** Its id. */
  get platform(): string {
    return this.#lease.key;
  }

  constructor(options: WorkerOptions, lease: Lease, stop: AbortSignal) {
    const { db, log, settings, metrics, clock } = options;
    this.#options = options;
    this.#lease = lease;
    this.#stop = stop;
    this.#gate = new Gate(settings.concurrency);
    const ring = (): void => this.bell.ring();
    this.#records = createPlatformRecords({ db, lease, onWoken: ring });
    this.pool = new SessionPool({
      db,
      secrets: options.secrets,
      log,
      lease,
      bucket: createBucket(settings),
      callTimeoutMs: settings.callTimeoutMs,
      catalogueMs: settings.catalogueMs,
      clock,
      signal: stop,
      onCall: metrics.callFinished,
      onChange: ring,
    });
    this.#steps = new IntegrationSteps({
      db,
      log,
      platform: lease.key,
      now: options.now,
      isOwner: () => lease.held && !stop.aborted,
      isCurrent: ({ id, generation }) =>
        lease.held &&
        !stop.aborted &&
        options.integrations.all.some((now) => now.id === id && now.enabled && now.generation === generation),
      isWorking: (id) => (['unit', 'role', 'person'] as const).some((kind) => this.#inFlight.count(id, kind) > 0),
      onMoved: () => options.integrations.refresh(),
    });
    this.#plan = createPlanner({
      db,
      nowMs: () => options.now().getTime(),
      wayOf: (id) => this.#ways.get(id),
      maxBatch: 200,
    });
    this.#listing = createListingLookUp(db, lease.key);
    this.conductor = new Conductor({
      db,
      log,
      lease,
      stop,
      now: options.now,
      pollMs: settings.pollMs,
      integrations: () => options.integrations.ofPlatform(lease.key),
      refresh: () => options.integrations.refresh(),
      wayOf: (id) => this.#ways.get(id),
      planners,
      handlers: createObjectHandlers((key, work) => this.#exclusively(key, work)),
    });
    this.#brakes = new BrakeYard({
      db,
      fence: { platform: lease.key, token: lease.token },
      clock,
      log,
      assess: (integration, kind, ids) => {
        const policy = policyOf(integration, this.#ways.get(integration.id)!, options.now().getTime());
        return assessMany(db, integration, { kind, ids, policy });
      },
      isInFlight: this.#inFlight.has,
      hold: (key, held, generation) => this.#records.endWork({ key, generation, verdict: held }),
      onTripped: options.onBraked,
    });
  }

  /** Works until stopped; resolves when nothing is in flight any more. */
  async run(): Promise<void> {
    await Promise.all([this.#loop(), this.conductor.run()]);
  }

  async #loop(): Promise<void> {
    const { log, settings } = this.#options;
    while (!this.#stop.aborted) {
      let waitMs = settings.pollMs;
      try {
        if (this.#lease.held) waitMs = await this.#turn();
      } catch (error) {
        log.warn({ ...errorFacts(error), platform: this.#lease.key }, 'turn of the platform failed');
      }
      await this.bell.wait(waitMs, this.#stop);
    }
    await Promise.all(this.#running);
  }

  /** One look at everything; returns how long to wait for the next if no bell rings. */
  async #turn(): Promise<number> {
    const integrations = this.#options.integrations.ofPlatform(this.#lease.key);
    const ids = new Set(integrations.map(({ id }) => id));
    this.pool.keep(ids);
    for (const id of this.#ways.keys()) if (!ids.has(id)) this.#ways.delete(id);
    this.#brakes.keep(ids);
    const active = integrations.filter((integration) => this.#prepare(integration));
    await this.#sweep(active);
    if (active.length > 0) await this.#claim(active);
    const rests = (one: Integration): boolean => !one.enabled || one.paused || one.stopped;
    const isCalm = integrations.every((one) => rests(one) || (one.state === 'live' && active.includes(one)));
    return isCalm && this.#inFlight.size === 0 ? this.#idleMs(active) : this.#options.settings.pollMs;
  }

  async #idleMs(active: readonly Integration[]): Promise<number> {
    const { db, settings } = this.#options;
    const longest = settings.pollMs * idleFactor;
    if (active.length === 0) return longest;
    const dueMs = await readDueMs(db, { integrations: active.map(({ id }) => id), lanes: claimable });
    return Math.max(settings.pollMs, Math.min(longest, dueMs ?? longest));
  }

  /** True when work of the integration may be claimed now. */
  #prepare(integration: Integration): boolean {
    if (!integration.enabled || integration.catchingUp) return false;
    const way = this.pool.ready(integration);
    if (!way) return false;
    this.#ways.set(integration.id, way);
    this.#steps.advance(integration, way);
    if (integration.paused || integration.stopped) return false;
    return integration.state === 'first_sync' || integration.state === 'live';
  }

  async #claim(active: readonly Integration[]): Promise<void> {
    const { db, settings, clock } = this.#options;
    const { objectsInFlight, leaseMs, callTimeoutMs } = settings;
    const room = objectsInFlight - this.#inFlight.size;
    const express = Math.ceil(objectsInFlight / 4) + Math.min(0, room);
    if (room + express <= 0) return;
    // What an owner before us may still have under way is left alone until its lease and its call have run out.
    const others = clock() < this.#lease.tookOverAt + leaseMs + callTimeoutMs;
    this.#inFlight.beginReading();
    const ripe = await readRipe(db, {
      integrations: active.map(({ id }) => id),
      lanes: claimable,
      perKind: objectsInFlight + this.#inFlight.size,
      sinceToken: others ? this.#lease.token : 0,
    });
    const byId = new Map(active.map((integration) => [integration.id, integration]));
    const chosen = chooseTurn({
      ripe,
      isInFlight: this.#inFlight.mayBeStale,
      inFlight: this.#inFlight.count,
      isFirstSync: (id) => byId.get(id)?.state === 'first_sync',
      room: Math.max(0, room),
      express: Math.max(0, express),
    });
    for (const claimed of chosen) this.#start(byId.get(claimed.integrationId)!, claimed);
  }

  #start(integration: Integration, claimed: Claimed): void {
    this.#inFlight.add(claimed);
    const work = this.#work(integration, claimed)
      .catch((error: unknown) =>
        this.#options.log.warn({ ...errorFacts(error), integration: integration.id }, 'claim not ended'),
      )
      .finally(() => {
        this.#inFlight.delete(claimed);
        this.#running.delete(work);
        // Units and roles go one at a time; of people a good part is claimed at once.
        if (claimed.kind !== 'person' || this.#inFlight.size <= this.#options.settings.objectsInFlight / 2)
          this.bell.ring();
      });
    this.#running.add(work);
  }

  async #work(integration: Integration, claimed: Claimed): Promise<void> {
    const { metrics, now } = this.#options;
    const end = await runObject(this.#contextOf(integration), claimed);
    metrics.outcome(end.to);
    if (end.to === 'drop') return;
    const { generation: plannedUnder } = integration;
    await this.#records.endWork({ key: claimed, generation: claimed.generation, plannedUnder, verdict: end });
    if (end.to === 'settle') {
      metrics.inStep({ lane: laneName(claimed.lane), ageMs: now().getTime() - claimed.committedAtMs });
    }
  }

  #contextOf(integration: Integration): ObjectContext {
    const { db, log, settings, metrics, integrations } = this.#options;
    return {
      db,
      log,
      platform: this.#lease.key,
      integration,
      session: this.#ways.get(integration.id)!.session,
      gate: this.#gate,
      patience: settings.patience,
      brake: this.#brakes.of(integration),
      catalogue: this.#catalogueOf(integration.id),
      plan: this.#plan,
      openAttempt: this.#records.openAttempt,
      record: this.#records.record,
      listing: integration.state === 'first_sync' ? this.#listing : null,
      turns: this.#turns,
      exclusively: (key, work) => this.#exclusively(key, work),
      refused: () => integrations.refresh(),
      acted: metrics.outcome,
    };
  }

  #catalogueOf(id: string): ObjectContext['catalogue'] {
    const keep = (way: Way | undefined): void => {
      if (way && this.#ways.has(id)) this.#ways.set(id, way);
    };
    return {
      now: () => this.#ways.get(id)!.catalogue,
      learnJobProfile: (name, profileId) => keep(this.pool.learnJobProfile(id, name, profileId)),
      refresh: async () => keep(await this.pool.refresh(id)),
    };
  }

  async #exclusively(key: WorkKey, work: () => Promise<void>): Promise<boolean> {
    if (this.#inFlight.has(key)) return false;
    this.#inFlight.add(key);
    try {
      await work();
      return true;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  /** What shadow mode held goes on once it is switched off. */
  async #leaveShadow(active: readonly Integration[]): Promise<void> {
    for (const { id, shadow, generation } of active) {
      if (shadow || this.#lit.get(id) === generation) continue;
      if ((await releaseShadow(this.#options.db, id)) > 0) this.bell.ring();
      this.#lit.set(id, generation);
    }
  }

  async #sweep(active: readonly Integration[]): Promise<void> {
    const { db, settings, clock } = this.#options;
    if (active.length === 0 || clock() - this.#sweptAt < settings.sweepMs) return;
    this.#sweptAt = clock();
    await this.#leaveShadow(active);
    if ((await this.#brakes.review(active)) > 0) this.bell.ring();
    await sweep(
      db,
      active.map(({ id }) => id),
      1_000,
    );
  }
}

/**
 * Without a limit of ours the rate grows by a call a second each second after a refusal: a short storm is forgotten within
 * minutes, and a platform that takes five calls a second refuses one in a dozen.
 */
function createBucket({ callsPerMinute }: WorkerSettings): TokenBucket {
  const perS = callsPerMinute / 60;
  const growth = Number.isFinite(perS) ? {} : { growthPerS: 1 };
  return new TokenBucket({ ratePerS: perS, minPerS: Math.min(1, perS), maxPerS: perS, burst: 5, ...growth });
}
