import { recordsOf, topics } from '@orgstream/core';
import { checkDatabase, createDatabase, openSecret } from '@orgstream/database';
import { createCodec, createKafka, brokersOf, registryOf } from '@orgstream/kafka';
import { createSecretBox, sleep, type Service, type ServiceContext } from '@orgstream/runtime';
import { Commands } from './commands.ts';
import type { Config } from './config.ts';
import { createMetrics } from './metrics.ts';
import { Supervisor } from './supervisor.ts';

/** A main loop that did not turn for this long is stuck. */
const STUCK_MS = 120_000;

/** Streams every source of `cdc.source` into `ziik.changes`, and snapshots tenants on command. */
export async function createService(context: ServiceContext<Config>): Promise<Service> {
  const { config, log, signal, registry } = context;
  await using resources = new AsyncDisposableStack();
  const db = createDatabase(config.DATABASE_URL, { name: 'orgstream ziik-cdc' });
  resources.defer(() => db.destroy());
  await checkDatabase(db);
  const box = createSecretBox(config.ORGSTREAM_SECRET_KEY);
  const openUrl = (secretId: string): Promise<string> => openSecret(db, box, secretId);
  const kafka = createKafka({ ...brokersOf(config), clientId: 'orgstream-ziik-cdc', log });
  const codec = createCodec(registryOf(config));
  await codec.prepare(topics.ziikChanges, recordsOf[topics.ziikChanges]);
  const producer = resources.use(await kafka.createProducer());
  let turnedAt = performance.now();
  let synced = false;
  const supervisor = new Supervisor({
    db,
    producer,
    partitions: await producer.partitions(topics.ziikChanges),
    codec,
    metrics: createMetrics(registry),
    log,
    openUrl,
    settings: {
      chunkRows: config.CDC_CHUNK_ROWS,
      maxInFlightBytes: config.CDC_MAX_IN_FLIGHT_BYTES,
      heartbeatMs: config.CDC_HEARTBEAT_MS,
      checkMs: config.CDC_CHECK_MS,
      flushMs: config.CDC_FLUSH_MS,
      recheckMs: config.CDC_RECHECK_MS,
    },
  });
  resources.defer(() => supervisor.stopAll());
  const commands = new Commands({ db, supervisor, openUrl, log });
  const turn = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await supervisor.sync();
        await commands.poll();
        synced = true;
      } catch (error) {
        // Our database is away: streams go on, their slots are told later.
        log.warn({ err: error }, 'looking for sources and commands');
      }
      turnedAt = performance.now();
      await sleep(config.CDC_POLL_MS, signal);
    }
  };
  const owned = resources.move();
  return {
    health: {
      live: () => performance.now() - turnedAt < STUCK_MS,
      ready: () => synced && supervisor.settled,
    },
    run: () => Promise.race([turn(), supervisor.failed]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
