import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import kafkajs, { type ISocketFactoryArgs, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { Logger } from '@orgstream/runtime';

/** The part of a pino logger that the adapter uses. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** How to reach Kafka. */
export interface KafkaOptions {
  /** `host:port` of some brokers; the others are discovered. */
  readonly brokers: readonly string[];
  /** Names this process in the brokers' logs and quotas. */
  readonly clientId: string;
  readonly log?: Log;
  /** TLS: true, or the options of node:tls. Default: plain text. */
  readonly ssl?: boolean | ConnectionOptions;
  /** SASL mechanism and credentials, as kafkajs takes them. */
  readonly sasl?: NonNullable<KafkaConfig['sasl']>;
}

const silent = () => undefined;
/** A logger that says nothing. */
export const noLog: Log = { debug: silent, info: silent, warn: silent, error: silent } as unknown as Log;

/** kafkajs clients; a client's patience with absent brokers is fixed when it is made. */
export interface Clients {
  /** For producers and admins: gives up after some seconds, and their caller repeats. */
  readonly client: kafkajs.Kafka;
  /**
   * For consumers: outlives a broker's restart. Giving up would be a crash, after which kafkajs joins as a new member
   * and waits for the old one's session to end.
   */
  readonly consumers: kafkajs.Kafka;
}

/** Connects nothing yet. */
export function createClients(options: KafkaOptions): Clients {
  return { client: createClient(options, 8), consumers: createClient(options, 100) };
}

function createClient(options: KafkaOptions, retries: number): kafkajs.Kafka {
  return new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    connectionTimeout: 3_000,
    // Above the 13 s for which a killed broker can hold acks -1 back; below it every leader move would time out.
    requestTimeout: 30_000,
    // kafkajs's default back-off stretched a 13 s outage to 28 s: short steps, small cap.
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, multiplier: 2, retries },
    socketFactory,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => logEntry(options.log ?? noLog, entry),
  });
}

/** Without `noDelay` Nagle and delayed acknowledgements add up to 40 ms to small requests in a row. */
function socketFactory({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectPlain({ host, port }, onConnect);
  socket.setKeepAlive(true, 60_000);
  socket.setNoDelay(true);
  // Every send that waits for the connection listens to it.
  socket.setMaxListeners(0);
  return socket;
}

/**
 * kafkajs calls every retry an error; what matters is judged, and logged, by the adapter. Only the
 * message and place are passed on: its extra fields hold stacks and whole payloads.
 */
function logEntry(log: Log, entry: LogEntry): void {
  const { message, broker, topic, partition, groupId, error } = entry.log as Record<string, unknown>;
  const fields = { kafkajs: entry.namespace, broker, topic, partition, groupId, error: String(error ?? message) };
  log.debug(fields, 'kafkajs reports');
}
