import { AppError, type learningbank, partitionOf } from '@orgstream/core';
import type { Codec, OutRecord, Producer } from '@orgstream/kafka';
import { createLogger } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { Outlet, type OutletOptions } from './outlet.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const deadline = { deadlineMs: 20_000 };

const notification = (id: number, tenant = 'eu1.42'): learningbank.Notification => ({
  tenant,
  integrationId: '0b8f4c1e-0000-4000-8000-000000000001',
  id: String(id),
  type: 'module.assigned',
  occurredAtMs: 1,
  receivedAtMs: 2,
  receiver: '12',
  email: null,
  fields: {},
  link: null,
  via: 'hook',
});

const codec: Codec = {
  prepare: async () => undefined,
  encode: (_topic, _name, value) => Buffer.from(JSON.stringify(value)),
  decode: () => {
    throw new Error('not here');
  },
};

/** A Kafka that acknowledges only what it is told to. */
class FakeKafka {
  readonly stored: { readonly partition: number; readonly record: OutRecord }[] = [];
  /** 'yes', 'never', or how an append fails. */
  acknowledges: 'yes' | 'never' | AppError = 'yes';
  pendingBytes = 0;
  connected = 0;
  refuses = 0;

  createProducer = async (): Promise<Producer> => {
    if (this.refuses > 0) {
      this.refuses -= 1;
      throw new AppError('KAFKA_UNREACHABLE', 'a test');
    }
    this.connected += 1;
    const bytes = (): number => this.pendingBytes;
    return {
      get pendingBytes() {
        return bytes();
      },
      partitions: async () => 12,
      writer: (topic, partition) => ({
        topic,
        partition,
        append: async (records) => {
          if (this.acknowledges instanceof AppError) throw this.acknowledges;
          this.pendingBytes += 1_000 * records.length;
          if (this.acknowledges === 'never') return new Promise<never>(() => undefined);
          this.pendingBytes -= 1_000 * records.length;
          this.stored.push(...records.map((record) => ({ partition, record })));
        },
      }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
}

async function running(
  kafka: FakeKafka,
  work: (outlet: Outlet) => Promise<void>,
  given: Partial<OutletOptions> = {},
): Promise<void> {
  const outlet = new Outlet({ kafka, codec, log, timeoutMs: 50, ...given });
  const stop = new AbortController();
  const run = outlet.run(stop.signal);
  try {
    await until(() => outlet.ready, { ...deadline, what: 'the way to Kafka' });
    await work(outlet);
  } finally {
    stop.abort();
    await run;
  }
}

test('a tenant has one partition, a receiver one key', async () => {
  const kafka = new FakeKafka();
  await running(kafka, (outlet) => outlet.put([notification(1), notification(2, 'eu1.43'), notification(3)]));
  expect(kafka.stored.map(({ partition, record }) => [partition, record.key])).toEqual([
    [partitionOf('eu1.42', 12), 'eu1.42/12'],
    [partitionOf('eu1.42', 12), 'eu1.42/12'],
    [partitionOf('eu1.43', 12), 'eu1.43/12'],
  ]);
});

test('before Kafka is there everything is refused; once it is there everything is taken', async () => {
  const kafka = new FakeKafka();
  kafka.refuses = 2;
  const outlet = new Outlet({ kafka, codec, log });
  await expect(outlet.put([notification(1)])).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
  await running(kafka, (open) => open.put([notification(1)]));
  expect(kafka.stored).toHaveLength(1);
});

test('what is not acknowledged in time is refused, and what waits is bounded', async () => {
  const kafka = new FakeKafka();
  kafka.acknowledges = 'never';
  await running(
    kafka,
    async (outlet) => {
      const put = (id: number) => outlet.put([notification(id)]).catch((error: AppError) => error.message);
      expect(await put(1)).toMatch('in time');
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => put(n)));
      expect(answers.filter((answer) => answer?.includes('too much'))).toHaveLength(41);
      expect(outlet.pendingBytes).toBe(10 * 1_000);
    },
    { maxPendingBytes: 9_000 },
  );
});

test('a dead client is replaced', async () => {
  const kafka = new FakeKafka();
  await running(kafka, async (outlet) => {
    kafka.acknowledges = new AppError('KAFKA_CLIENT_DEAD', 'a test');
    await expect(outlet.put([notification(1)])).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
    kafka.acknowledges = 'yes';
    await until(() => kafka.connected === 2 && outlet.ready, { ...deadline, what: 'a new client' });
    await outlet.put([notification(2)]);
  });
  expect(kafka.stored).toHaveLength(1);
});

test('a record that Kafka never takes is told apart, and hurts no other', async () => {
  const kafka = new FakeKafka();
  await running(kafka, async (outlet) => {
    kafka.acknowledges = new AppError('RECORD_INVALID', 'a test');
    await expect(outlet.put([notification(1)])).rejects.toMatchObject({ code: 'RECORD_INVALID' });
    kafka.acknowledges = 'yes';
    await outlet.put([notification(2)]);
  });
  expect(kafka.connected).toBe(1);
});
