import { checkDatabase, createDatabase } from '@orgstream/database';
import { createCodec, createKafka, registerConsumerGauges, brokersOf, registryOf } from '@orgstream/kafka';
import { createSecretBox, runTogether, type Service, type ServiceContext } from '@orgstream/runtime';
import type { Config } from './config.ts';
import { createDelivery } from './deliver/delivery.ts';
import type { DeliverySettings } from './deliver/settings.ts';
import { createForget } from './forget.ts';
import { createIntake } from './intake.ts';
import { createMetrics } from './metrics.ts';

/** A loop that made no progress for this long is stuck. */
const stuckMs = 120_000;

/** `learningbank.notifications` → ledger → Ziik chat. */
export async function createService(context: ServiceContext<Config>): Promise<Service> {
  const { config, log, signal, registry } = context;
  await using resources = new AsyncDisposableStack();
  const metrics = createMetrics(registry);
  const db = createDatabase(config.DATABASE_URL, { max: config.DATABASE_POOL, name: 'notification-bridge' });
  resources.defer(() => db.destroy());
  await checkDatabase(db);
  const kafka = createKafka({
    ...brokersOf(config),
    clientId: 'orgstream-notification-bridge',
    log,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
  });
  const codec = createCodec(registryOf(config));
  const intake = resources.use(
    await createIntake({
      db,
      kafka,
      codec,
      log,
      metrics,
      groupId: config.BRIDGE_GROUP,
      maxBatchRecords: config.BRIDGE_MAX_RECORDS,
    }),
  );
  const delivery = createDelivery({
    db,
    databaseUrl: config.DATABASE_URL,
    secrets: createSecretBox(config.ORGSTREAM_SECRET_KEY),
    log,
    metrics,
    settings: deliverySettings(config),
  });
  const forget = createForget({ db, log });
  registerConsumerGauges(registry, config.BRIDGE_GROUP, () => intake.progress());
  const owned = resources.move();
  return {
    health: {
      live: () => Date.now() - intake.lastActivityMs < stuckMs && delivery.idleMs < stuckMs,
      ready: () => intake.ready && delivery.ready,
    },
    run: () => runTogether(signal, [intake.run, delivery.run, forget.run]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function deliverySettings(config: Config): DeliverySettings {
  return {
    callTimeoutMs: config.CALL_TIMEOUT_MS,
    callsPerMinute: config.ZIIK_CALLS_PER_MINUTE === 0 ? Infinity : config.ZIIK_CALLS_PER_MINUTE,
    leaseMs: config.LEASE_MS,
    receivers: config.BRIDGE_RECEIVERS,
    pollMs: config.BRIDGE_POLL_MS,
    retryBaseMs: config.RETRY_BASE_MS,
    retryCapMs: config.RETRY_CAP_MS,
    retentionDays: config.LEDGER_RETENTION_DAYS,
  };
}
