import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createDatabase as openDatabase, createToken, migrate } from '@orgstream/database';
import { applyTopics, createKafka, registerSchemas } from '@orgstream/kafka';
import { createSecretBox } from '@orgstream/runtime';
import { applySchema } from '@orgstream/simulator-ziik';
import {
  freePorts,
  spawnProcess,
  startService,
  startStack,
  until,
  type ProcessHandle,
  type ServiceHandle,
  type StackUrls,
} from '@orgstream/testkit';
import { addSource } from '@orgstream/ziik-source';
import pg from 'pg';
import { createPlatform } from './platform.ts';
import { writeStackFile, type StackFile } from './stack-file.ts';
import { supervise, type Supervisor } from './supervisor.ts';

export const SOURCE = 'eu1';
const root = join(import.meta.dirname, '..', '..', '..');
const allServices = ['ziik-cdc', 'normalizer', 'learningbank-sink', 'control', 'edge', 'notification-bridge'];

/** Everything on one machine: stack, both databases, both simulators and the services under a supervisor. */
export interface World extends AsyncDisposable {
  /** Where everything is, now. */
  file(): StackFile;
  readonly supervisor: Supervisor;
  /** One more replica of a service, beside the supervised one; `env` goes over the world's. */
  startAnother(name: string, env?: Readonly<Record<string, string>>): Promise<ServiceHandle>;
  /** Environment that a service of this world, or the CLI, runs with. */
  readonly serviceEnv: Readonly<Record<string, string>>;
}

export interface WorldOptions {
  /** Where to write the stack file and the services' logs. */
  readonly directory: string;
  readonly say: (line: string) => void;
  /** Use this stack instead of starting one. */
  readonly stack?: StackUrls & { createDatabase(name?: string): Promise<string> };
  /** An empty database to be Ziik's, on a server of its own perhaps; default: made in the stack. */
  readonly ziikPostgresUrl?: string;
  /** Calls per minute the first platform allows; 0 = no limit. */
  readonly rateLimitPerMinute: number;
  /** Which services run; default: all. */
  readonly services?: readonly string[];
  /** More settings of the services. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a world and writes its stack file last, when all is ready. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { say, directory } = options;
  const resources = new AsyncDisposableStack();
  try {
    await mkdir(join(directory, 'logs'), { recursive: true });
    say('starting PostgreSQL, Kafka and the schema registry …');
    const stack = options.stack ?? resources.use(await startStack({ say }));
    const infrastructure = await prepare(stack, say, options.ziikPostgresUrl);
    const simulators = await startSimulators(
      infrastructure.ziikPostgresUrl,
      directory,
      options.rateLimitPerMinute,
      resources,
    );
    // Chosen here, so that control and edge keep their addresses when they are restarted.
    const [controlPort, edgePort] = await freePorts(2);
    const edgeUrl = `http://127.0.0.1:${edgePort}`;
    const serviceEnv = {
      ...environmentOf(infrastructure),
      LOG_LEVEL: 'info',
      // One machine, one replica of each: a killed one is missed sooner than the default has it.
      KAFKA_SESSION_TIMEOUT_MS: '8000',
      // Everything shares one machine: somebody at the door may wait longer for a sync than people would.
      EDGE_JUST_IN_TIME_MS: '10000',
      // The simulated Ziik says itself when it is asked too often.
      ZIIK_CALLS_PER_MINUTE: '0',
      CONTROL_PORT: String(controlPort),
      EDGE_PORT: String(edgePort),
      EDGE_PUBLIC_URL: edgeUrl,
      ...options.env,
    };
    const control = { controlUrl: `http://127.0.0.1:${controlPort}`, edgeUrl, adminToken: infrastructure.adminToken };
    const path = join(directory, 'stack.json');
    say(`starting ${(options.services ?? allServices).join(', ')} …`);
    let world: World | undefined;
    let written: Promise<void> = Promise.resolve();
    const supervisor = resources.use(
      await supervise(
        (options.services ?? allServices).map((name) => ({
          name,
          env: serviceEnv,
          logFile: join(directory, 'logs', `${name}.log`),
        })),
        ({ name, event }) => {
          say(`${name} ${event}`);
          // One write after the other: services that die together must not write into one temporary file.
          if (world) written = written.then(() => writeStackFile(path, world!.file())).catch((e) => say(String(e)));
        },
      ),
    );
    const { source, ...urls } = infrastructure;
    world = {
      supervisor,
      startAnother: (name, env = {}) =>
        startService({ name, env: { ...serviceEnv, ...env }, logFile: join(directory, 'logs', `${name}.log`) }),
      serviceEnv: { ...serviceEnv, ORGSTREAM_URL: control.controlUrl, ORGSTREAM_TOKEN: control.adminToken },
      file: () => ({
        source,
        ...urls,
        ...simulators.urls,
        ...control,
        metricsUrls: Object.fromEntries(
          Object.entries(supervisor.opsUrls()).map(([name, all]) => [name, all.map((url) => `${url}/metrics`)]),
        ),
        pids: supervisor.pids(),
      }),
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
    await writeStackFile(path, world.file());
    return world;
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

interface Infrastructure {
  readonly source: string;
  readonly ziikPostgresUrl: string;
  readonly postgresUrl: string;
  readonly kafkaBrokers: string;
  readonly registryUrl: string;
  readonly secretKey: string;
  readonly adminToken: string;
}

function environmentOf(infrastructure: Infrastructure): Record<string, string> {
  return {
    DATABASE_URL: infrastructure.postgresUrl,
    KAFKA_BROKERS: infrastructure.kafkaBrokers,
    REGISTRY_URL: infrastructure.registryUrl,
    ORGSTREAM_SECRET_KEY: infrastructure.secretKey,
  };
}

/** What a deployment does once: databases, migrations, topics, schemas, and the source with its slot and publication. */
async function prepare(
  stack: WorldOptions['stack'] & object,
  say: (line: string) => void,
  ziikDatabase: string | undefined,
): Promise<Infrastructure> {
  say('applying migrations, topics and schemas, adding the source …');
  // In a cluster that is not ours the names may be taken.
  const names = stack.kind === 'external' ? [] : ['orgstream', 'ziik'];
  const postgresUrl = await stack.createDatabase(names[0]);
  const ziikPostgresUrl = ziikDatabase ?? (await stack.createDatabase(names[1]));
  const secretKey = `dev:${randomBytes(32).toString('hex')}`;
  const ziik = new pg.Client({ connectionString: ziikPostgresUrl });
  await ziik.connect();
  await applySchema(ziik);
  await ziik.end();
  const kafka = createKafka({ brokers: stack.kafkaBrokers.split(','), clientId: 'orgstream-world' });
  await applyTopics(kafka, { partitions: 12, replicationFactor: 1 });
  await registerSchemas({ registryUrl: stack.registryUrl });
  const { kafkaBrokers, registryUrl } = stack;
  const adminToken = await prepareDatabase(postgresUrl, secretKey, ziikPostgresUrl);
  return { source: SOURCE, ziikPostgresUrl, postgresUrl, kafkaBrokers, registryUrl, secretKey, adminToken };
}

/** Migrations, the source, and the first token; returns the token. */
async function prepareDatabase(postgresUrl: string, secretKey: string, ziikPostgresUrl: string): Promise<string> {
  const db = openDatabase(postgresUrl);
  try {
    await migrate(db);
    const secrets = createSecretBox(secretKey);
    await addSource(db, { name: SOURCE, url: ziikPostgresUrl, seal: (plain) => secrets.seal(plain) });
    return (await createToken(db, { name: 'admin', role: 'admin', by: 'world' })).secret;
  } finally {
    await db.destroy();
  }
}

async function startSimulators(
  ziikPostgresUrl: string,
  directory: string,
  rateLimitPerMinute: number,
  resources: AsyncDisposableStack,
): Promise<{
  readonly urls: Pick<StackFile, 'learningbankUrl' | 'learningbankSimUrl' | 'learningbankCredentials' | 'ziikSimUrl'>;
}> {
  const start = async (name: string, env: Record<string, string>): Promise<string> => {
    const handle = await spawnProcess({
      name,
      command: process.execPath,
      args: [join(root, `test/simulators/${name}/src/main.ts`)],
      cwd: root,
      env: { PORT: '0', ...env },
      logFile: join(directory, 'logs', `simulator-${name}.log`),
    });
    resources.use(handle);
    return listeningUrl(handle);
  };
  const [learningbankSimUrl, ziikSimUrl] = await Promise.all([
    start('learningbank', {}),
    start('ziik', { DATABASE_URL: ziikPostgresUrl }),
  ]);
  const first = await createPlatform(learningbankSimUrl, { name: 'Academy', rateLimitPerMinute });
  return {
    urls: { learningbankUrl: first.url, learningbankSimUrl, learningbankCredentials: first.credentials, ziikSimUrl },
  };
}

/** The simulators print one JSON line with their address once they listen. */
async function listeningUrl(handle: ProcessHandle): Promise<string> {
  return until(
    () => {
      if (!handle.running) throw new Error(`${handle.name} ended: ${handle.output()}`);
      const line = handle
        .output()
        .split('\n')
        .find((text) => text.startsWith('{'));
      return line === undefined ? undefined : (JSON.parse(line) as { url: string }).url;
    },
    { deadlineMs: 20_000, what: `${handle.name} to listen` },
  );
}
