import { TokenBucket } from '@orgstream/clients';
import type { Lease } from '@orgstream/database';
import { BrakeYard } from '../brake/brake-yard.ts';
import { createObjectHandlers } from '../operate/handlers.ts';
import { SessionPool, type Way } from '../platform/session-pool.ts';
import { Conductor } from '../runs/conductor.ts';
import { planners } from '../runs/kinds.ts';
import type { InFlight } from './claim.ts';
import { IntegrationSteps } from './integration-steps.ts';
import { createListingLookUp } from './listing-look-up.ts';
import type { ObjectContext } from './object-context.ts';
import { assessMany, createPlanner } from './planner.ts';
import { createPlatformRecords, type PlatformRecords } from './platform-records.ts';
import { policyOf } from './policy.ts';
import type { WorkerOptions, WorkerSettings } from './worker-options.ts';

/** What the parts of one platform's worker share. */
export interface PartsContext {
  readonly options: WorkerOptions;
  readonly lease: Lease;
  readonly stop: AbortSignal;
  /** Something may be ripe. */
  readonly ring: () => void;
  /** The way to the platform of each integration that has one. */
  readonly ways: ReadonlyMap<string, Way>;
  readonly inFlight: InFlight;
}

/** What works on one platform, beside the loop that claims. */
export interface WorkerParts {
  readonly pool: SessionPool;
  readonly records: PlatformRecords;
  readonly steps: IntegrationSteps;
  readonly plan: ObjectContext['plan'];
  readonly listing: NonNullable<ObjectContext['listing']>;
  readonly conductor: Conductor;
  readonly brakes: BrakeYard;
}

export function createWorkerParts(context: PartsContext): WorkerParts {
  const { options, lease, ring, ways } = context;
  const { db, now } = options;
  const records = createPlatformRecords({ db, lease, onWoken: ring });
  return {
    pool: createPool(context),
    records,
    steps: createSteps(context),
    plan: createPlanner({ db, nowMs: () => now().getTime(), wayOf: (id) => ways.get(id), maxBatch: 200 }),
    listing: createListingLookUp(db, lease.key),
    conductor: createConductor(context),
    brakes: createBrakes(context, records),
  };
}

function createPool({ options, lease, stop, ring }: PartsContext): SessionPool {
  const { db, secrets, log, settings, metrics, clock } = options;
  return new SessionPool({
    db,
    secrets,
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
}

function createSteps({ options, lease, stop, inFlight }: PartsContext): IntegrationSteps {
  const { db, log, now, integrations } = options;
  const isOwner = (): boolean => lease.held && !stop.aborted;
  return new IntegrationSteps({
    db,
    log,
    platform: lease.key,
    now,
    isOwner,
    isCurrent: ({ id, generation }) =>
      isOwner() && integrations.all.some((one) => one.id === id && one.enabled && one.generation === generation),
    isWorking: (id) => (['unit', 'role', 'person'] as const).some((kind) => inFlight.count(id, kind) > 0),
    onMoved: () => integrations.refresh(),
  });
}

function createConductor({ options, lease, stop, ways, inFlight }: PartsContext): Conductor {
  const { db, log, now, settings, integrations } = options;
  return new Conductor({
    db,
    log,
    lease,
    stop,
    now,
    pollMs: settings.pollMs,
    integrations: () => integrations.ofPlatform(lease.key),
    refresh: () => integrations.refresh(),
    wayOf: (id) => ways.get(id),
    planners,
    handlers: createObjectHandlers(inFlight.exclusively),
  });
}

function createBrakes({ options, lease, ways, inFlight }: PartsContext, records: PlatformRecords): BrakeYard {
  const { db, clock, log, now, onBraked } = options;
  return new BrakeYard({
    db,
    fence: { platform: lease.key, token: lease.token },
    clock,
    log,
    assess: (integration, kind, ids) => {
      const policy = policyOf(integration, ways.get(integration.id)!, now().getTime());
      return assessMany(db, integration, { kind, ids, policy });
    },
    isInFlight: inFlight.has,
    hold: (key, held, generation) => records.endWork({ key, generation, verdict: held }),
    onTripped: onBraked,
  });
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
