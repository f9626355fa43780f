import { partitionOf, recordsOf, topics } from '@orgstream/core';
import { createDatabase } from '@orgstream/database';
import {
  createCodec,
  createKafka,
  registerConsumerGauges,
  setAside,
  type Batch,
  type Kafka,
  type OutRecord,
  type Producer,
  brokersOf,
  registryOf,
} from '@orgstream/kafka';
import type { Logger, Service, ServiceContext } from '@orgstream/runtime';
import type { Config } from './config.ts';
import { createMetrics } from './metrics.ts';
import { normalizeBatch, type OutFact } from './normalize.ts';
import { Redo } from './redo.ts';
import { Rounds } from './rounds.ts';

/** A handler that made no progress for this long is stuck. */
const STUCK_MS = 120_000;

/** Reads `ziik.changes`, writes `directory.changes`: at least once, in order per tenant. */
export async function createService(context: ServiceContext<Config>): Promise<Service> {
  const { config, log, signal, registry } = context;
  await using resources = new AsyncDisposableStack();
  const metrics = createMetrics(registry);
  const kafka = createKafka({
    ...brokersOf(config),
    clientId: 'orgstream-normalizer',
    log,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
  });
  const codec = createCodec(registryOf(config));
  await codec.prepare(topics.directoryChanges, recordsOf[topics.directoryChanges]);
  const producer = resources.use(await kafka.createProducer());
  const partitions = await producer.partitions(topics.directoryChanges);
  const consumer = resources.use(
    await Rounds.open({
      kafka,
      groupId: config.NORMALIZER_GROUP,
      topic: topics.ziikChanges,
      maxBatchRecords: config.NORMALIZER_MAX_BATCH,
      redo: openRedo(config, { kafka, log, resources }),
      onBatch: async (batch: Batch) => {
        const normalized = await normalizeBatch(codec, batch);
        await Promise.all([
          write(producer, partitions, normalized.facts),
          setAside(producer, batch, normalized.unreadable),
        ]);
        metrics.normalized({
          facts: normalized.facts.length,
          rejected: normalized.rejected,
          unreadable: normalized.unreadable.length,
        });
        if (normalized.rejected + normalized.unreadable.length > 0) {
          log.warn(
            {
              topic: batch.topic,
              partition: batch.partition,
              rejected: normalized.rejected,
              unreadable: normalized.unreadable.length,
            },
            'records rejected',
          );
        }
      },
    }),
  );
  registerConsumerGauges(registry, config.NORMALIZER_GROUP, () => consumer.progress());
  const owned = resources.move();
  return {
    health: { live: () => Date.now() - consumer.lastActivityMs < STUCK_MS, ready: () => consumer.ready },
    run: () => consumer.run(signal),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Commands need a database; the pipeline does not. */
function openRedo(
  { DATABASE_URL }: Config,
  { kafka, log, resources }: { readonly kafka: Kafka; readonly log: Logger; readonly resources: AsyncDisposableStack },
): Redo | undefined {
  if (DATABASE_URL === undefined) return undefined;
  const db = createDatabase(DATABASE_URL, { max: 2, name: 'normalizer' });
  resources.defer(() => db.destroy());
  return new Redo({ db, kafka, topic: topics.ziikChanges, log });
}

/** One append per partition; a tenant is in one partition, so its facts keep their order. */
async function write(producer: Producer, partitions: number, facts: readonly OutFact[]): Promise<void> {
  const byTenant = new Map<string, number>();
  const byPartition = new Map<number, OutRecord[]>();
  for (const { tenant, record } of facts) {
    let partition = byTenant.get(tenant);
    if (partition === undefined) byTenant.set(tenant, (partition = partitionOf(tenant, partitions)));
    const records = byPartition.get(partition);
    if (records) records.push(record);
    else byPartition.set(partition, [record]);
  }
  const appends = [...byPartition].map(([partition, records]) =>
    producer.writer(topics.directoryChanges, partition).append(records),
  );
  await Promise.all(appends);
}
