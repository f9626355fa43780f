import { AppError } from '@orgstream/core';
import { GenericContainer, Wait, getContainerRuntimeClient } from 'testcontainers';
import { brokerTestSettings } from './embedded/broker-config.ts';
import { newClusterId } from './embedded/kafka-node.ts';
import { postgresTestSettings } from './embedded/postgres-settings.ts';
import { foreignStack } from './external-stack.ts';
import { images } from './images.ts';
import { clusterMembers } from './kafka-probe.ts';
import { freePort } from './ports.ts';
import type { Stack, StackOptions } from './stack-types.ts';
import { EMBEDDED_NEEDS } from './stack-needs.ts';
import { until } from './until.ts';

const START_DEADLINE_MS = 120_000;

/** The parts as containers. testcontainers' own reaper removes them when this process is gone. */
export async function startTestcontainers(options: StackOptions): Promise<Stack> {
  try {
    return await startContainers(options);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `starting the stack in containers: ${why}. Without an engine: STACK=embedded, which needs ${EMBEDDED_NEEDS}`;
    throw new AppError('STACK_UNAVAILABLE', message, { cause });
  }
}

async function startContainers(options: StackOptions): Promise<Stack> {
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime;
  options.say?.(`Starting ${Object.values(images).join(', ')} …`);
  await using cleanup = new AsyncDisposableStack();
  // Each cleans up after itself even if another one fails to start.
  const started = <T>(start: Promise<T & AsyncDisposable>): Promise<T> => {
    cleanup.defer(async () => {
      await (await start.catch(() => undefined))?.[Symbol.asyncDispose]();
    });
    return start;
  };
  const [postgresUrl, kafkaBrokers, registryUrl] = await Promise.all([
    started(startPostgres(host, options)),
    started(startKafka(host)),
    started(startRegistry(host)),
  ]);
  const rest = cleanup.move();
  const urls = { postgresUrl: postgresUrl.url, kafkaBrokers: kafkaBrokers.url, registryUrl: registryUrl.url };
  return foreignStack({ kind: 'testcontainers', ...urls }, () => rest.disposeAsync());
}

interface Part extends AsyncDisposable {
  readonly url: string;
}

async function startPostgres(host: string, options: StackOptions): Promise<Part> {
  const settings = Object.entries({ ...postgresTestSettings, ...options.postgresSettings });
  const container = await new GenericContainer(images.postgres)
    .withEnvironment({ POSTGRES_PASSWORD: 'postgres' })
    .withCommand(['postgres', ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])])
    .withExposedPorts(5432)
    // The first time is the server that only runs the image's set-up.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .withStartupTimeout(START_DEADLINE_MS)
    .start();
  const url = `postgres://postgres:postgres@${host}:${container.getMappedPort(5432)}/postgres`;
  return { url, [Symbol.asyncDispose]: async () => void (await container.stop()) };
}

async function startKafka(host: string): Promise<Part> {
  // The broker tells clients its address, so the port outside must be known before it starts.
  const port = await freePort();
  const address = `${host}:${port}`;
  const container = await new GenericContainer(images.kafka)
    .withEnvironment(kafkaEnvironment(address))
    .withExposedPorts({ container: 9092, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(START_DEADLINE_MS)
    .start();
  await until(async () => (await clusterMembers(address)).includes(address), {
    deadlineMs: 30_000,
    what: 'the broker',
  });
  return { url: address, [Symbol.asyncDispose]: async () => void (await container.stop()) };
}

/** Settings of one KRaft node as the image takes them: upper case, dots as underscores. */
export function kafkaEnvironment(address: string): Record<string, string> {
  const settings = {
    ...brokerTestSettings,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': '1@localhost:9093',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://${address}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
  };
  const variables = Object.entries(settings).map(([name, value]) => [
    `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
    value,
  ]);
  return { CLUSTER_ID: newClusterId(), ...Object.fromEntries(variables) };
}

async function startRegistry(host: string): Promise<Part> {
  const container = await new GenericContainer(images.registry)
    .withExposedPorts(8080)
    .withWaitStrategy(Wait.forHttp('/apis/ccompat/v7/subjects', 8080))
    .withStartupTimeout(START_DEADLINE_MS)
    .start();
  const url = `http://${host}:${container.getMappedPort(8080)}/apis/ccompat/v7`;
  return { url, [Symbol.asyncDispose]: async () => void (await container.stop()) };
}
