import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '@orgstream/core';
import { uniqueGroup, uniqueTopic, until, useStack } from '@orgstream/testkit';
import { createKafka } from './kafka.ts';
import type { Batch, Consumer, ConsumerOptions, Kafka } from './port.ts';

const brokers = useStack().kafkaBrokers.split(',');
const patience = { deadlineMs: 20_000 };

let kafka: Kafka;
let topic: string;
let groupId: string;
let open: AsyncDisposableStack;

beforeEach(() => {
  kafka = createKafka({ brokers, clientId: 'consumer-test', sessionTimeoutMs: 6_000 });
  [topic, groupId, open] = [uniqueTopic(), uniqueGroup(), new AsyncDisposableStack()];
});
afterEach(() => open.disposeAsync());

async function createTopic(partitions: number, config: Record<string, string> = {}): Promise<void> {
  await using admin = await kafka.createAdmin();
  await admin.applyTopics([
    { topic, partitions, replicationFactor: 1, config: { 'cleanup.policy': 'delete', ...config } },
  ]);
}

/** Appends keys `0` … `count - 1` to each partition. */
async function fill(count: number, partitions: number, from = 0): Promise<void> {
  await using producer = await kafka.createProducer();
  const records = Array.from({ length: count }, (_, i) => ({ key: String(from + i), value: Buffer.from('v') }));
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) => producer.writer(topic, partition).append(records)),
  );
}

interface Running {
  readonly consumer: Consumer;
  readonly ended: Promise<unknown>;
  readonly stop: () => Promise<unknown>;
}

/** Starts a consumer; `ended` resolves with the error of `run`, or undefined. */
async function start(options: Partial<ConsumerOptions> & Pick<ConsumerOptions, 'onBatch'>): Promise<Running> {
  const consumer = await kafka.createConsumer({
    groupId,
    topics: [topic],
    maxBatchRecords: 100,
    maxQueuedRecords: 1_000,
    ...options,
  });
  const abort = new AbortController();
  const ended = consumer.run(abort.signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  const stop = () => {
    abort.abort();
    return ended;
  };
  open.defer(async () => void (await stop()));
  return { consumer, ended, stop };
}

/** Keys as they were handled, per partition. */
class Seen {
  readonly keys = new Map<number, number[]>();
  readonly add = (batch: Batch): Promise<void> => {
    const keys = this.keys.get(batch.partition) ?? [];
    this.keys.set(batch.partition, keys);
    for (const { key } of batch.records) keys.push(Number(key));
    return Promise.resolve();
  };

  get total(): number {
    return [...this.keys.values()].reduce((sum, { length }) => sum + length, 0);
  }
}

async function lag(): Promise<number> {
  await using admin = await kafka.createAdmin();
  return (await admin.groupLag(groupId, topic)).reduce((sum, one) => sum + one.lag, 0);
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('consuming', () => {
  test('every record once, in the order of its partition; committed also when nothing more comes', async () => {
    await createTopic(3);
    await fill(2_000, 3);
    const seen = new Seen();
    const { consumer, stop } = await start({ onBatch: seen.add });
    await until(() => seen.total >= 6_000, { ...patience, what: 'all records' });
    expect([...seen.keys.values()]).toEqual([upTo(2_000), upTo(2_000), upTo(2_000)]);
    await until(async () => (await lag()) === 0, { ...patience, what: 'the commit' });
    expect(consumer.progress()).toHaveLength(3);
    for (const one of consumer.progress()) {
      expect(one).toMatchObject({ nextOffset: 2_000, highWatermark: 2_000, oldestPendingMs: undefined });
    }
    expect(consumer.ready).toBe(true);
    expect(await stop()).toBeUndefined();
  });

  test('a successor goes on where the stopped one ended: nothing twice, nothing left out', async () => {
    await createTopic(2);
    await fill(1_000, 2);
    const seen = new Seen();
    const first = await start({ onBatch: seen.add, maxBatchRecords: 10 });
    await until(() => seen.total > 200, { ...patience, what: 'some records' });
    expect(await first.stop()).toBeUndefined();
    await start({ onBatch: seen.add });
    await until(() => seen.total >= 2_000, { ...patience, what: 'the rest' });
    expect([...seen.keys.values()]).toEqual([upTo(1_000), upTo(1_000)]);
  });

  test('values, tombstones, headers and timestamps arrive as they were sent', async () => {
    await createTopic(1);
    await using producer = await kafka.createProducer();
    const writer = producer.writer(topic, 0);
    expect(producer.writer(topic, 0)).toBe(writer);
    await writer.append([
      { key: 'Ø/ż/🌿', value: Buffer.from([0, 255]), headers: { h: 'text', b: Buffer.from([1]) }, timestampMs: 1_234 },
      { key: null, value: null },
    ]);
    const batches: Batch[] = [];
    await start({ onBatch: (batch) => Promise.resolve(void batches.push(batch)) });
    await until(() => batches.flatMap(({ records }) => records).length === 2, { ...patience, what: 'both' });
    const [first, second] = batches.flatMap(({ records }) => records);
    expect(first).toEqual({
      offset: 0,
      key: 'Ø/ż/🌿',
      value: Buffer.from([0, 255]),
      headers: { h: Buffer.from('text'), b: Buffer.from([1]) },
      timestampMs: 1_234,
    });
    expect(second).toMatchObject({ offset: 1, key: null, value: null, headers: {} });
  });

  test('onAssigned decides where to start, whatever was committed; lag tools see it at once', async () => {
    await createTopic(2);
    await fill(100, 2);
    const seen = new Seen();
    await start({
      onBatch: seen.add,
      onAssigned: (assigned) => {
        expect(assigned.map(({ low, high }) => [low, high])).toEqual([
          [0, 100],
          [0, 100],
        ]);
        return Promise.resolve(assigned.map(({ partition }) => ({ topic, partition, offset: partition ? 100 : 90 })));
      },
    });
    await until(() => seen.total === 10, { ...patience, what: 'the last ten' });
    expect([...seen.keys]).toEqual([[0, upTo(100).slice(90)]]);
    await until(async () => (await lag()) === 0, { ...patience, what: 'both positions committed' });
  });
});

describe('a slow or failing partition', () => {
  test('holds back no other; it is paused at its bound and catches up', async () => {
    await createTopic(2);
    await fill(3_000, 2);
    const seen = new Seen();
    const gate = Promise.withResolvers<void>();
    const { consumer } = await start({
      maxQueuedRecords: 500,
      onBatch: async (batch) => {
        if (batch.partition === 0) await gate.promise;
        await seen.add(batch);
      },
    });
    await until(() => seen.keys.get(1)?.length === 3_000, { ...patience, what: 'the fast partition' });
    await fill(10, 2, 3_000);
    await until(() => seen.keys.get(1)?.length === 3_010, { ...patience, what: 'new records of the fast partition' });
    expect(seen.keys.get(0)).toBeUndefined();
    expect(consumer.progress().find(({ partition }) => partition === 0)).toMatchObject({ nextOffset: 0 });
    gate.resolve();
    await until(() => seen.keys.get(0)?.length === 3_010, { ...patience, what: 'the slow partition' });
    expect(seen.keys.get(0)).toEqual(upTo(3_010));
  });

  test('a retry error repeats the batch there, and nothing after it is committed', async () => {
    await createTopic(2);
    await fill(10, 2);
    const seen = new Seen();
    let failures = 0;
    await start({
      maxBatchRecords: 5,
      onBatch: async (batch) => {
        if (batch.partition === 0 && failures < 3) {
          failures += 1;
          throw new AppError('POSTGRES_UNREACHABLE', 'handling');
        }
        await seen.add(batch);
      },
    });
    await until(() => seen.total === 20, { ...patience, what: 'all records' });
    expect([failures, seen.keys.get(0), seen.keys.get(1)]).toEqual([3, upTo(10), upTo(10)]);
  });

  test('any other error ends run with it, and what failed is not committed', async () => {
    await createTopic(1);
    await fill(10, 1);
    const error = new AppError('TOPIC_REPLACED', 'handling');
    const { ended } = await start({ onBatch: () => Promise.reject(error) });
    expect(await ended).toBe(error);
    expect(await lag()).toBe(10);
  });
});

describe('rebalances', () => {
  test('two consumers share the partitions; the lost ones are aborted and never committed by the old owner', async () => {
    await createTopic(4);
    await fill(50, 4);
    const gate = Promise.withResolvers<void>();
    const aborted = new Set<number>();
    const first = await start({
      maxBatchRecords: 10,
      onBatch: async (batch) => {
        batch.signal.addEventListener('abort', () => aborted.add(batch.partition));
        await gate.promise; // the old owner hangs in the middle of every partition
      },
    });
    await until(() => first.consumer.progress().length === 4, { ...patience, what: 'all partitions at the first' });
    await until(() => first.consumer.progress().every((one) => one.oldestPendingMs), { ...patience, what: 'batches' });
    const seen = new Seen();
    const second = await start({ onBatch: seen.add });
    await until(() => second.consumer.progress().length === 2, { ...patience, what: 'half of them at the second' });
    expect(aborted.size).toBe(4);
    await until(() => seen.total === 100, { ...patience, what: 'the second half, from the beginning' });
    await until(async () => (await lag()) === 100, { ...patience, what: 'the commit of the second' });
    gate.resolve(); // the old handlers end now: too late
    await until(async () => (await lag()) === 0, { ...patience, what: 'the first to handle its half anew' });
    expect([...seen.keys.values()]).toEqual([upTo(50), upTo(50)]);
  });

  test('consumers that come and go: everything is handled, by whomever', async () => {
    await createTopic(6);
    await fill(500, 6);
    const seen = new Map<string, number>();
    const onBatch = async (batch: Batch) => {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { key } of batch.records) {
        seen.set(`${batch.partition}/${key}`, (seen.get(`${batch.partition}/${key}`) ?? 0) + 1);
      }
    };
    await start({ onBatch, maxBatchRecords: 7 });
    const second = await start({ onBatch, maxBatchRecords: 7 });
    await until(() => second.consumer.ready, { ...patience, what: 'the second to join' });
    await start({ onBatch, maxBatchRecords: 7 });
    await second.stop();
    await fill(500, 6, 500);
    await until(() => seen.size === 6_000, { ...patience, what: 'all records' });
    await until(async () => (await lag()) === 0, { ...patience, what: 'all commits' });
  });
});

describe('what cannot be started', () => {
  test('a missing topic', async () => {
    const made = kafka.createConsumer({
      groupId,
      topics: [topic],
      maxBatchRecords: 1,
      maxQueuedRecords: 1,
      onBatch: () => Promise.resolve(),
    });
    await expect(made).rejects.toMatchObject({ code: 'TOPIC_MISSING', disposition: 'halt' });
    await using producer = await kafka.createProducer();
    await expect(producer.partitions(topic)).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
  });

  test('a committed offset that is no longer in the log', async () => {
    await createTopic(1);
    await fill(10, 1);
    const { ended } = await start({
      onBatch: () => Promise.resolve(),
      onAssigned: ([one]) => Promise.resolve([{ topic, partition: 0, offset: one!.high + 5 }]),
    });
    expect(await ended).toMatchObject({ code: 'RETENTION_PASSED', data: { offset: 15, high: 10 } });
  });

  test('no broker', async () => {
    const away = createKafka({ brokers: ['127.0.0.1:1'], clientId: 'away' });
    await expect(away.createProducer()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE', disposition: 'retry' });
    await expect(away.createAdmin()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
  });
});

describe('producer', () => {
  test('appends in flight are acknowledged before it closes; later ones are refused', async () => {
    await createTopic(1);
    const producer = await kafka.createProducer();
    const writer = producer.writer(topic, 0);
    const appended = writer.append(Array.from({ length: 5_000 }, (_, i) => ({ key: String(i), value: null })));
    expect(producer.pendingBytes).toBeGreaterThan(0);
    await producer[Symbol.asyncDispose]();
    await appended;
    expect(producer.pendingBytes).toBe(0);
    await expect(writer.append([{ key: 'x', value: null }])).rejects.toMatchObject({ code: 'KAFKA_CLIENT_DEAD' });
  });
});
