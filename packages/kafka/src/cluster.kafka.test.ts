import kafkajs, { type RecordMetadata } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startKafkaCluster, uniqueGroup, uniqueTopic, until, type KafkaCluster } from '@orgstream/testkit';
import { createKafka } from './kafka.ts';
import type { Kafka } from './port.ts';

const partitions = 6;
const perSend = 20;

let cluster: KafkaCluster;
let kafka: Kafka;

beforeAll(async () => {
  cluster = await startKafkaCluster();
  kafka = createKafka({ brokers: cluster.kafkaBrokers.split(','), clientId: 'cluster-test', sessionTimeoutMs: 10_000 });
}, 120_000);
afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000);

/** What was acknowledged, and what to call while brokers die. */
class Ledger {
  readonly acknowledged = new Set<string>();
  /** Sends acknowledged per lane. */
  readonly sends: number[];
  readonly #stop = new AbortController();
  #next = 0;

  constructor(lanes: number) {
    this.sends = Array.from({ length: lanes }, () => 0);
  }

  /** Sends batches of fresh ids, `lanes` at a time, until stopped. */
  async produce(send: (lane: number, ids: readonly string[]) => Promise<void>): Promise<void> {
    const lane = async (number: number) => {
      while (!this.#stop.signal.aborted) {
        const ids = Array.from({ length: perSend }, () => String(this.#next++));
        try {
          await send(number, ids);
        } catch {
          await new Promise((resolve) => setImmediate(resolve));
          continue; // not acknowledged: may be lost
        }
        for (const id of ids) this.acknowledged.add(id);
        this.sends[number]! += 1;
      }
    };
    await Promise.all(this.sends.map((_, number) => lane(number)));
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}

async function createTopic(): Promise<string> {
  const topic = uniqueTopic('cluster');
  await using admin = await kafka.createAdmin();
  const config = { 'min.insync.replicas': '2', 'cleanup.policy': 'delete' };
  await admin.applyTopics([{ topic, partitions, replicationFactor: 3, config }]);
  return topic;
}

interface Stored {
  /** Times each id stands in the topic. */
  readonly counts: ReadonlyMap<string, number>;
  /** Records that stand behind a later one of their partition. */
  readonly disordered: number;
}

async function readAll(topic: string): Promise<Stored> {
  const counts = new Map<string, number>();
  const last = new Map<number, number>();
  let disordered = 0;
  await kafka.read({
    topic,
    from: 'beginning',
    maxBatchRecords: 1_000,
    signal: AbortSignal.timeout(60_000),
    onBatch: (batch) => {
      for (const { key } of batch.records) {
        counts.set(key!, (counts.get(key!) ?? 0) + 1);
        if (Number(key) < (last.get(batch.partition) ?? -1)) disordered += 1;
        last.set(batch.partition, Number(key));
      }
      return Promise.resolve();
    },
  });
  return { counts, disordered };
}

/** Kills each broker in turn; goes on once acknowledgements flow again, and starts it anew. */
async function killEach(ledger: Ledger, enough: () => boolean | Promise<boolean> = () => false): Promise<void> {
  for (const index of [0, 1, 2]) {
    await moreSends(ledger, `before the kill of broker ${index}`);
    await cluster.kill(index);
    await moreSends(ledger, `after the kill of broker ${index}`);
    await cluster.start(index);
    if (await enough()) return;
  }
}

/** Waits until every lane got more acknowledged: for ours that is every partition, the moved ones included. */
async function moreSends(ledger: Ledger, what: string): Promise<void> {
  const before = [...ledger.sends];
  const moved = () => before.every((sends, lane) => ledger.sends[lane]! > sends + 20);
  await until(moved, { deadlineMs: 60_000, what: `sends of every lane ${what}` });
}

/** Acknowledged ids that the topic does not hold. Only what was acknowledged before the read counts. */
async function lostOf(ledger: Ledger, topic: string): Promise<Stored & { readonly lost: readonly string[] }> {
  const acknowledged = [...ledger.acknowledged];
  const stored = await readAll(topic);
  return { ...stored, lost: acknowledged.filter((id) => !stored.counts.has(id)) };
}

/** Everything a running consumer has handled. */
async function consume(topic: string): Promise<{ keys: Set<string>; stop: () => Promise<void> }> {
  const keys = new Set<string>();
  const consumer = await kafka.createConsumer({
    groupId: uniqueGroup(),
    topics: [topic],
    maxBatchRecords: 1_000,
    maxQueuedRecords: 5_000,
    onBatch: (batch) => {
      for (const { key } of batch.records) keys.add(key!);
      return Promise.resolve();
    },
  });
  const abort = new AbortController();
  const ended = consumer.run(abort.signal);
  const stop = () => {
    abort.abort();
    return ended;
  };
  return { keys, stop };
}

test('leaders killed in turn: nothing acknowledged is lost, nothing is doubled, order holds', async () => {
  const topic = await createTopic();
  await using producer = await kafka.createProducer();
  const consumed = await consume(topic);
  using ledger = new Ledger(partitions);
  const producing = ledger.produce((lane, ids) =>
    producer.writer(topic, lane).append(ids.map((key) => ({ key, value: Buffer.alloc(100, 'x') }))),
  );
  await killEach(ledger);
  ledger[Symbol.dispose]();
  await producing;
  const { lost, counts, disordered } = await lostOf(ledger, topic);
  expect(lost).toEqual([]);
  expect([...counts].filter(([, count]) => count > 1)).toEqual([]);
  expect(disordered).toBe(0);
  const unseen = () => [...ledger.acknowledged].filter((id) => !consumed.keys.has(id)).length;
  await until(() => unseen() === 0, { deadlineMs: 30_000, what: () => `${unseen()} records at the consumer` });
  await consumed.stop();
}, 120_000);

test('counter-proof: sends that span partitions lose acknowledged records in the same run', async () => {
  const topic = await createTopic();
  using ledger = new Ledger(10);
  const brokers = cluster.kafkaBrokers.split(',');
  const naive = new kafkajs.Kafka({ brokers, clientId: 'naive', logLevel: kafkajs.logLevel.NOTHING }).producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await naive.connect();
  const send = async (_lane: number, ids: readonly string[]) => {
    const answer: RecordMetadata[] = await naive.send({
      topic,
      acks: -1,
      messages: ids.map((key) => ({ key, value: Buffer.alloc(100, 'x') })),
    });
    if (answer.some(({ errorCode }) => errorCode !== 0)) throw new Error('not stored');
  };
  const producing = ledger.produce(send);
  let lost = 0;
  await killEach(ledger, async () => {
    lost = (await lostOf(ledger, topic)).lost.length;
    return lost > 0;
  });
  ledger[Symbol.dispose]();
  await producing;
  await naive.disconnect();
  expect(lost).toBeGreaterThan(0);
}, 120_000);
