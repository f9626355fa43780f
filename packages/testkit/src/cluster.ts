import { join } from 'node:path';
import { embeddedFiles } from './embedded/files.ts';
import { KafkaNode, newClusterId } from './embedded/kafka-node.ts';
import { ready } from './embedded/ready.ts';
import { clusterMembers } from './kafka-probe.ts';
import { freePorts } from './ports.ts';
import { tempFolder } from './temp-folder.ts';

export interface ClusterOptions {
  /** Default 3. */
  readonly brokers?: number;
  /** Of topics that do not say; default: the number of brokers. */
  readonly replicationFactor?: number;
  /** Default 2, or 1 for a single broker. */
  readonly minInsyncReplicas?: number;
  /** After this long a dead broker's partitions move; default 1500. */
  readonly brokerSessionTimeoutMs?: number;
  /** More settings of every node. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly say?: (line: string) => void;
}

/** Several brokers and one controller, which is never killed: what is tested are leaders that move, not the quorum. */
export interface KafkaCluster extends AsyncDisposable {
  /** Addresses of all brokers, comma separated; broker `i` is node id `i + 1`. */
  readonly kafkaBrokers: string;
  /** Process ids of the running nodes by name. */
  readonly pids: Readonly<Record<string, number>>;
  /** SIGKILL of broker `index`; gone when it resolves. */
  kill(index: number): Promise<void>;
  /** Starts broker `index` again on the same port and data; resolves when all that run are members. */
  start(index: number): Promise<void>;
  isRunning(index: number): boolean;
}

const START_DEADLINE_MS = 90_000;

/** A real multi-broker cluster as child processes; takes about 10 s on two cores. */
export async function startKafkaCluster(options: ClusterOptions = {}): Promise<KafkaCluster> {
  const count = options.brokers ?? 3;
  await using cleanup = new AsyncDisposableStack();
  const { kafkaLibs } = await embeddedFiles(options.say ? { say: options.say } : {});
  const folder = cleanup.use(await tempFolder('orgstream-cluster-'));
  const [controllerPort, ...brokerPorts] = (await freePorts(count + 1)) as [number, ...number[]];
  const shared = {
    kafkaLibs,
    clusterId: newClusterId(),
    voters: [{ nodeId: 100, port: controllerPort }],
    replicationFactor: options.replicationFactor ?? count,
    minInsyncReplicas: options.minInsyncReplicas ?? Math.min(2, count),
    brokerSessionTimeoutMs: options.brokerSessionTimeoutMs ?? 1_500,
    settings: options.settings ?? {},
    heapMb: 384,
  };
  const [controller, ...brokers] = (await Promise.all([
    KafkaNode.create({
      ...shared,
      nodeId: 100,
      roles: ['controller'],
      controllerPort,
      folder: join(folder.path, '100'),
    }),
    ...brokerPorts.map((brokerPort, index) =>
      KafkaNode.create({
        ...shared,
        nodeId: index + 1,
        roles: ['broker'],
        brokerPort,
        folder: join(folder.path, String(index + 1)),
      }),
    ),
  ])) as [KafkaNode, ...KafkaNode[]];
  const nodes = [controller, ...brokers];
  cleanup.defer(async () => {
    await Promise.all(nodes.map((node) => node.kill()));
  });
  const cluster = kafkaCluster(
    nodes,
    brokers,
    brokerPorts.map((port) => `127.0.0.1:${port}`),
  );
  await controller.start();
  await Promise.all(brokers.map((_, index) => cluster.start(index)));
  const rest = cleanup.move();
  return Object.assign(cluster, { [Symbol.asyncDispose]: () => rest.disposeAsync() });
}

function kafkaCluster(
  nodes: readonly KafkaNode[],
  brokers: readonly KafkaNode[],
  addresses: readonly string[],
): Omit<KafkaCluster, typeof Symbol.asyncDispose> {
  const broker = (index: number): KafkaNode => {
    const node = brokers[index];
    if (!node) throw new RangeError(`no broker ${index}, there are ${brokers.length}`);
    return node;
  };
  /** Asked of the broker itself: the others still list a dead one's old registration for a session. */
  const knowsAll = async (index: number): Promise<boolean> => {
    const members = await clusterMembers(addresses[index]!);
    return addresses.every((address, other) => !brokers[other]?.process || members.includes(address));
  };
  return {
    kafkaBrokers: addresses.join(','),
    get pids() {
      const running = nodes.flatMap((node) => node.process ?? []);
      return Object.fromEntries(running.map((handle) => [handle.name, handle.pid]));
    },
    kill: (index) => broker(index).kill(),
    start: async (index) => {
      await ready(await broker(index).start(), () => knowsAll(index), {
        deadlineMs: START_DEADLINE_MS,
        intervalMs: 200,
      });
    },
    isRunning: (index) => broker(index).process !== undefined,
  };
}
