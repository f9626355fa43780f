import { checkDatabase, createDatabase } from '@orgstream/database';
import { createCodec, createKafka, registerConsumerGauges, brokersOf, registryOf } from '@orgstream/kafka';
import { createSecretBox, runTogether, type Service, type ServiceContext } from '@orgstream/runtime';
import type { Config } from './config.ts';
import { createIngest } from './ingest/consumer.ts';
import { createIngestMetrics } from './ingest/metrics.ts';
import { createSinkMetrics } from './metrics.ts';
import { createErase } from './operate/erase.ts';
import { createRetention } from './operate/retention.ts';
import type { WorkerSettings } from './reconcile/worker-options.ts';
import { createReconciler } from './reconcile/reconciler.ts';
import { createReplay } from './replay/replay.ts';

/** A loop that made no progress for this long is stuck. */
const stuckMs = 120_000;

/** Plans of one claim at most: actions, look-ups and what follows from them; far more than any object needs. */
const maxRounds = 24;

/** Ingest (Kafka → Postgres), replay and the reconciler (Postgres → Learningbank) in one process. */
export async function createService(context: ServiceContext<Config>): Promise<Service> {
  const { config, log, signal, registry } = context;
  await using resources = new AsyncDisposableStack();
  const db = createDatabase(config.DATABASE_URL, { max: config.DATABASE_POOL, name: 'learningbank-sink' });
  resources.defer(() => db.destroy());
  await checkDatabase(db);
  const kafka = createKafka({
    ...brokersOf(config),
    clientId: 'orgstream-learningbank-sink',
    log,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
  });
  const codec = createCodec(registryOf(config));
  const ingest = resources.use(
    await createIngest({
      db,
      kafka,
      codec,
      log,
      metrics: createIngestMetrics(registry),
      groupId: config.INGEST_GROUP,
      maxBatchRecords: config.INGEST_MAX_RECORDS,
    }),
  );
  registerConsumerGauges(registry, config.INGEST_GROUP, () => ingest.progress());
  const replay = createReplay({ db, kafka, codec, log, maxBatchRecords: config.INGEST_MAX_RECORDS });
  const erase = createErase({ db, kafka, log, now: () => new Date() });
  const retention = createRetention({ db, log, attemptDays: config.ATTEMPT_RETENTION_DAYS });
  const reconciler = createReconciler({
    db,
    databaseUrl: config.DATABASE_URL,
    secrets: createSecretBox(config.ORGSTREAM_SECRET_KEY),
    log,
    metrics: createSinkMetrics(registry),
    settings: workerSettings(config),
  });
  const owned = resources.move();
  return {
    health: {
      live: () => Date.now() - ingest.lastActivityMs < stuckMs && reconciler.idleMs < stuckMs,
      ready: () => ingest.ready && reconciler.ready,
    },
    run: () =>
      runTogether(signal, [
        (own) => ingest.run(own),
        (own) => replay.run(own),
        (own) => erase.run(own),
        (own) => retention.run(own),
        // Nothing is sent before it is known that log and database belong together.
        (own) => ingest.verified(own).then(() => reconciler.run(own)),
      ]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The reconciler's settings, as the environment gives them. */
function workerSettings(config: Config): WorkerSettings {
  return {
    concurrency: config.PLATFORM_CONCURRENCY,
    objectsInFlight: config.PLATFORM_OBJECTS,
    callsPerMinute: config.PLATFORM_CALLS_PER_MINUTE === 0 ? Infinity : config.PLATFORM_CALLS_PER_MINUTE,
    callTimeoutMs: config.CALL_TIMEOUT_MS,
    leaseMs: config.LEASE_MS,
    pollMs: config.WORK_POLL_MS,
    sweepMs: config.SWEEP_MS,
    catalogueMs: config.CATALOGUE_MS,
    patience: {
      maxRounds,
      maxAttempts: config.MAX_ATTEMPTS,
      retryBaseMs: config.RETRY_BASE_MS,
      retryCapMs: config.RETRY_CAP_MS,
    },
  };
}
