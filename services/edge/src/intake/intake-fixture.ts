import { createHmac, randomUUID } from 'node:crypto';
import { defaultSettings, type learningbank, topics } from '@orgstream/core';
import { createLearningbankClient } from '@orgstream/clients';
import { createDatabase, createIntegration, insertChannel, type Knex, migrate } from '@orgstream/database';
import { applyTopics, createCodec, createKafka, type Kafka, registerSchemas } from '@orgstream/kafka';
import { createSecretBox } from '@orgstream/runtime';
import { type Simulator, startSimulator } from '@orgstream/simulator-learningbank';
import { freshDatabase, type ServiceHandle, startService, useStack } from '@orgstream/testkit';

const secretKey = `t:${'0'.repeat(64)}`;
const secrets = createSecretBox(secretKey);

type SimPlatform = ReturnType<Simulator['world']['platform']>;

/** An integration with a channel, and the platform behind it. */
export interface Channel {
  readonly integration: string;
  readonly tenant: string;
  readonly hookSecret: string;
  readonly platform: SimPlatform;
  /** Learningbank users. */
  readonly users: readonly number[];
}

/** Learningbank simulated, a Kafka and a Postgres of their own, and edge and bridge as processes. */
export class IntakeContext implements AsyncDisposable {
  readonly db: Knex;
  readonly kafka: Kafka;
  readonly databaseUrl: string;
  readonly learningbank: Simulator;
  readonly #brokers: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    parts: Pick<IntakeContext, 'db' | 'kafka' | 'databaseUrl' | 'learningbank'> & {
      readonly brokers: string;
      readonly resources: AsyncDisposableStack;
    },
  ) {
    this.db = parts.db;
    this.kafka = parts.kafka;
    this.databaseUrl = parts.databaseUrl;
    this.learningbank = parts.learningbank;
    this.#brokers = parts.brokers;
    this.#resources = parts.resources;
  }

  static async open(brokers: string): Promise<IntakeContext> {
    await using resources = new AsyncDisposableStack();
    const { url: databaseUrl } = resources.use(await freshDatabase('intake'));
    const db = createDatabase(databaseUrl, { max: 6 });
    resources.defer(() => db.destroy());
    await migrate(db);
    const learningbankSimulator = resources.use(await startSimulator());
    await registerSchemas({ registryUrl: useStack().registryUrl });
    const kafka = createKafka({ brokers: brokers.split(','), clientId: 'test' });
    await applyTopics(kafka, { partitions: 3, replicationFactor: 1 });
    return new IntakeContext({
      db,
      kafka,
      databaseUrl,
      learningbank: learningbankSimulator,
      brokers,
      resources: resources.move(),
    });
  }

  /** A platform that notifies of `module.assigned` through its channel Ziik, and its integration. */
  async channel(intake: 'hook' | 'poll', tenant = 'eu1.42'): Promise<Channel> {
    const added = await fetch(`${this.learningbank.url}/_sim/platforms`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rateLimitPerMinute: 0 }),
    });
    const platform = this.learningbank.world.platform(((await added.json()) as { id: number }).id);
    const baseUrl = `${this.learningbank.url}/p/${platform.id}/api/v1`;
    const { credentials } = platform;
    const client = createLearningbankClient({ baseUrl, credentials, timeoutMs: 10_000 });
    const users = await Promise.all(
      ['Ada', 'Grace', 'Edith'].map(async (firstName) => {
        const email = `${firstName.toLowerCase()}@example.org`;
        const made = { firstName, lastName: 'A', email, isActive: true, departmentIds: [], permissionTypeIds: [] };
        return (await client.createUser(made)).id;
      }),
    );
    platform.notifications.update('module.assigned', { ziik: { enabled: true } });
    const integration = await createIntegration(this.db, {
      tenant,
      name: 'Academy',
      product: 'sync',
      platformUrl: baseUrl,
      credentials: secrets.seal(JSON.stringify(credentials)),
      settings: defaultSettings,
    });
    const hookSecret = randomUUID();
    await insertChannel(
      this.db,
      { integration, by: 'a test' },
      {
        enabled: true,
        ziikUrl: 'http://127.0.0.1:9/s/42',
        sender: { id: 1, secret: secrets.seal('{"username":"academy@example.org","password":"p"}') },
        intake,
        conversations: 'auto',
        defaultLanguage: 'en',
        maxAgeS: 86_400,
        quiet: false,
        quietDuringRuns: true,
        hookSecret: secrets.seal(hookSecret),
      },
    );
    return { integration, tenant, hookSecret, platform, users };
  }

  /** Learningbank's own part: what became of its deliveries. */
  async notify(channel: Channel, userId: number): Promise<readonly number[]> {
    const response = await fetch(`${this.learningbank.url}/_sim/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ platform: channel.platform.id, type: 'module.assigned', userId }),
    });
    return ((await response.json()) as { hookStatuses: number[] }).hookStatuses;
  }

  async edge(env: Readonly<Record<string, string>> = {}): Promise<ServiceHandle & { readonly url: string }> {
    const service = await startService({
      name: 'edge',
      env: {
        ...this.#env(),
        EDGE_PORT: '0',
        EDGE_PUBLIC_URL: 'http://127.0.0.1:1',
        EDGE_POLL_MS: '200',
        EDGE_POLL_CALLS_PER_MINUTE: '100000',
        ...env,
      },
    });
    this.#resources.use(service);
    const url = /"url":"(http:[^"]+)"/.exec(service.output())?.[1];
    if (url === undefined) throw new Error(`edge does not say where it listens: ${service.output()}`);
    return Object.assign(service, { url });
  }

  async bridge(group: string): Promise<ServiceHandle> {
    const env = { ...this.#env(), BRIDGE_GROUP: group, KAFKA_SESSION_TIMEOUT_MS: '6000' };
    return this.#resources.use(await startService({ name: 'notification-bridge', env }));
  }

  #env(): Readonly<Record<string, string>> {
    return {
      DATABASE_URL: this.databaseUrl,
      KAFKA_BROKERS: this.#brokers,
      REGISTRY_URL: useStack().registryUrl,
      ORGSTREAM_SECRET_KEY: secretKey,
    };
  }

  /** Ids in the topic, of one integration, as often as they are there. */
  async inTopic({ integration }: Channel): Promise<readonly string[]> {
    const codec = createCodec({ registryUrl: useStack().registryUrl });
    const ids: string[] = [];
    await this.kafka.read({
      topic: topics.learningbankNotifications,
      from: 'beginning',
      maxBatchRecords: 1_000,
      onBatch: async ({ records }) => {
        for (const { value } of records) {
          const decoded = (await codec.decode(value!)).value as learningbank.Notification;
          if (decoded.integrationId === integration) ids.push(decoded.id);
        }
      },
      signal: AbortSignal.timeout(60_000),
    });
    return ids;
  }

  /** Ids in the ledger, of one integration. */
  async inLedger({ integration }: Channel): Promise<readonly string[]> {
    const { rows } = await this.db.raw<{ rows: { notification_id: string }[] }>(
      `select notification_id from bridge.notification where integration_id = ? order by notification_id::int`,
      [integration],
    );
    return rows.map((row) => row.notification_id);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** Delivers a notification as Learningbank does, and answers the status. */
export async function deliver(edgeUrl: string, channel: Channel, id: number, secret = channel.hookSecret) {
  const body = JSON.stringify({
    id,
    type: 'module.assigned',
    occurredAt: new Date().toISOString(),
    receiver: { userId: channel.users[0], email: 'ada@example.org' },
  });
  const t = Math.floor(Date.now() / 1_000);
  const v1 = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  const response = await fetch(`${edgeUrl}/hooks/learningbank/${channel.integration}`, {
    method: 'POST',
    headers: { 'x-learningbank-signature': `t=${t},v1=${v1}` },
    body,
  });
  await response.arrayBuffer();
  return response.status;
}
