/** One KRaft node. */
export interface NodeConfig {
  readonly nodeId: number;
  readonly roles: readonly ('broker' | 'controller')[];
  /** Port for clients; needed by a broker. */
  readonly brokerPort?: number;
  /** Port for the quorum; needed by a controller. */
  readonly controllerPort?: number;
  /** The quorum: node id and port of every controller. */
  readonly voters: readonly { readonly nodeId: number; readonly port: number }[];
  readonly dataFolder: string;
  /** Default 1. */
  readonly replicationFactor?: number;
  /** Default 1. */
  readonly minInsyncReplicas?: number;
  /** After this long without heartbeat a broker is fenced and its partitions move. */
  readonly brokerSessionTimeoutMs: number;
  /** Any other setting of server.properties; wins. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Settings that make a broker quick to start and quick to react; wrong for production. */
export const brokerTestSettings = {
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'offsets.topic.num.partitions': '5',
  'transaction.state.log.num.partitions': '2',
  'log.cleaner.backoff.ms': '1000',
  'log.cleaner.dedupe.buffer.size': String(8 << 20), // else 128 MB of a small heap
  'log.segment.bytes': String(16 << 20),
  'log.index.size.max.bytes': String(1 << 20),
  'log.segment.delete.delay.ms': '1000',
  'num.network.threads': '2',
  'num.io.threads': '4',
};

/** The text of server.properties. */
export function serverProperties(node: NodeConfig): string {
  const settings = {
    ...brokerTestSettings,
    ...identity(node),
    ...replication(node),
    'broker.session.timeout.ms': String(node.brokerSessionTimeoutMs),
    'broker.heartbeat.interval.ms': String(Math.max(100, Math.floor(node.brokerSessionTimeoutMs / 4))),
    ...node.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function identity(node: NodeConfig): Record<string, string> {
  const client = node.brokerPort === undefined ? [] : [`PLAINTEXT://127.0.0.1:${node.brokerPort}`];
  const quorum = node.controllerPort === undefined ? [] : [`CONTROLLER://127.0.0.1:${node.controllerPort}`];
  return {
    'process.roles': node.roles.join(','),
    'node.id': String(node.nodeId),
    'controller.quorum.voters': node.voters.map((voter) => `${voter.nodeId}@127.0.0.1:${voter.port}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: [...client, ...quorum].join(','),
    ...(node.roles.includes('broker')
      ? { 'advertised.listeners': client.join(','), 'inter.broker.listener.name': 'PLAINTEXT' }
      : {}),
    'log.dirs': node.dataFolder,
  };
}

function replication(node: NodeConfig): Record<string, string> {
  const replicas = String(node.replicationFactor ?? 1);
  const insync = String(node.minInsyncReplicas ?? 1);
  return {
    'default.replication.factor': replicas,
    'min.insync.replicas': insync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': insync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': insync,
  };
}
