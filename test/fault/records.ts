import { partitionOf } from '@orgstream/core';
import { createKafka, type InRecord, type Kafka } from '@orgstream/kafka';
import type { StackFile } from '@orgstream/world';

function kafkaOf({ kafkaBrokers }: StackFile): Kafka {
  return createKafka({ brokers: kafkaBrokers.split(','), clientId: 'orgstream-fault' });
}

/** Writes a record as it is, whatever it is, into the partition of `tenant`. */
export async function writeRecord(
  file: StackFile,
  record: { readonly topic: string; readonly tenant: string; readonly key: string | null; readonly value: Buffer },
): Promise<void> {
  await using producer = await kafkaOf(file).createProducer();
  const partition = partitionOf(record.tenant, await producer.partitions(record.topic));
  await producer.writer(record.topic, partition).append([{ key: record.key, value: record.value }]);
}

/** Partition of a tenant in a topic. */
export async function partitionIn(file: StackFile, topic: string, tenant: string): Promise<number> {
  await using producer = await kafkaOf(file).createProducer();
  return partitionOf(tenant, await producer.partitions(topic));
}

/** Every record that is in a topic now and for which `wanted` holds, in the order of the log. */
export async function readRecords(
  file: StackFile,
  topic: string,
  wanted: (record: InRecord) => boolean,
): Promise<readonly InRecord[]> {
  const found: InRecord[] = [];
  await kafkaOf(file).read({
    topic,
    from: 'beginning',
    maxBatchRecords: 1_000,
    signal: new AbortController().signal,
    onBatch: async ({ records }) => {
      found.push(...records.filter(wanted));
    },
  });
  return found;
}

/**
 * An id that the registry will give to the next schema, and the means to let it: a schema of the same shape as that of
 * `record`, so that the record can be read under the new id, too.
 */
export async function registerNext(
  { registryUrl }: StackFile,
  record: Buffer,
): Promise<{ readonly id: number; readonly register: () => Promise<void> }> {
  const answer = await fetch(`${registryUrl}/schemas/ids/${record.readInt32BE(1)}`);
  const { schema } = (await answer.json()) as { readonly schema: string };
  const register = async (doc: string): Promise<number> => {
    const response = await fetch(`${registryUrl}/subjects/fault-${process.hrtime.bigint()}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify({ ...JSON.parse(schema), doc }) }),
    });
    return ((await response.json()) as { readonly id: number }).id;
  };
  const id = (await register(`before ${process.hrtime.bigint()}`)) + 1;
  return {
    id,
    register: async () => {
      const given = await register(`then ${process.hrtime.bigint()}`);
      if (given !== id) throw new Error(`the registry gave ${given} instead of ${id}`);
    },
  };
}
