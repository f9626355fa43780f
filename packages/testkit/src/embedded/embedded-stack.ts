import { join } from 'node:path';
import { createDatabase } from '../databases.ts';
import { clusterMembers } from '../kafka-probe.ts';
import { freePorts } from '../ports.ts';
import type { Stack, StackOptions } from '../stack-types.ts';
import { tempFolder } from '../temp-folder.ts';
import { uniqueName } from '../unique.ts';
import { embeddedFiles, type EmbeddedFiles } from './files.ts';
import { KafkaNode, newClusterId } from './kafka-node.ts';
import { PostgresNode } from './postgres-node.ts';
import { ready } from './ready.ts';
import { RegistryNode } from './registry-node.ts';

/** A part that can be killed and started. */
interface Part {
  readonly process: { readonly name: string; readonly pid: number } | undefined;
  kill(): Promise<void>;
}

const START_DEADLINE_MS = 60_000;

/** PostgreSQL, one Kafka node and the registry as child processes, on free ports of this machine. */
export async function startEmbedded(options: StackOptions): Promise<Stack> {
  await using cleanup = new AsyncDisposableStack();
  const files = await embeddedFiles(options.say ? { say: options.say } : {});
  const folder = cleanup.use(await tempFolder('orgstream-stack-'));
  const ports = (await freePorts(4)) as [number, number, number, number];
  const starts = [
    startPostgres(folder.path, ports[0], options),
    startKafka(folder.path, files, ports[1], ports[2], options),
    startRegistry(folder.path, files, ports[3]),
  ] as const;
  for (const start of starts) {
    cleanup.defer(async () => {
      await (await start.catch(() => undefined))?.kill();
    });
  }
  const [postgres, kafka, registry] = await Promise.all(starts);
  return embeddedStack(postgres, kafka, registry, cleanup.move());
}

function embeddedStack(
  postgres: PostgresNode,
  kafka: KafkaPart,
  registry: RegistryNode,
  cleanup: AsyncDisposableStack,
): Stack {
  const parts: readonly Part[] = [postgres, kafka, registry];
  return {
    kind: 'embedded',
    kafkaBrokers: kafka.address,
    registryUrl: registry.url,
    postgresUrl: postgres.url,
    get pids() {
      const running = parts.flatMap((part) => part.process ?? []);
      return Object.fromEntries(running.map((handle) => [handle.name, handle.pid]));
    },
    createDatabase: (name = uniqueName('test', '_')) => createDatabase(postgres.url, name),
    stopBroker: () => kafka.kill(),
    startBroker: () => kafka.start(),
    replaceBroker: () => kafka.replace(),
    stopRegistry: () => registry.kill(),
    startRegistry: () => runRegistry(registry),
    stopPostgres: () => postgres.kill(),
    startPostgres: () => runPostgres(postgres),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

async function startPostgres(folder: string, port: number, options: StackOptions): Promise<PostgresNode> {
  const settings = options.postgresSettings ?? {};
  const node = await PostgresNode.create({ folder: join(folder, 'postgres'), port, settings });
  await orKill(node, () => runPostgres(node));
  return node;
}

async function runPostgres(node: PostgresNode): Promise<void> {
  await ready(await node.start(), () => node.answers(), { deadlineMs: START_DEADLINE_MS });
}

async function startRegistry(folder: string, files: EmbeddedFiles, port: number): Promise<RegistryNode> {
  const node = new RegistryNode({ registryJar: files.registryJar, folder: join(folder, 'registry'), port });
  await orKill(node, () => runRegistry(node));
  return node;
}

async function runRegistry(node: RegistryNode): Promise<void> {
  await ready(await node.start(), () => node.answers(), { deadlineMs: START_DEADLINE_MS, intervalMs: 100 });
}

interface KafkaPart extends Part {
  readonly address: string;
  start(): Promise<void>;
  /** Kills it and starts an empty one in its place. */
  replace(): Promise<void>;
}

async function startKafka(
  folder: string,
  files: EmbeddedFiles,
  brokerPort: number,
  controllerPort: number,
  options: StackOptions,
): Promise<KafkaPart> {
  const address = `127.0.0.1:${brokerPort}`;
  const create = (name: string): Promise<KafkaNode> =>
    KafkaNode.create({
      nodeId: 1,
      roles: ['broker', 'controller'],
      brokerPort,
      controllerPort,
      voters: [{ nodeId: 1, port: controllerPort }],
      // Short, as a killed broker may not register again before; not shorter, as a busy machine must not fence it.
      brokerSessionTimeoutMs: 3_000,
      settings: options.brokerSettings ?? {},
      kafkaLibs: files.kafkaLibs,
      folder: join(folder, name),
      clusterId: newClusterId(),
    });
  let node = await create('kafka');
  let clusters = 1;
  const part: KafkaPart = {
    address,
    get process() {
      return node.process;
    },
    kill: () => node.kill(),
    start: async () => {
      const timing = { deadlineMs: START_DEADLINE_MS, intervalMs: 100 };
      await ready(await node.start(), async () => (await clusterMembers(address)).includes(address), timing);
    },
    replace: async () => {
      await node.kill();
      clusters += 1;
      node = await create(`kafka-${clusters}`);
      await part.start();
    },
  };
  await orKill(part, () => part.start());
  return part;
}

/** A part that does not get ready must not stay behind. */
async function orKill(part: Part, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    await part.kill();
    throw error;
  }
}
