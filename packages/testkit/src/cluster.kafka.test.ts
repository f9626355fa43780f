import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { startKafkaCluster } from './cluster.ts';
import { areFilesCached } from './embedded/files.ts';
import { installedJava } from './embedded/java.ts';
import { uniqueTopic } from './unique.ts';
import { until } from './until.ts';

const canEmbed = areFilesCached() && ((await installedJava()) ?? 0) >= 17;

test.skipIf(!canEmbed)(
  'three brokers: the leader is killed, another takes over, the dead one comes back in sync',
  async () => {
    await using cluster = await startKafkaCluster({ brokers: 3 });
    const kafka = new kafkajs.Kafka({ brokers: cluster.kafkaBrokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const topic = uniqueTopic();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    const partition = async (): Promise<kafkajs.PartitionMetadata> =>
      (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions[0]!;

    const before = await partition();
    expect(before.isr.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    const { configEntries } = (
      await admin.describeConfigs({
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['min.insync.replicas'] }],
        includeSynonyms: false,
      })
    ).resources[0]!;
    expect(configEntries.map((entry) => entry.configValue)).toEqual(['2']);

    await cluster.kill(before.leader - 1);
    expect(cluster.isRunning(before.leader - 1)).toBe(false);
    const moved = async (): Promise<boolean> => {
      const { leader, isr } = await partition();
      return leader !== before.leader && leader > 0 && !isr.includes(before.leader);
    };
    await until(moved, { deadlineMs: 10_000, what: 'another leader' });

    const producer = kafka.producer();
    await producer.connect();
    const [stored] = await producer.send({ topic, acks: -1, messages: [{ value: 'x', partition: 0 }] });
    await producer.disconnect();
    expect(stored).toMatchObject({ errorCode: 0, baseOffset: '0' });

    await cluster.start(before.leader - 1);
    await until(async () => (await partition()).isr.length === 3, { deadlineMs: 15_000, what: 'three in sync' });
    await admin.disconnect();
    expect(new Set(Object.keys(cluster.pids))).toEqual(new Set(['kafka-1', 'kafka-2', 'kafka-3', 'kafka-100']));
  },
);
