import { recordsOf, topics } from '@orgstream/core';
import {
  createCodec,
  createKafka,
  ensureGeneration,
  registerSchemas,
  type Codec,
  type Decoded,
  type Kafka,
} from '@orgstream/kafka';
import { createLogger } from '@orgstream/runtime';
import { uniqueTopic, until, useStack } from '@orgstream/testkit';
import { createIngest, type Ingest } from './consumer.ts';
import { IngestContext } from './fixture.ts';
import { query } from './query.ts';

export const silent = createLogger({ service: 'test', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });

/** A record to produce: a fact, or raw bytes. */
export interface Produced {
  readonly key: string | null;
  readonly value: Decoded | Buffer | null;
}

/** A topic of its own with two partitions, the real codec, and a database that knows nothing of it. */
export class TopicContext implements AsyncDisposable {
  readonly ctx: IngestContext;
  readonly kafka: Kafka;
  readonly codec: Codec;
  readonly topic: string;
  readonly unreadableTopic: string;
  readonly groupId = uniqueTopic('group');

  private constructor(ctx: IngestContext, kafka: Kafka, codec: Codec, topic: string, unreadableTopic: string) {
    this.ctx = ctx;
    this.kafka = kafka;
    this.codec = codec;
    this.topic = topic;
    this.unreadableTopic = unreadableTopic;
  }

  static async open(): Promise<TopicContext> {
    const stack = useStack();
    const ctx = await IngestContext.open();
    const kafka = createKafka({
      brokers: stack.kafkaBrokers.split(','),
      clientId: 'ingest-test',
      log: silent,
      sessionTimeoutMs: 6_000,
    });
    const [topic, unreadable] = [uniqueTopic('facts'), uniqueTopic('unreadable')];
    {
      await using admin = await kafka.createAdmin();
      const common = { replicationFactor: 1, config: { 'cleanup.policy': 'delete' } };
      await admin.applyTopics([
        { topic, partitions: 2, ...common },
        { topic: unreadable, partitions: 1, ...common },
      ]);
    }
    await ensureGeneration(kafka, topic);
    await registerSchemas({ registryUrl: stack.registryUrl });
    const codec = createCodec({ registryUrl: stack.registryUrl });
    await codec.prepare(topics.directoryChanges, recordsOf[topics.directoryChanges]);
    return new TopicContext(ctx, kafka, codec, topic, unreadable);
  }

  async produce(partition: number, ...records: readonly Produced[]): Promise<void> {
    await using producer = await this.kafka.createProducer();
    await producer.writer(this.topic, partition).append(
      records.map(({ key, value }) => ({
        key,
        value:
          value === null || Buffer.isBuffer(value)
            ? value
            : this.codec.encode(topics.directoryChanges, value.name, value.value),
      })),
    );
  }

  /** Ingest runs while `work` does; its own failure fails `work`. */
  async running<T>(work: (ingest: Ingest) => Promise<T>): Promise<T> {
    const { topic, unreadableTopic, groupId, kafka, codec } = this;
    await using ingest = await createIngest({
      db: this.ctx.db,
      kafka,
      codec,
      log: silent,
      topic,
      unreadableTopic,
      groupId,
    });
    const stop = new AbortController();
    const run = ingest.run(stop.signal);
    try {
      return await Promise.race([work(ingest), run.then(() => Promise.reject(new Error('ingest ended')))]);
    } finally {
      stop.abort();
      await run.catch(() => undefined);
    }
  }

  async offsets(): Promise<Readonly<Record<number, number>>> {
    const rows = await query<{ partition: number; next_offset: string }>(
      this.ctx.db,
      `select partition, next_offset from sink.ingest_offset where topic = ?`,
      [this.topic],
    );
    return Object.fromEntries(rows.map((row) => [row.partition, Number(row.next_offset)]));
  }

  /** Waits until the stored offset of a partition is `next`. */
  async reached(partition: number, next: number): Promise<void> {
    const look = async (): Promise<boolean> => (await this.offsets())[partition] === next;
    await until(look, { deadlineMs: 20_000, what: `offset ${next} of partition ${partition}` });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.ctx[Symbol.asyncDispose]();
  }
}
