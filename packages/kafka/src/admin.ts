import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { AppError } from '@orgstream/core';
import type { Log } from './client.ts';
import { translate } from './errors.ts';
import { committedOffsets, offsetsSince, watermarks, type Watermarks } from './offsets.ts';
import type { Admin, TopicDescription, TopicPartition, TopicSpec } from './port.ts';

/** Source of a topic's config entry: set on the topic itself. */
const dynamicTopicConfig = 1;

const topicType = kafkajs.ConfigResourceTypes.TOPIC;

/** Topics, offsets and groups, over one kafkajs admin. */
export class KafkaAdmin implements Admin {
  readonly #admin: kafkajs.Admin;
  readonly #log: Log;

  private constructor(admin: kafkajs.Admin, log: Log) {
    this.#admin = admin;
    this.#log = log;
  }

  static async connect(kafka: kafkajs.Kafka, log: Log): Promise<KafkaAdmin> {
    const admin = kafka.admin();
    await admin.connect().catch(async (error: unknown) => {
      await admin.disconnect().catch(() => undefined);
      throw translate(error, 'connecting to Kafka');
    });
    return new KafkaAdmin(admin, log);
  }

  async applyTopics(specs: readonly TopicSpec[]): Promise<readonly string[]> {
    return this.#translated('applying topics', async () => {
      const existing = new Set(await this.#admin.listTopics());
      const changed: string[] = [];
      for (const spec of specs) {
        const did = existing.has(spec.topic) ? await this.#align(spec) : await this.#create(spec);
        if (did) changed.push(spec.topic);
      }
      return changed;
    });
  }

  offsets(topic: string): Promise<readonly Watermarks[]> {
    return this.#translated(`reading the offsets of ${topic}`, () => watermarks(this.#admin, topic));
  }

  describeTopic(topic: string): Promise<TopicDescription> {
    return this.#translated(`describing ${topic}`, async () => {
      await watermarks(this.#admin, topic);
      const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = (topics[0]?.partitions ?? []).map(({ partitionId, replicas, isr }) => ({
        partition: partitionId,
        replicas: replicas.length,
        inSync: isr.length,
      }));
      const entries = await this.#configOf(topic);
      return {
        partitions: partitions.toSorted((a, b) => a.partition - b.partition),
        config: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
      };
    });
  }

  async groupLag(groupId: string, topic: string): Promise<readonly (TopicPartition & { readonly lag: number })[]> {
    return this.#translated(`reading the lag of ${groupId}`, async () => {
      const marks = await watermarks(this.#admin, topic);
      const committed = await committedOffsets(this.#admin, groupId, topic);
      return marks.map(({ partition, low, high }) => {
        const next = Math.max(committed.get(partition) ?? low, low);
        return { topic, partition, lag: Math.max(0, high - next) };
      });
    });
  }

  async committed(groupId: string, topic: string): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    return this.#translated(`reading the commits of ${groupId}`, async () => {
      const marks = await watermarks(this.#admin, topic);
      const committed = await committedOffsets(this.#admin, groupId, topic);
      return marks.flatMap(({ partition }) => {
        const offset = committed.get(partition);
        return offset === undefined ? [] : [{ topic, partition, offset }];
      });
    });
  }

  async offsetsSince(
    topic: string,
    timestampMs: number,
  ): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    return this.#translated(`reading the offsets of ${topic} by time`, async () => {
      const marks = await watermarks(this.#admin, topic);
      const since = await offsetsSince(this.#admin, topic, timestampMs);
      return marks.map(({ partition, low, high }) => ({
        topic,
        partition,
        offset: Math.max(low, since.get(partition) ?? high),
      }));
    });
  }

  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    await this.#translated('deleting groups', async () => {
      try {
        await this.#admin.deleteGroups([...groupIds]);
      } catch (error) {
        if (!(error instanceof kafkajs.KafkaJSDeleteGroupsError)) throw error;
        // Gone already is what was asked for.
        const left = (error.groups ?? []).filter(
          (group) => (group.error as { type?: string } | undefined)?.type !== 'GROUP_ID_NOT_FOUND',
        );
        if (left.length > 0) throw error;
      }
    });
  }

  async clusterId(): Promise<string> {
    return this.#translated('asking for the cluster id', async () => {
      try {
        return (await this.#admin.describeCluster()).clusterId;
      } catch (cause) {
        // Hazard: when no broker answered, kafkajs swallows why and takes null apart.
        if (!(cause instanceof TypeError)) throw cause;
        throw new AppError('KAFKA_UNREACHABLE', 'asking for the cluster id: no broker answered', { cause });
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.disconnect().catch(() => undefined);
  }

  async #create({ topic, partitions, replicationFactor, config }: TopicSpec): Promise<boolean> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    // False = somebody else created it meanwhile.
    const created = await this.#admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
      // Hazard: its own wait repeats LEADER_NOT_AVAILABLE only, and a broker that has not heard of the topic yet ends it.
      waitForLeaders: false,
    });
    await this.#untilLed(topic);
    return created;
  }

  /** Waits until every partition of a new topic has a leader that answers. */
  async #untilLed(topic: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await watermarks(this.#admin, topic);
        return;
      } catch (error) {
        if (attempt === 100) throw error;
        await delay(100);
      }
    }
  }

  /** Partition counts are left alone: another count would move tenants to other partitions and break their order. */
  async #align({ topic, partitions, config }: TopicSpec): Promise<boolean> {
    const marks = await watermarks(this.#admin, topic);
    if (marks.length !== partitions) {
      this.#log.warn({ topic, partitions: marks.length, wanted: partitions }, 'keeping the partition count of a topic');
    }
    const entries = await this.#configOf(topic);
    const current = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
    if (Object.entries(config).every(([name, value]) => current.get(name) === value)) return false;
    // Hazard: kafkajs only has the old AlterConfigs, which resets every entry it is not given.
    const own = entries.filter((entry) => (entry as { configSource?: number }).configSource === dynamicTopicConfig);
    const merged = { ...Object.fromEntries(own.map((entry) => [entry.configName, entry.configValue])), ...config };
    const configEntries = Object.entries(merged).map(([name, value]) => ({ name, value }));
    await this.#admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: topicType, name: topic, configEntries }],
    });
    return true;
  }

  async #configOf(topic: string): Promise<readonly kafkajs.ConfigEntries[]> {
    const { resources } = await this.#admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: topicType, name: topic }],
    });
    return resources[0]?.configEntries ?? [];
  }

  async #translated<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof AppError ? error : translate(error, doing);
    }
  }
}
