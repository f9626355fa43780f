import { defaultSettings, partitionOf, recordsOf, topics } from '@orgstream/core';
import { createDatabase, createIntegration, migrate } from '@orgstream/database';
import { applyTopics, createCodec, createKafka, registerSchemas, type Decoded } from '@orgstream/kafka';
import { createSecretBox } from '@orgstream/runtime';
import { startSimulator } from '@orgstream/simulator-learningbank';
import { freshDatabase, startService, until, useStack } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { fact, marker } from './ingest/fixture.ts';
import { SimPlatform } from './reconcile/fixture.ts';

const secretKey = `t:${'1'.repeat(64)}`;

test('the service as a process: facts of Kafka become users of Learningbank, SIGTERM ends it cleanly', async () => {
  const stack = useStack();
  await using database = await freshDatabase('service');
  await using simulator = await startSimulator();
  await using db = Object.assign(createDatabase(database.url), {
    async [Symbol.asyncDispose]() {
      await db.destroy();
    },
  });
  await migrate(db);
  const kafka = createKafka({ brokers: stack.kafkaBrokers.split(','), clientId: 'test' });
  await applyTopics(kafka, { partitions: 12, replicationFactor: 1 });
  await registerSchemas({ registryUrl: stack.registryUrl });
  const site = 1_000_000 + Math.floor(Math.random() * 1_000_000_000);
  const tenant = `svc.${site}`;
  const response = await fetch(`${simulator.url}/_sim/platforms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rateLimitPerMinute: 0 }),
  });
  const platform = new SimPlatform(simulator.url, (await response.json()) as SimPlatform['facts']);
  await createIntegration(db, {
    tenant,
    name: 'Academy',
    product: 'sync',
    platformUrl: platform.facts.url,
    credentials: createSecretBox(secretKey).seal(JSON.stringify(platform.facts.credentials)),
    settings: defaultSettings,
  });
  await using service = await startService({
    name: 'learningbank-sink',
    env: {
      DATABASE_URL: database.url,
      KAFKA_BROKERS: stack.kafkaBrokers,
      REGISTRY_URL: stack.registryUrl,
      ORGSTREAM_SECRET_KEY: secretKey,
      INGEST_GROUP: `sink-${site}`,
      LEASE_MS: '2000',
    },
  });
  const snapshot = { tenant, snapshotId: 's1', chunk: 1 };
  const said: readonly Decoded[] = [
    marker('start', { tenant, lsn: 10, snapshotId: 's1' }),
    fact('unit', { ...snapshot, lsn: 10, id: '1', parentId: null, name: 'Acme' }),
    fact('person', { ...snapshot, chunk: 2, lsn: 10, id: '5', email: `ada@${tenant}.example` }),
    fact('membership', { ...snapshot, chunk: 3, lsn: 10, id: '9', personId: '5', unitId: '1' }),
    marker('end', {
      tenant,
      lsn: 10,
      snapshotId: 's1',
      chunks: ['unit', 'person', 'membership'].map((kind, at) => ({ no: at + 1, table: kind, kind, rows: 1 })) as never,
    }),
  ];
  const codec = createCodec({ registryUrl: stack.registryUrl });
  await codec.prepare(topics.directoryChanges, recordsOf[topics.directoryChanges]);
  await using producer = await kafka.createProducer();
  const partition = partitionOf(tenant, await producer.partitions(topics.directoryChanges));
  const records = said.map(({ name, value }, at) => ({
    key: `${tenant}/test/${at}`,
    value: codec.encode(topics.directoryChanges, name, value),
  }));
  await producer.writer(topics.directoryChanges, partition).append(records);
  await until(async () => (await platform.state()).users.length > 0, {
    deadlineMs: 30_000,
    what: () => `the user; the service says ${service.output().slice(-2_000)}`,
  });
  const { users } = await platform.state();
  expect(users.map(({ email }) => email)).toEqual([`ada@${tenant}.example`]);
  const metrics = await service.metrics();
  expect(metrics).toContain('orgstream_sink_calls_total{route="users.create",status_class="2xx"} 1');
  expect(metrics).toContain('orgstream_sink_outcomes_total{outcome="settle"}');
  expect(service.output()).not.toContain('ada@');
  const exit = await service.stop();
  expect(exit).toEqual({ code: 0, signal: null });
});

test('a missing setting refuses to start and is named', async () => {
  const service = await startService({ name: 'learningbank-sink', env: { DATABASE_URL: 'mysql://x' }, readyMs: false });
  expect(await service.exited).toEqual({ code: 2, signal: null });
  const output = service.output();
  for (const name of ['DATABASE_URL', 'KAFKA_BROKERS', 'REGISTRY_URL', 'ORGSTREAM_SECRET_KEY'])
    expect(output).toContain(name);
});
