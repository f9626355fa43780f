import { errorFacts, type Lease } from '@orgstream/database';
import { Bell } from '@orgstream/runtime';
import { lanes } from '../model.ts';
import type { SessionPool, Way } from '../platform/session-pool.ts';
import type { Conductor } from '../runs/conductor.ts';
import { chooseTurn, InFlight } from './claim.ts';
import { Gate } from './gate.ts';
import type { Integration } from './integration-store.ts';
import { type Claimed, laneName } from './keys.ts';
import type { ObjectContext } from './object-context.ts';
import { runObject } from './object-run.ts';
import { Turns } from './turns.ts';
import { Upkeep } from './upkeep.ts';
import { readDueMs, readRipe } from './work-store.ts';
import type { WorkerOptions } from './worker-options.ts';
import { createWorkerParts, type WorkerParts } from './worker-parts.ts';

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
  readonly #options: WorkerOptions;
  readonly #lease: Lease;
  readonly #stop: AbortSignal;
  readonly #inFlight = new InFlight();
  readonly #running = new Set<Promise<void>>();
  readonly #gate: Gate;
  readonly #turns = new Turns();
  readonly #ways = new Map<string, Way>();
  readonly #parts: WorkerParts;
  readonly #upkeep: Upkeep;

  constructor(options: WorkerOptions, lease: Lease, stop: AbortSignal) {
    this.#options = options;
    this.#lease = lease;
    this.#stop = stop;
    this.#gate = new Gate(options.settings.concurrency);
    const ring = (): void => this.bell.ring();
    this.#parts = createWorkerParts({ options, lease, stop, ring, ways: this.#ways, inFlight: this.#inFlight });
    this.#upkeep = new Upkeep({ ...options, sweepMs: options.settings.sweepMs, brakes: this.#parts.brakes });
  }

  /** Its id. */
  get platform(): string {
    return this.#lease.key;
  }

  get pool(): SessionPool {
    return this.#parts.pool;
  }

  get conductor(): Conductor {
    return this.#parts.conductor;
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
    this.#parts.brakes.keep(ids);
    const active = integrations.filter((integration) => this.#prepare(integration));
    if (await this.#upkeep.run(active)) this.bell.ring();
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
    this.#parts.steps.advance(integration, way);
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
    await this.#parts.records.endWork({ key: claimed, generation: claimed.generation, plannedUnder, verdict: end });
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
      brake: this.#parts.brakes.of(integration),
      catalogue: this.#catalogueOf(integration.id),
      plan: this.#parts.plan,
      openAttempt: this.#parts.records.openAttempt,
      record: this.#parts.records.record,
      listing: integration.state === 'first_sync' ? this.#parts.listing : null,
      turns: this.#turns,
      exclusively: this.#inFlight.exclusively,
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
}
