import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { beforeEach, expect, test } from 'vitest';
import { AppError } from '@orgstream/core';
import { uniqueTopic, until, useStack } from '@orgstream/testkit';
import { createKafka } from './kafka.ts';
import type { Kafka, OutRecord, ReadOptions } from './port.ts';

const brokers = useStack().kafkaBrokers.split(',');
let kafka: Kafka;
let topic: string;

beforeEach(() => {
  kafka = createKafka({ brokers, clientId: 'reader-test', sessionTimeoutMs: 6_000 });
  topic = uniqueTopic();
});

async function createTopic(partitions: number, config: Record<string, string> = { 'cleanup.policy': 'delete' }) {
  await using admin = await kafka.createAdmin();
  await admin.applyTopics([{ topic, partitions, replicationFactor: 1, config }]);
}

async function append(partition: number, records: readonly OutRecord[]): Promise<void> {
  await using producer = await kafka.createProducer();
  await producer.writer(topic, partition).append(records);
}

const records = (count: number, timestampMs?: number): OutRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    key: String(i),
    value: Buffer.from('v'),
    ...(timestampMs === undefined ? {} : { timestampMs }),
  }));

/** Reads; returns offsets per partition and what `read` resolved with. */
async function read(options: Partial<ReadOptions> = {}): Promise<{ count: number; offsets: Map<number, number[]> }> {
  const offsets = new Map<number, number[]>();
  const count = await kafka.read({
    topic,
    from: 'beginning',
    maxBatchRecords: 100,
    signal: AbortSignal.timeout(30_000),
    onBatch: (batch) => {
      const known = offsets.get(batch.partition) ?? [];
      offsets.set(batch.partition, [...known, ...batch.records.map(({ offset }) => offset)]);
      return Promise.resolve();
    },
    ...options,
  });
  return { count, offsets };
}

test('reads every partition to the end captured at start, and not what comes in meanwhile', async () => {
  await createTopic(3);
  await append(0, records(250));
  await append(2, records(10));
  let more = true;
  const seen: string[] = [];
  const count = await kafka.read({
    topic,
    from: 'beginning',
    maxBatchRecords: 50,
    signal: AbortSignal.timeout(30_000),
    onBatch: async (batch) => {
      if (more) {
        more = false;
        await append(batch.partition, records(5));
      }
      expect(batch.records.length).toBeLessThanOrEqual(50);
      seen.push(...batch.records.map(({ offset }) => `${batch.partition}/${offset}`));
    },
  });
  expect(count).toBe(260);
  expect(new Set(seen).size).toBe(260);
});

test('an empty topic, an empty partition, no partition: nothing is read', async () => {
  await createTopic(2);
  expect((await read()).count).toBe(0);
  await append(0, records(3));
  expect((await read({ partitions: [1] })).count).toBe(0);
  expect((await read({ partitions: [] })).count).toBe(0);
  expect((await read({ partitions: [0] })).offsets).toEqual(new Map([[0, [0, 1, 2]]]));
});

test('from a time on, and only so many per partition', async () => {
  await createTopic(2);
  await append(0, records(4, 1_000));
  await append(0, records(4, 2_000));
  await append(1, records(4, 1_000));
  expect((await read({ from: { timestampMs: 1_500 } })).offsets).toEqual(new Map([[0, [4, 5, 6, 7]]]));
  expect((await read({ from: { timestampMs: 9_000 } })).count).toBe(0);
  expect((await read({ maxRecordsPerPartition: 2 })).offsets).toEqual(
    new Map([
      [0, [0, 1]],
      [1, [0, 1]],
    ]),
  );
});

test('a log that ends in a control record ends there too', async () => {
  await createTopic(1);
  await append(0, records(2));
  const transactional = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
    transactionalId: randomUUID(),
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await transactional.connect();
  const transaction = await transactional.transaction();
  await transaction.send({ topic, messages: [{ key: 'a', value: 'b' }] });
  await transaction.commit();
  const aborted = await transactional.transaction();
  await aborted.send({ topic, messages: [{ key: 'never', value: 'b' }] });
  await aborted.abort();
  await transactional.disconnect();
  // 2 records, 1 record and its commit marker, 1 aborted record and its marker.
  await using admin = await kafka.createAdmin();
  expect(await admin.offsets(topic)).toMatchObject([{ low: 0, high: 6 }]);
  expect((await read()).offsets).toEqual(new Map([[0, [0, 1, 2]]]));
});

test('a compacted log: what is left is read to the end', async () => {
  await createTopic(1, {
    'cleanup.policy': 'compact',
    'segment.ms': '100',
    'min.cleanable.dirty.ratio': '0.01',
    'max.compaction.lag.ms': '100',
  });
  for (let round = 0; round < 4; round += 1) await append(0, records(500));
  await until(
    async () => {
      await append(0, [{ key: 'last', value: Buffer.from('v') }]); // an append rolls the segment
      const { count } = await read();
      return count < 1_500;
    },
    { deadlineMs: 50_000, intervalMs: 500, what: 'the cleaner' },
  );
  const { offsets } = await read();
  await using admin = await kafka.createAdmin();
  const [{ high } = { high: 0 }] = await admin.offsets(topic);
  expect(offsets.get(0)!.at(-1)).toBe(high - 1);
});

test('a retry error repeats the batch, another one rejects; the group is gone afterwards', async () => {
  await createTopic(1);
  await append(0, records(3));
  let failures = 1;
  const onBatch = () =>
    failures-- > 0 ? Promise.reject(new AppError('SCHEMA_UNKNOWN', 'reading')) : Promise.resolve();
  expect((await read({ onBatch })).count).toBe(3);
  const error = new AppError('TOPIC_REPLACED', 'reading');
  await expect(read({ onBatch: () => Promise.reject(error) })).rejects.toBe(error);
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = await Promise.all(
    (await admin.listGroups()).groups
      .filter(({ groupId }) => groupId.startsWith('orgstream-read-'))
      .map(({ groupId }) => admin.fetchOffsets({ groupId, topics: [topic] })),
  );
  await admin.disconnect();
  expect(topics.flat().filter(({ partitions }) => partitions.some(({ offset }) => Number(offset) >= 0))).toEqual([]);
});

test('aborting ends it early, without an error', async () => {
  await createTopic(1);
  await append(0, records(300));
  const abort = new AbortController();
  const count = await kafka.read({
    topic,
    from: 'beginning',
    maxBatchRecords: 100,
    signal: abort.signal,
    onBatch: () => Promise.resolve(abort.abort()),
  });
  expect(count).toBe(100);
});

test('a missing topic', async () => {
  await expect(read()).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
});
