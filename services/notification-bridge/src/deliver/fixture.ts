import { join } from 'node:path';
import { defaultSettings, type learningbank } from '@orgstream/core';
import {
  type Command,
  type CommandRow,
  createDatabase,
  createIntegration,
  insertChannel,
  insertCommand,
  migrate,
  readCommand,
  type Knex,
} from '@orgstream/database';
import { createLogger, createSecretBox } from '@orgstream/runtime';
import { startZiikSimulator, type ZiikSimulator } from '@orgstream/simulator-ziik';
import { freshDatabase, spawnProcess, until, type FreshDatabase, type ProcessHandle } from '@orgstream/testkit';
import { Registry } from 'prom-client';
import { enterNotifications } from '../ledger/intake-store.ts';
import { createMetrics } from '../metrics.ts';
import { createDelivery, type Delivery } from './delivery.ts';
import type { DeliverySettings } from './settings.ts';
import { Channel } from './fixture-channel.ts';

/** Short times, so that what has to be waited for is waited for briefly. */
export const quick: DeliverySettings = {
  callTimeoutMs: 1_000,
  graceMs: 300,
  callsPerMinute: Infinity,
  leaseMs: 1_500,
  receivers: 4,
  pollMs: 100,
  retryBaseMs: 20,
  retryCapMs: 200,
  retentionDays: 90,
};

const secretKey = `t:${'0'.repeat(64)}`;

/** A running delivery. */
export interface Running extends AsyncDisposable {
  readonly delivery: Delivery;
  readonly registry: Registry;
  stop(): Promise<void>;
}

/** A row of the ledger, as tests look at it. */
export interface RowSeen {
  readonly id: number;
  readonly notification_id: string;
  readonly receiver: string;
  readonly state: string;
  readonly code: string | null;
  readonly attempts: number;
  readonly parts_sent: number;
  readonly message_ids: readonly string[];
  readonly lease_token: string | null;
  readonly payload: unknown;
  readonly person_id: string | null;
  readonly warnings: readonly string[];
  readonly language: string | null;
}

/** A migrated database, a simulated Ziik, and tests that say what Learningbank tells whom. */
export class BridgeContext implements AsyncDisposable {
  readonly db: Knex;
  readonly database: FreshDatabase;
  readonly ziik: ZiikSimulator;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: {
    database: FreshDatabase;
    db: Knex;
    ziik: ZiikSimulator;
    resources: AsyncDisposableStack;
  }) {
    this.database = parts.database;
    this.db = parts.db;
    this.ziik = parts.ziik;
    this.#resources = parts.resources;
  }

  static async open(): Promise<BridgeContext> {
    const resources = new AsyncDisposableStack();
    const [database, source] = [
      resources.use(await freshDatabase('bridge')),
      resources.use(await freshDatabase('ziik')),
    ];
    const db = createDatabase(database.url, { max: 12 });
    resources.defer(() => db.destroy());
    await migrate(db);
    await db.raw(`insert into sink.platform (id, base_url) values ('p', 'http://platform')`);
    const ziik = resources.use(await startZiikSimulator({ databaseUrl: source.url }));
    return new BridgeContext({ database, db, ziik, resources });
  }

  /** A tenant with a channel: a site with its sender, no rate limit unless told. */
  async channel(
    options: { readonly settings?: object; readonly conversations?: 'auto' | 'new' | 'old' } = {},
  ): Promise<Channel> {
    const channel = await Channel.makeSite(this, options.settings ?? {});
    const secrets = createSecretBox(secretKey);
    const integration = await createIntegration(this.db, {
      tenant: channel.tenant,
      name: 'Academy',
      product: 'sync',
      platformUrl: 'http://platform',
      credentials: secrets.seal('{}'),
      settings: defaultSettings,
    });
    await this.db.raw(
      `insert into sink.integration_state (integration_id, tenant, platform, state) values (?, ?, 'p', 'live')`,
      [integration, channel.tenant],
    );
    await insertChannel(
      this.db,
      { integration, by: 'test' },
      {
        enabled: true,
        ziikUrl: channel.url,
        sender: {
          id: channel.senderId,
          secret: secrets.seal(JSON.stringify({ username: channel.senderEmail, password: 'secret' })),
        },
        intake: 'hook',
        conversations: options.conversations ?? 'auto',
        defaultLanguage: 'en',
        maxAgeS: 86_400,
        quiet: false,
        quietDuringRuns: true,
        hookSecret: secrets.seal('hook'),
      },
    );
    await this.db.raw(`update control.channel set since = now() - interval '30 days' where integration_id = ?`, [
      integration,
    ]);
    channel.integration = integration;
    return channel;
  }

  /** As the consumer enters them. */
  async enter(...notifications: readonly learningbank.Notification[]): Promise<void> {
    await enterNotifications(this.db, notifications);
  }

  /** Starts a delivery on this database, with short times unless told otherwise. */
  start(settings: Partial<DeliverySettings> = {}): Running {
    const stopping = new AbortController();
    const registry = new Registry();
    const delivery = createDelivery({
      db: this.db,
      databaseUrl: this.database.url,
      secrets: createSecretBox(secretKey),
      log: createLogger({ service: 'test', level: process.env['TEST_LOG'] ?? 'silent' }),
      metrics: createMetrics(registry),
      settings: { ...quick, ...settings },
    });
    const done = delivery.run(stopping.signal);
    const stop = async (): Promise<void> => {
      stopping.abort();
      await done;
    };
    this.#resources.defer(stop);
    return { delivery, registry, stop, [Symbol.asyncDispose]: stop };
  }

  /** The same in a process of its own, to be killed or paused. */
  async spawn(settings: Partial<DeliverySettings> = {}): Promise<ProcessHandle> {
    const handle = await spawnProcess({
      name: 'delivery',
      command: process.execPath,
      args: [join(import.meta.dirname, 'fixture-main.ts')],
      env: {
        DATABASE_URL: this.database.url,
        ORGSTREAM_SECRET_KEY: secretKey,
        SETTINGS: JSON.stringify({ ...quick, ...settings }),
      },
    });
    this.#resources.use(handle);
    return handle;
  }

  /** Asks as `control` does, and waits for the answer. */
  async ask(command: Command, deadlineMs = 20_000): Promise<CommandRow> {
    const id = await insertCommand(this.db, command);
    return until(
      async () => {
        const row = await readCommand(this.db, id);
        return row && (row.state === 'done' || row.state === 'failed') ? row : null;
      },
      { deadlineMs, what: `an answer to ${command.kind}` },
    );
  }

  /** What operators see of a channel. */
  async channelState(integration: string): Promise<string> {
    const { rows } = await this.db.raw<{ rows: { state: string; code: string | null }[] }>(
      `select state, code from bridge.channel_state where integration_id = ?`,
      [integration],
    );
    return rows[0] ? [rows[0].state, rows[0].code].filter((part) => part !== null).join(' ') : 'none';
  }

  async rows(): Promise<readonly RowSeen[]> {
    const { rows } = await this.db.raw<{ rows: RowSeen[] }>(
      `select id::int, notification_id, receiver, state, code, attempts, parts_sent, message_ids::text[], lease_token, payload,
              person_id, warnings, language
         from bridge.notification order by id`,
    );
    return rows;
  }

  async row(notification: string): Promise<RowSeen> {
    const found = (await this.rows()).find((row) => row.notification_id === notification);
    if (!found) throw new Error(`no row of ${notification}`);
    return found;
  }

  /** No row is open any more. */
  async ended(deadlineMs = 30_000): Promise<void> {
    await this.when('every notification to end', (rows) => rows.every(({ state }) => !open.has(state)), deadlineMs);
  }

  /** Waits for the ledger to be so. */
  async when(what: string, holds: (rows: readonly RowSeen[]) => boolean, deadlineMs = 30_000): Promise<void> {
    let last = '';
    await until(
      async () => {
        const rows = await this.rows();
        last = JSON.stringify(
          rows.slice(0, 10).map(({ notification_id, state, code }) => [notification_id, state, code]),
        );
        return holds(rows);
      },
      { deadlineMs, what: () => `${what}; last: ${last}` },
    );
  }

  /** One call of the simulator's own endpoints. */
  async sim(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.ziik.url}/_sim/${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

const open = new Set(['queued', 'sending', 'unknown']);
