import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generationKey } from '@orgstream/core';
import { uniqueGroup, uniqueTopic, useStack } from '@orgstream/testkit';
import { createKafka } from './kafka.ts';
import type { Admin } from './port.ts';
import { ensureGeneration, readGeneration, topicSpecs } from './topics.ts';

const brokers = useStack().kafkaBrokers.split(',');
const kafka = createKafka({ brokers, clientId: 'admin-test', sessionTimeoutMs: 6_000 });
const bare = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
let admin: Admin;

beforeAll(async () => {
  admin = await kafka.createAdmin();
  await bare.connect();
});
afterAll(async () => {
  await admin[Symbol.asyncDispose]();
  await bare.disconnect();
});

async function configOf(topic: string, name: string): Promise<string | undefined> {
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }];
  const answer = await bare.describeConfigs({ includeSynonyms: false, resources });
  return answer.resources[0]!.configEntries[0]?.configValue;
}

const spec = (topic: string, config: Record<string, string>, partitions = 2) => ({
  topic,
  partitions,
  replicationFactor: 1,
  config,
});

describe('applyTopics', () => {
  test('creates what is missing; a second time changes nothing', async () => {
    const topic = uniqueTopic();
    expect(await admin.applyTopics([spec(topic, { 'cleanup.policy': 'compact' })])).toEqual([topic]);
    expect(await admin.applyTopics([spec(topic, { 'cleanup.policy': 'compact' })])).toEqual([]);
    expect(await configOf(topic, 'cleanup.policy')).toBe('compact');
  });

  test('aligns what differs, keeps what others have set, and never changes the partition count', async () => {
    const topic = uniqueTopic();
    await admin.applyTopics([spec(topic, { 'retention.ms': '1000', 'segment.ms': '5000' })]);
    expect(await admin.applyTopics([spec(topic, { 'retention.ms': '2000' }, 5)])).toEqual([topic]);
    expect([await configOf(topic, 'retention.ms'), await configOf(topic, 'segment.ms')]).toEqual(['2000', '5000']);
    expect(await admin.offsets(topic)).toHaveLength(2);
  });

  test('with three replicas two must be in sync', () => {
    const minimum = (replicationFactor: number) =>
      topicSpecs({ partitions: 1, replicationFactor }).map(({ config }) => config['min.insync.replicas']);
    expect(new Set([...minimum(3), ...minimum(5)])).toEqual(new Set(['2']));
    expect(new Set(minimum(1))).toEqual(new Set(['1']));
  });
});

describe('describeTopic', () => {
  test('shows partitions with their copies, and every setting', async () => {
    const topic = uniqueTopic();
    await admin.applyTopics([spec(topic, { 'cleanup.policy': 'compact' })]);
    const { partitions, config } = await admin.describeTopic(topic);
    expect(partitions).toEqual([
      { partition: 0, replicas: 1, inSync: 1 },
      { partition: 1, replicas: 1, inSync: 1 },
    ]);
    expect(config).toMatchObject({ 'cleanup.policy': 'compact' });
  });

  test('a missing topic is TOPIC_MISSING', async () => {
    await expect(admin.describeTopic(uniqueTopic())).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
  });
});

describe('generations', () => {
  test('the first record of each empty partition; found again, also behind other records, and never written twice', async () => {
    const topic = uniqueTopic();
    await admin.applyTopics([spec(topic, {}, 3)]);
    await using producer = await kafka.createProducer();
    await producer.writer(topic, 1).append([{ key: 'older', value: null }]);
    expect(await readGeneration(kafka, topic)).toEqual(new Map());
    await ensureGeneration(kafka, topic);
    const first = await readGeneration(kafka, topic);
    expect(new Set(first.keys())).toEqual(new Set([0, 2]));
    expect(new Set(first.values()).size).toBe(1);
    await producer.writer(topic, 0).append(Array.from({ length: 100 }, () => ({ key: 'k', value: null })));
    await ensureGeneration(kafka, topic);
    expect(await readGeneration(kafka, topic)).toEqual(first);
  });

  test('the record has the reserved key and JSON, not Avro', async () => {
    const topic = uniqueTopic();
    await admin.applyTopics([spec(topic, {}, 1)]);
    await ensureGeneration(kafka, topic);
    await kafka.read({
      topic,
      from: 'beginning',
      maxBatchRecords: 10,
      signal: AbortSignal.timeout(20_000),
      onBatch: ({ records }) => {
        expect(records.map(({ key }) => key)).toEqual([generationKey]);
        expect(JSON.parse(records[0]!.value!.toString())).toEqual({
          generation: expect.stringMatching(/^[0-9a-f-]{36}$/),
        });
        return Promise.resolve();
      },
    });
  });
});

describe('offsets and groups', () => {
  test('a group without a commit lags from the low watermark', async () => {
    const topic = uniqueTopic();
    await admin.applyTopics([spec(topic, { 'cleanup.policy': 'delete' })]);
    await using producer = await kafka.createProducer();
    await producer.writer(topic, 0).append(Array.from({ length: 10 }, () => ({ key: 'k', value: null })));
    await bare.fetchTopicOffsets(topic); // loads the metadata
    await bare.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
    expect(await admin.offsets(topic)).toEqual([
      { topic, partition: 0, low: 4, high: 10 },
      { topic, partition: 1, low: 0, high: 0 },
    ]);
    const lag = await admin.groupLag(uniqueGroup(), topic);
    expect(lag.map((one) => one.lag)).toEqual([6, 0]);
  });

  test('what a group has committed, and where a time begins', async () => {
    const topic = uniqueTopic();
    await admin.applyTopics([spec(topic, { 'cleanup.policy': 'delete' }, 3)]);
    await using producer = await kafka.createProducer();
    const at = (timestampMs: number) => ({ key: 'k', value: null, timestampMs });
    await producer.writer(topic, 0).append([at(1_000), at(2_000), at(3_000)]);
    await producer.writer(topic, 1).append([at(1_000)]);
    const groupId = uniqueGroup();
    expect(await admin.committed(groupId, topic)).toEqual([]);
    await bare.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '2' }] });
    expect(await admin.committed(groupId, topic)).toEqual([{ topic, partition: 0, offset: 2 }]);

    const since = async (ms: number): Promise<readonly number[]> =>
      (await admin.offsetsSince(topic, ms)).map(({ offset }) => offset);
    expect(await since(0)).toEqual([0, 0, 0]);
    expect(await since(2_000)).toEqual([1, 1, 0]);
    // Nothing that young: the end, so that nothing is read.
    expect(await since(9_000)).toEqual([3, 1, 0]);
  });

  test('deleting groups that do not exist is done already; the cluster has an id', async () => {
    await expect(admin.deleteGroups([uniqueGroup(), uniqueGroup()])).resolves.toBeUndefined();
    expect(await admin.clusterId()).toMatch(/\S{10,}/);
  });

  test('a missing topic', async () => {
    await expect(admin.offsets(uniqueTopic())).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    await expect(admin.groupLag(uniqueGroup(), uniqueTopic())).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    await expect(admin.committed(uniqueGroup(), uniqueTopic())).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
    await expect(admin.offsetsSince(uniqueTopic(), 0)).rejects.toMatchObject({ code: 'TOPIC_MISSING' });
  });
});
