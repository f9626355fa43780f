import type kafkajs from 'kafkajs';
import { sleep } from '@orgstream/runtime';
import type { Log } from './client.ts';
import { topicPartitions } from './offsets.ts';
import { BatchingPartitionWriter } from './partition-writer.ts';
import type { PartitionWriter, Producer } from './port.ts';
import { ProducerClients } from './producer-clients.ts';
import { closed, sendUntilStored } from './send.ts';

/** How long a closing producer waits for what is in flight. */
const drainMs = 5_000;

/**
 * Appends per partition. One partition per send, always: a kafkajs send that spans partitions resolves although a moved
 * partition was never re-sent (470-710 records lost per run when leaders were killed).
 */
export class KafkaProducer implements Producer {
  readonly #kafka: kafkajs.Kafka;
  readonly #log: Log;
  readonly #clients: ProducerClients;
  readonly #writers = new Map<string, BatchingPartitionWriter>();
  readonly #partitions = new Map<string, Promise<number>>();
  readonly #closing = new AbortController();
  #pendingBytes = 0;

  private constructor(kafka: kafkajs.Kafka, log: Log) {
    this.#kafka = kafka;
    this.#log = log;
    this.#clients = new ProducerClients(kafka);
  }

  static async connect(kafka: kafkajs.Kafka, log: Log): Promise<KafkaProducer> {
    const producer = new KafkaProducer(kafka, log);
    await producer.#clients.current();
    return producer;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  writer(topic: string, partition: number): PartitionWriter {
    const id = `${topic}/${partition}`;
    const known = this.#writers.get(id);
    if (known) return known;
    const send = { topic, partition, clients: this.#clients, log: this.#log, signal: this.#closing.signal };
    const writer = new BatchingPartitionWriter({
      topic,
      partition,
      store: (batch) => sendUntilStored(batch, send),
      onBytes: (delta) => {
        this.#pendingBytes += delta;
      },
    });
    if (this.#closing.signal.aborted) writer.fail(closed(writer));
    this.#writers.set(id, writer);
    return writer;
  }

  partitions(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known) return known;
    const asked = topicPartitions(this.#kafka, topic).catch((error: unknown) => {
      this.#partitions.delete(topic);
      throw error;
    });
    this.#partitions.set(topic, asked);
    return asked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const deadlineMs = Date.now() + drainMs;
    while (this.#pendingBytes > 0 && Date.now() < deadlineMs) await sleep(10);
    this.#closing.abort();
    for (const writer of this.#writers.values()) writer.fail(closed(writer));
    await this.#clients[Symbol.asyncDispose]();
  }
}
