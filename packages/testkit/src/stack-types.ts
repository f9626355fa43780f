export const stackKinds = ['embedded', 'testcontainers', 'external'] as const;
/** Where the parts come from: child processes, containers, or servers somebody else runs. */
export type StackKind = (typeof stackKinds)[number];

/** Where the parts are; plain data, can be handed to another process. */
export interface StackUrls {
  readonly kind: StackKind;
  /** Comma separated host:port. */
  readonly kafkaBrokers: string;
  /** Base path of the Confluent API: …/apis/ccompat/v7. */
  readonly registryUrl: string;
  /** A superuser in the maintenance database. */
  readonly postgresUrl: string;
}

/** A running PostgreSQL, Kafka and schema registry. Disposing stops them and removes their data. */
export interface Stack extends StackUrls, AsyncDisposable {
  /** Process ids of the running parts (postgres, kafka-1, registry); empty when they are not our processes. */
  readonly pids: Readonly<Record<string, number>>;
  /** Makes a database and returns its URL; default: a name of its own. */
  createDatabase(name?: string): Promise<string>;
  /** SIGKILL. The controls reject with STACK_UNAVAILABLE where the parts are not ours. */
  stopBroker(): Promise<void>;
  /** Again on the same port and data; resolves when it answers. */
  startBroker(): Promise<void>;
  /** Kafka is lost: another, empty cluster on the same port, once the old one is killed. */
  replaceBroker(): Promise<void>;
  /** SIGKILL. */
  stopRegistry(): Promise<void>;
  /** Again on the same port and data; resolves when it answers. */
  startRegistry(): Promise<void>;
  /** Immediate shutdown, as after a crash. */
  stopPostgres(): Promise<void>;
  /** Again on the same port and data; resolves when it answers. */
  startPostgres(): Promise<void>;
}

export interface StackOptions {
  /** Default: `STACK` of the environment, else what this machine can do. */
  readonly kind?: StackKind;
  /** Default: process.env. */
  readonly env?: NodeJS.ProcessEnv;
  /** One line for the user when something takes long; default: stderr. */
  readonly say?: (line: string) => void;
  /** More settings of PostgreSQL (embedded and testcontainers), for example `{ wal_level: 'replica' }`. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** More settings of the broker (embedded). */
  readonly brokerSettings?: Readonly<Record<string, string>>;
}
