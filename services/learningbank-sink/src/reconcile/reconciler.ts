import { randomUUID } from 'node:crypto';
import { errorFacts, type Knex, LeaseOwner, listen } from '@orgstream/database';
import { type Logger, type SecretBox, sleep } from '@orgstream/runtime';
import type { SinkMetrics } from '../metrics.ts';
import { createPersonSync } from '../operate/person-sync.ts';
import { answerOrphans } from '../runs/orphans.ts';
import { platformLeases } from '../platform/lease-store.ts';
import { createLinkCount, readGauges } from './gauges.ts';
import { Integrations } from './integrations.ts';
import { Newcomers } from './newcomers.ts';
import { PlatformWorker } from './platform-worker.ts';
import type { WorkerSettings } from './worker-options.ts';

export interface ReconcilerOptions {
  readonly db: Knex;
  /** For the connection that listens. */
  readonly databaseUrl: string;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly metrics: SinkMetrics;
  readonly settings: WorkerSettings;
  /** Unique per process; default: a new one. */
  readonly replica?: string;
  readonly clock?: () => number;
  readonly now?: () => Date;
}

/** Postgres → Learningbank. */
export interface Reconciler {
  /** Runs until the signal aborts; resolves after what is in flight has been finished and the platforms given back. */
  run(signal: AbortSignal): Promise<void>;
  /** Platforms owned now. */
  readonly platforms: readonly string[];
  readonly ready: boolean;
  /** Monotonic milliseconds since the loop last went round, for /livez. */
  readonly idleMs: number;
}

const workChannel = 'orgstream_work';
const integrationChannel = 'orgstream_integration';
const commandChannel = 'orgstream_command_learningbank_sink';
const gaugesMs = 5_000;

/** Wires leases, integrations and the workers of owned platforms. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { db, log, metrics, settings } = options;
  const clock = options.clock ?? (() => performance.now());
  const now = options.now ?? (() => new Date());
  const workers = new Set<PlatformWorker>();
  const countLinks = createLinkCount(db, clock);
  const ringAll = (): void => workers.forEach((worker) => worker.bell.ring());
  const ringConductors = (): void => workers.forEach(({ conductor }) => conductor.ring());
  const gauge = async (): Promise<void> => metrics.gauges(await readGauges(db, countLinks));
  // At once: people who left and are held is news that cannot wait for the next look.
  const onBraked = (): void => void gauge().catch((error: unknown) => log.debug(errorFacts(error), 'gauges not read'));
  const integrations = new Integrations({
    db,
    log,
    pollMs: 1_000,
    onChange: () => {
      newcomers.look();
      ringAll();
      ringConductors();
    },
  });
  const owner = new LeaseOwner({
    store: platformLeases(db),
    what: 'platform',
    replica: options.replica ?? randomUUID(),
    leaseMs: settings.leaseMs,
    clock,
    log,
    work: async (lease, stop) => {
      const worker = new PlatformWorker({ ...options, integrations, clock, now, onBraked }, lease, stop);
      workers.add(worker);
      try {
        await worker.run();
      } finally {
        workers.delete(worker);
      }
    },
  });
  const personSync = createPersonSync({ db, log });
  const newcomers = new Newcomers({
    db,
    secrets: options.secrets,
    log,
    integrations,
    callTimeoutMs: settings.callTimeoutMs,
    onCall: metrics.callFinished,
    onMoved: () => void owner.turn().catch(() => {}),
  });
  const onNotify = (channel: string, payload: string): void => {
    if (channel === commandChannel) {
      personSync.ring();
      return ringConductors();
    }
    if (channel !== workChannel) return void integrations.refresh().catch(() => {});
    if (payload === '') return ringAll();
    // Only who is meant looks: a change of one tenant must not cost a query for each of hundreds of platforms.
    const ids = new Set(payload.split(','));
    const platforms = new Set(integrations.all.filter(({ id }) => ids.has(id)).map(({ platform }) => platform));
    for (const worker of workers) if (platforms.has(worker.platform)) worker.bell.ring();
  };
  return {
    get platforms() {
      return owner.keys;
    },
    get ready() {
      return integrations.wasRead;
    },
    get idleMs() {
      return clock() - owner.lastTurnAt;
    },
    async run(signal) {
      await Promise.all([
        integrations.run(signal),
        owner.run(signal),
        personSync.run(signal),
        listen({
          url: options.databaseUrl,
          name: 'orgstream-sink-listen',
          channels: [workChannel, integrationChannel, commandChannel],
          onNotify,
          onTrouble: (error) => log.debug(errorFacts(error), 'not listening, polling'),
          signal,
        }),
        every(1_000, signal, () => newcomers.look()),
        every(1_000, signal, async () => void (await answerOrphans(db))),
        every(gaugesMs, signal, async () => {
          const states = [...workers].flatMap(({ pool }) => pool.breakers());
          metrics.breaker({
            open: states.filter((state) => state === 'open').length,
            halfOpen: states.filter((state) => state === 'half_open').length,
          });
          await gauge();
        }),
      ]);
    },
  };

  async function every(ms: number, signal: AbortSignal, work: () => void | Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.debug(errorFacts(error), 'periodic look failed');
      }
      await sleep(ms, signal);
    }
  }
}
