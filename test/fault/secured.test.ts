import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generationKey, topics, type ziik } from '@orgstream/core';
import { worldPath } from '@orgstream/e2e/scene';
import { createCodec, createKafka, type Kafka } from '@orgstream/kafka';
import { startSecuredKafka, startService, until, type SecuredKafka } from '@orgstream/testkit';
import { readStackFile } from '@orgstream/world';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orgstream } from './cli.ts';

const deadline = { deadlineMs: 60_000 };
const [registryUser, registryPassword] = ['reader', 'sesame'];
const resources = new AsyncDisposableStack();
let broker: SecuredKafka;
let registryUrl: string;
let env: Record<string, string>;

/** The registry of the world behind basic authentication. */
async function guard(behind: string): Promise<string> {
  const expected = `Basic ${Buffer.from(`${registryUser}:${registryPassword}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const forward = async (): Promise<void> => {
      if (request.headers.authorization !== expected) return void response.writeHead(401).end();
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = 'GET', url, headers } = request;
      const answer = await fetch(`${new URL(behind).origin}${url}`, {
        method,
        headers: { 'content-type': headers['content-type'] ?? 'application/json' },
        ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    };
    forward().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  resources.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}${new URL(behind).pathname}`;
}

beforeAll(async () => {
  broker = resources.use(await startSecuredKafka());
  const file = await readStackFile(worldPath());
  registryUrl = await guard(file.registryUrl);
  env = {
    KAFKA_BROKERS: broker.kafkaBrokers,
    KAFKA_TLS: 'true',
    NODE_EXTRA_CA_CERTS: broker.certificateFile,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: broker.username,
    KAFKA_SASL_PASSWORD: broker.password,
    REGISTRY_URL: registryUrl,
    REGISTRY_USERNAME: registryUser,
    REGISTRY_PASSWORD: registryPassword,
  };
  const applied = await orgstream(env, 'topics', 'apply', '--partitions', '2', '--replication-factor', '1');
  expect(applied).toMatchObject({ exitCode: 0 });
}, 120_000);
afterAll(() => resources.disposeAsync(), 30_000);

const unit: ziik.Unit = {
  position: { epoch: 1, lsn: 1, seq: 1, last: true },
  committedAtMs: Date.now(),
  snapshotId: null,
  chunk: null,
  deleted: false,
  id: 7,
  siteId: 42,
  parentId: null,
  name: 'North',
  unitType: 'unit',
  reference: null,
  deletedAtMs: null,
};

async function client(): Promise<Kafka> {
  const { username, password, certificateFile } = broker;
  const ssl = { ca: await readFile(certificateFile, 'utf8') };
  return createKafka({
    brokers: broker.kafkaBrokers.split(','),
    clientId: 'secured-test',
    ssl,
    sasl: { mechanism: 'plain', username, password },
  });
}

test('a service reads and writes over TLS and SASL, with a registry behind a password', async () => {
  await using _normalizer = await startService({ name: 'normalizer', env, readyMs: 60_000 });
  const kafka = await client();
  const codec = createCodec({ registryUrl, auth: { username: registryUser, password: registryPassword } });
  await codec.prepare(topics.ziikChanges, ['ziik.Unit']);
  await using producer = await kafka.createProducer();
  const value = codec.encode(topics.ziikChanges, 'ziik.Unit', unit);
  await producer.writer(topics.ziikChanges, 0).append([{ key: 'eu1.42/units/7', value }]);
  const names: string[] = [];
  const look = async (): Promise<boolean> => {
    await kafka.read({
      topic: topics.directoryChanges,
      from: 'beginning',
      maxBatchRecords: 100,
      signal: AbortSignal.timeout(20_000),
      onBatch: async ({ records }) => {
        for (const { key, value: fact } of records) {
          if (fact && key !== generationKey) names.push((await codec.decode(fact)).name);
        }
      },
    });
    return names.includes('directory.Unit');
  };
  await until(look, { ...deadline, what: 'the fact' });
});

describe('who does not fit is told so, in one line', () => {
  test.each([
    ['a wrong password', { KAFKA_SASL_PASSWORD: 'wrong' }, 'KAFKA_AUTH_FAILED'],
    ['a mechanism the broker does not take', { KAFKA_SASL_MECHANISM: 'scram-sha-256' }, 'KAFKA_AUTH_FAILED'],
    ['no authority for its certificate', { NODE_EXTRA_CA_CERTS: undefined }, 'KAFKA_UNREACHABLE'],
    ['a user without a password', { KAFKA_SASL_PASSWORD: undefined }, 'KAFKA_SASL_PASSWORD: is missing'],
  ])('%s', async (_, change, words) => {
    const { exitCode, stderr } = await orgstream({ ...env, ...change }, 'topics', 'apply', '--replication-factor', '1');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/ {4}at |pass-word/);
  });

  test('a registry that refuses', async () => {
    const { exitCode, stderr } = await orgstream({ ...env, REGISTRY_PASSWORD: 'wrong' }, 'schemas', 'check');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('REGISTRY_UNREACHABLE');
  });
});
