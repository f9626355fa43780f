import kafkajs from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { areFilesCached } from './embedded/files.ts';
import { installedJava } from './embedded/java.ts';
import { isAlive } from './fixtures/alive.ts';
import { clusterMembers } from './kafka-probe.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack-types.ts';
import { uniqueTopic } from './unique.ts';
import { until } from './until.ts';

const canEmbed = areFilesCached() && ((await installedJava()) ?? 0) >= 17;

describe.skipIf(!canEmbed)('the embedded stack', () => {
  // A stack of its own, as its parts are killed here.
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ kind: 'embedded' });
  });
  afterAll(async () => await stack?.[Symbol.asyncDispose]());

  test('a killed broker has its records again, on the same port', async () => {
    const kafka = new kafkajs.Kafka({ brokers: [stack.kafkaBrokers], logLevel: kafkajs.logLevel.NOTHING });
    const topic = uniqueTopic();
    const send = async (value: string): Promise<string | undefined> => {
      const producer = kafka.producer();
      await producer.connect();
      const [stored] = await producer.send({ topic, acks: -1, messages: [{ value, partition: 0 }] });
      await producer.disconnect();
      return stored?.baseOffset;
    };
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    await admin.disconnect();
    expect(await send('before')).toBe('0');

    const pid = stack.pids['kafka-1']!;
    await stack.stopBroker();
    expect(isAlive(pid)).toBe(false);
    expect(await clusterMembers(stack.kafkaBrokers)).toEqual([]);
    await stack.startBroker();
    await until(async () => (await send('after')) === '1', { deadlineMs: 15_000, what: 'the next offset' });
  });

  test('a killed registry knows its schemas again, by the same id', async () => {
    const subjects = `${stack.registryUrl}/subjects/kept-value/versions`;
    const body = JSON.stringify({ schema: '{"type":"string"}' });
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
    const post = async (): Promise<unknown> => (await fetch(subjects, { method: 'POST', body, headers })).json();
    const first = await post();
    expect(first).toEqual({ id: expect.any(Number) });
    await stack.stopRegistry();
    await expect(fetch(subjects)).rejects.toThrow('fetch failed');
    await stack.startRegistry();
    expect(await post()).toEqual(first);
  });

  test('a crashed PostgreSQL has its databases again', async () => {
    const url = await stack.createDatabase();
    const query = async (sql: string): Promise<pg.QueryResult> => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      try {
        return await client.query(sql);
      } finally {
        await client.end();
      }
    };
    await query('create table kept as select 42 as answer');
    await stack.stopPostgres();
    await expect(query('select 1')).rejects.toThrow(/ECONNREFUSED/);
    await stack.startPostgres();
    expect((await query('select answer from kept')).rows).toEqual([{ answer: 42 }]);
  });

  test('starting what runs is nothing', async () => {
    const before = stack.pids;
    await stack.startBroker();
    await stack.startPostgres();
    expect(stack.pids).toEqual(before);
  });
});
