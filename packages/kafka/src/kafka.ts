import { KafkaAdmin } from './admin.ts';
import { createClients, noLog, type KafkaOptions } from './client.ts';
import { KafkaConsumer } from './consumer.ts';
import type { Kafka } from './port.ts';
import { KafkaProducer } from './producer.ts';
import { readTopic } from './reader.ts';

/** How to reach Kafka, and how patient its consumers are. */
export interface CreateKafkaOptions extends KafkaOptions {
  /**
   * A consumer that is silent for so long loses its partitions; default 30 s. Lower = a killed process is replaced
   * sooner; higher = a blocked event loop is forgiven longer.
   */
  readonly sessionTimeoutMs?: number;
}

/** The Kafka port over kafkajs 2.2.4, with the remedies for its hazards. Connects nothing by itself. */
export function createKafka(options: CreateKafkaOptions): Kafka {
  const clients = createClients(options);
  const { client } = clients;
  const log = options.log ?? noLog;
  const sessionTimeoutMs = options.sessionTimeoutMs ?? 30_000;
  return {
    createProducer: () => KafkaProducer.connect(client, log),
    createConsumer: async (consumerOptions) => {
      const consumer = new KafkaConsumer(clients, log, consumerOptions, { sessionTimeoutMs });
      await consumer.connect();
      return consumer;
    },
    createAdmin: () => KafkaAdmin.connect(client, log),
    read: (readOptions) => readTopic(clients, log, readOptions, sessionTimeoutMs),
  };
}
