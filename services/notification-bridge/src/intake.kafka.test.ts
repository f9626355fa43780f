import { AppError, notificationKey, partitionOf, recordsOf, topics, type learningbank } from '@orgstream/core';
import { createCodec, createKafka, registerSchemas, type Codec, type Kafka } from '@orgstream/kafka';
import { createLogger } from '@orgstream/runtime';
import { uniqueGroup, uniqueTopic, until, useStack } from '@orgstream/testkit';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createIntake } from './intake.ts';
import { LedgerContext, notification } from './ledger/intake-fixture.ts';
import { createMetrics } from './metrics.ts';

const log = createLogger({ service: 'test', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
const deadline = { deadlineMs: 60_000 };

/** Topics of their own, the real codec, and a ledger. */
class IntakeContext implements AsyncDisposable {
  readonly ledger: LedgerContext;
  readonly kafka: Kafka;
  readonly codec: Codec;
  readonly registry = new Registry();
  readonly topic = uniqueTopic('notifications');
  readonly unreadableTopic = uniqueTopic('unreadable');
  readonly #metrics = createMetrics(this.registry);

  private constructor(ledger: LedgerContext, kafka: Kafka, codec: Codec) {
    this.ledger = ledger;
    this.kafka = kafka;
    this.codec = codec;
  }

  static async open(): Promise<IntakeContext> {
    const { kafkaBrokers, registryUrl } = useStack();
    const kafka = createKafka({ brokers: kafkaBrokers.split(','), clientId: 'test', log, sessionTimeoutMs: 6_000 });
    await registerSchemas({ registryUrl });
    const codec = createCodec({ registryUrl });
    const topic = topics.learningbankNotifications;
    await codec.prepare(topic, recordsOf[topic]);
    const context = new IntakeContext(await LedgerContext.open(), kafka, codec);
    await using admin = await kafka.createAdmin();
    const common = { replicationFactor: 1, config: { 'cleanup.policy': 'delete' } };
    await admin.applyTopics([
      { topic: context.topic, partitions: 3, ...common },
      { topic: context.unreadableTopic, partitions: 1, ...common },
    ]);
    return context;
  }

  async produce(...values: readonly (learningbank.Notification | Buffer | null)[]): Promise<void> {
    await using producer = await this.kafka.createProducer();
    for (const value of values) {
      const tenant = value === null || Buffer.isBuffer(value) ? 'eu1.42' : value.tenant;
      const bytes =
        value === null || Buffer.isBuffer(value)
          ? value
          : this.codec.encode(topics.learningbankNotifications, 'learningbank.Notification', value);
      await producer
        .writer(this.topic, partitionOf(tenant, 3))
        .append([{ key: notificationKey(tenant, '12'), value: bytes }]);
    }
  }

  /** An intake runs while `work` does; its own failure fails `work`. */
  async running<T>(work: () => Promise<T>, { groupId = uniqueGroup(), codec = this.codec } = {}): Promise<T> {
    const { topic, unreadableTopic, kafka } = this;
    const { db } = this.ledger;
    const options = { db, kafka, codec, log, metrics: this.#metrics, topic, unreadableTopic, maxBatchRecords: 100 };
    await using intake = await createIntake({ ...options, groupId });
    const stop = new AbortController();
    const run = intake.run(stop.signal);
    try {
      return await Promise.race([work(), run.then(() => Promise.reject(new Error('the intake ended')))]);
    } finally {
      stop.abort();
      await run.catch(() => undefined);
    }
  }

  async counted(outcome: string): Promise<number> {
    const { values } = await this.registry.getSingleMetric('orgstream_bridge_ingested_total')!.get();
    return values.filter(({ labels }) => labels['outcome'] === outcome).reduce((sum, { value }) => sum + value, 0);
  }

  async reaches(outcome: string, count: number): Promise<void> {
    const what = `${count} notifications ${outcome}`;
    await until(async () => (await this.counted(outcome)) >= count, { ...deadline, what });
  }

  async ids(): Promise<readonly unknown[]> {
    return (await this.ledger.ledger()).map((row) => row['notification_id']);
  }

  /** What was set aside. */
  async aside(): Promise<readonly (Record<string, string> & { readonly bytes: string })[]> {
    const read: (Record<string, string> & { readonly bytes: string })[] = [];
    await this.kafka.read({
      topic: this.unreadableTopic,
      from: 'beginning',
      maxBatchRecords: 100,
      onBatch: async ({ records }) => {
        for (const { value, headers } of records) {
          const texts = Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()]));
          read.push({ ...texts, bytes: value?.toString('latin1') ?? '' });
        }
      },
      signal: AbortSignal.timeout(deadline.deadlineMs),
    });
    return read;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.ledger[Symbol.asyncDispose]();
  }
}

test('the topic enters the ledger; read again from its beginning it enters nothing', async () => {
  await using t = await IntakeContext.open();
  const integration = await t.ledger.integrate();
  const other = await t.ledger.integrate('eu1.43');
  await t.produce(
    notification(integration, { id: '1' }),
    notification(integration, { id: '2' }),
    notification(integration, { id: '1' }),
    notification(other, { id: '3', tenant: 'eu1.43' }),
  );
  await t.running(() => t.reaches('queued', 3));
  const before = await t.ledger.ledger();
  expect(before.map((row) => row['notification_id'])).toEqual(['1', '2', '3']);
  expect(await t.counted('known')).toBe(1);
  // Another group begins where the topic does.
  await t.running(() => t.reaches('known', 5));
  expect(await t.ledger.ledger()).toEqual(before);
  expect(await t.counted('queued')).toBe(3);
});

test('poison stops no partition: it is set aside with where it was and why, and the rest goes on', async () => {
  await using t = await IntakeContext.open();
  const integration = await t.ledger.integrate();
  const nul = notification(integration, { id: '2', fields: { moduleName: 'a\0b' } });
  const beyondTime = notification(integration, { id: '3', occurredAtMs: -(2 ** 52) });
  await t.produce(
    notification(integration, { id: '1' }),
    Buffer.from('no avro at all'),
    Buffer.from([0, 0, 0, 0, 1]),
    nul,
    null,
    beyondTime,
    notification(integration, { id: '4' }),
  );
  await t.running(() => t.reaches('queued', 2));
  expect(await t.ids()).toEqual(['1', '4']);
  await t.reaches('unreadable', 4);
  const aside = await t.aside();
  const codes = aside.map((one) => one['orgstream-code'] ?? '').sort();
  expect(codes).toEqual(['RECORD_INVALID', 'RECORD_INVALID', 'RECORD_UNREADABLE', 'RECORD_UNREADABLE']);
  expect(aside[0]).toMatchObject({ bytes: 'no avro at all' });
  expect(aside[0]?.['orgstream-origin']).toMatch(new RegExp(`^${t.topic}/\\d/1$`, 'u'));
  expect(aside.map((one) => one['orgstream-cause']).join()).not.toMatch(/a.b|ada/);
});

test('a schema that the registry does not know yet is waited for; then nothing is missing', async () => {
  await using t = await IntakeContext.open();
  const integration = await t.ledger.integrate();
  await t.produce(notification(integration, { id: '1' }), notification(integration, { id: '2' }));
  let refusals = 0;
  const codec: Codec = {
    ...t.codec,
    prepare: (...args) => t.codec.prepare(...args),
    encode: (...args) => t.codec.encode(...args),
    decode: (bytes) => {
      if (refusals < 3) {
        refusals += 1;
        throw new AppError('SCHEMA_UNKNOWN', 'a test');
      }
      return t.codec.decode(bytes);
    },
  };
  await t.running(() => t.reaches('queued', 2), { codec });
  expect(refusals).toBe(3);
  expect(await t.ids()).toEqual(['1', '2']);
});

test('a Postgres that is away is waited for: the offset stays', async () => {
  await using t = await IntakeContext.open();
  const integration = await t.ledger.integrate();
  const groupId = uniqueGroup();
  // Renamed, so that every statement fails as if the schema were not there yet; then back.
  await t.ledger.db.raw(`alter table bridge.notification rename to away`);
  await t.produce(notification(integration, { id: '1' }));
  await expect(t.running(() => t.reaches('queued', 1), { groupId })).rejects.toMatchObject({
    code: 'DATABASE_NOT_MIGRATED',
  });
  await t.ledger.db.raw(`alter table bridge.away rename to notification`);
  await t.running(() => t.reaches('queued', 1), { groupId });
  expect(await t.ids()).toEqual(['1']);
});
