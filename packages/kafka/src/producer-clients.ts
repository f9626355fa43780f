import type kafkajs from 'kafkajs';
import type { Message, RecordMetadata } from 'kafkajs';
import { translate } from './errors.ts';

/** A kafkajs producer: one producer id, and the sequence numbers of every partition under it. */
export interface ProducerClient {
  send(topic: string, messages: Message[]): Promise<RecordMetadata[]>;
}

interface Entry extends ProducerClient {
  readonly inner: kafkajs.Producer;
}

/**
 * The current kafkajs producer, and its replacement. kafkajs never re-initialises a producer id that the brokers have
 * forgotten or fenced, so a new producer is made. Batches in flight under the old one finish there: sent again under a
 * new id they could be stored twice.
 */
export class ProducerClients implements AsyncDisposable {
  readonly #kafka: kafkajs.Kafka;
  #current: Promise<Entry> | undefined;
  readonly #all: Entry[] = [];

  constructor(kafka: kafkajs.Kafka) {
    this.#kafka = kafka;
  }

  current(): Promise<ProducerClient> {
    this.#current ??= this.#connect().catch((error: unknown) => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }

  /** A producer with a fresh id, shared by all that ask in place of the same broken one. */
  async replace(broken: ProducerClient): Promise<ProducerClient> {
    const current = await this.current();
    if (current !== broken) return current;
    this.#current = undefined;
    return this.current();
  }

  async #connect(): Promise<Entry> {
    const inner = this.#kafka.producer({
      allowAutoTopicCreation: false,
      // Hazard: idempotent with concurrent sends to one partition rolls sequences back and acknowledges what was not
      // stored. Safe only with one send in flight per partition, which BatchingPartitionWriter keeps.
      idempotent: true,
      maxInFlightRequests: 1,
      // Its own repetitions stay short: after a rejection our writer sends exactly the same batch again.
      retry: { retries: 1, initialRetryTime: 50, maxRetryTime: 200 },
      createPartitioner: () => (args) => args.message.partition!,
    });
    try {
      await inner.connect();
    } catch (error) {
      await inner.disconnect().catch(() => undefined);
      throw translate(error, 'connecting a producer');
    }
    const entry: Entry = { inner, send: (topic, messages) => inner.send({ topic, acks: -1, messages }) };
    this.#all.push(entry);
    return entry;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#all.map(({ inner }) => inner.disconnect()));
  }
}
