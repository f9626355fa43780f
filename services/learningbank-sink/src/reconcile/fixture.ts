import { join } from 'node:path';
import { defaultSettings, isAppError, topics, type IntegrationSettings } from '@orgstream/core';
import { createDatabase, createIntegration, migrate, postgresError, type Knex } from '@orgstream/database';
import type { Decoded } from '@orgstream/kafka';
import { createLogger, createSecretBox } from '@orgstream/runtime';
import { startSimulator, type Simulator } from '@orgstream/simulator-learningbank';
import { freshDatabase, spawnProcess, until, type FreshDatabase, type ProcessHandle } from '@orgstream/testkit';
import { Registry } from 'prom-client';
import { fact } from '../ingest/fixture.ts';
import { ingest } from '../ingest/ingest.ts';
import { insertOffsets } from '../ingest/offset-store.ts';
import { toItem } from '../ingest/to-item.ts';
import { createSinkMetrics } from '../metrics.ts';
import type { Said } from './fixture-facts.ts';
import { SimPlatform } from './fixture-platform.ts';
import type { WorkerSettings } from './worker-options.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';

export * from './fixture-facts.ts';
export { SimPlatform };

const TENANT = 'eu1.42';

/** Short times, so that what has to be waited for is waited for briefly. */
export const quick: WorkerSettings = {
  concurrency: 8,
  objectsInFlight: 64,
  callsPerMinute: Infinity,
  callTimeoutMs: 1_000,
  leaseMs: 1_500,
  pollMs: 100,
  sweepMs: 200,
  catalogueMs: 60_000,
  patience: { maxRounds: 24, maxAttempts: 4, retryBaseMs: 20, retryCapMs: 200 },
};

/** A running reconciler. */
export interface Running extends AsyncDisposable {
  readonly reconciler: Reconciler;
  readonly registry: Registry;
  stop(): Promise<void>;
}

/** A row of work, as tests look at it. */
export interface WorkSeen {
  readonly kind: string;
  readonly id: string;
  readonly state: string;
  readonly code: string | null;
  readonly waits: string | null;
  readonly attempts: number;
}

const secretKey = `t:${'0'.repeat(64)}`;

/** A migrated database, a simulated Learningbank, and a source that tests let speak. */
export class SinkContext implements AsyncDisposable {
  readonly db: Knex;
  readonly database: FreshDatabase;
  readonly simulator: Simulator;
  readonly #resources: AsyncDisposableStack;
  #offset = 0;
  #lsn = 1;

  private constructor(parts: {
    database: FreshDatabase;
    db: Knex;
    simulator: Simulator;
    resources: AsyncDisposableStack;
  }) {
    this.database = parts.database;
    this.db = parts.db;
    this.simulator = parts.simulator;
    this.#resources = parts.resources;
  }

  static async open(): Promise<SinkContext> {
    const resources = new AsyncDisposableStack();
    const database = resources.use(await freshDatabase('sink'));
    const db = createDatabase(database.url, { max: 12 });
    resources.defer(() => db.destroy());
    await migrate(db);
    await insertOffsets(db, topics.directoryChanges, 'cluster', [{ partition: 0, low: 0, high: 0 }]);
    const simulator = resources.use(await startSimulator());
    return new SinkContext({ database, db, simulator, resources });
  }

  /** A platform without rate limit; see PlatformInput of the simulator for what it may hold. */
  async platform(input: object = {}): Promise<SimPlatform> {
    const response = await fetch(`${this.simulator.url}/_sim/platforms`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rateLimitPerMinute: 0, ...input }),
    });
    if (!response.ok) throw new Error(await response.text());
    return new SimPlatform(this.simulator.url, (await response.json()) as SimPlatform['facts']);
  }

  async integrate(
    platform: SimPlatform,
    options: {
      readonly tenant?: string;
      readonly settings?: Partial<IntegrationSettings>;
      readonly password?: string;
    } = {},
  ): Promise<string> {
    const { tenant = TENANT, settings = {}, password } = options;
    const credentials = { ...platform.facts.credentials, ...(password === undefined ? {} : { password }) };
    return createIntegration(this.db, {
      tenant,
      name: 'Academy',
      product: 'sync',
      platformUrl: platform.facts.url,
      credentials: createSecretBox(secretKey).seal(JSON.stringify(credentials)),
      settings: { ...defaultSettings, ...settings },
    });
  }

  /** One transaction of the source, taken in as one batch. */
  async commit(...said: readonly Said[]): Promise<void> {
    const lsn = (this.#lsn += 1);
    const records = said.map(([kind, id, fields], at) =>
      fact(kind, {
        tenant: TENANT,
        lsn,
        seq: at + 1,
        last: at === said.length - 1,
        id,
        ...fields,
        committedAtMs: Date.now(),
      }),
    );
    await this.take(records);
  }

  async take(records: readonly Decoded[]): Promise<void> {
    const expectedOffset = this.#offset;
    const items = records.map((record) => toItem(record, this.#offset++)!);
    const batch = { topic: topics.directoryChanges, partition: 0, items, expectedOffset, nextOffset: this.#offset };
    await again(() => ingest(this.db, batch));
  }

  /** A snapshot of the tenant has been proved. */
  async prove(tenant = TENANT): Promise<void> {
    await this.db.raw(
      `insert into sink.snapshot (tenant, snapshot_id, epoch, lsn, seq, partition, start_offset, state) values (?, 's1', 1, 1, 0, 0, 0, 'proved')
       on conflict do nothing`,
      [tenant],
    );
    await this.db.raw(`select pg_notify('orgstream_work', '')`);
  }

  /** An integration of a new platform, after the first sync of what is said. Leaves a reconciler running. */
  async synced(...said: readonly Said[]): Promise<{ readonly platform: SimPlatform; readonly integration: string }> {
    const platform = await this.platform();
    const integration = await this.integrate(platform);
    await this.commit(...said);
    this.start();
    await this.prove();
    await this.converged();
    return { platform, integration };
  }

  /** Starts a reconciler on this database, with short times unless told otherwise. */
  start(settings: Partial<WorkerSettings> = {}, db: Knex = this.db): Running {
    const stopping = new AbortController();
    const registry = new Registry();
    const reconciler = createReconciler({
      db,
      databaseUrl: this.database.url,
      secrets: createSecretBox(secretKey),
      log: createLogger({ service: 'test', level: process.env['TEST_LOG'] ?? 'silent' }),
      metrics: createSinkMetrics(registry),
      settings: { ...quick, ...settings },
    });
    const done = reconciler.run(stopping.signal);
    const stop = async (): Promise<void> => {
      stopping.abort();
      await done;
    };
    this.#resources.defer(stop);
    return { reconciler, registry, stop, [Symbol.asyncDispose]: stop };
  }

  /** The same in a process of its own, to be killed or paused. */
  async spawn(settings: Partial<WorkerSettings> = {}): Promise<ProcessHandle> {
    const handle = await spawnProcess({
      name: 'reconciler',
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

  async work(): Promise<readonly WorkSeen[]> {
    const { rows } = await this.db.raw<{ rows: WorkSeen[] }>(
      `select kind, id, state, code, case when waits_kind is not null then waits_kind || '/' || waits_id end as waits, attempts
         from sink.work order by kind, id`,
    );
    return rows;
  }

  async state(integrationId: string): Promise<{ readonly state: string; readonly code: string | null }> {
    const { rows } = await this.db.raw<{ rows: { state: string; code: string | null }[] }>(
      `select state, code from sink.integration_state where integration_id = ?`,
      [integrationId],
    );
    return rows[0] ?? { state: 'none', code: null };
  }

  /** Every integration is live and nothing is outstanding but what is parked, conflicts or is held. */
  async converged(deadlineMs = 45_000): Promise<void> {
    let last = '';
    await until(
      async () => {
        const work = (await this.work()).filter(({ state }) => state === 'ready' || state === 'waiting');
        const { rows } = await this.db.raw<{ rows: { state: string; code: string | null }[] }>(
          `select state, code from control.integration i left join sink.integration_state s on s.integration_id = i.id where enabled`,
        );
        last = JSON.stringify({ work: work.slice(0, 10), integrations: rows });
        return work.length === 0 && rows.every(({ state }) => state === 'live');
      },
      { deadlineMs, what: () => `the sink to converge; last: ${last}` },
    );
  }

  async openAttempts(): Promise<number> {
    const { rows } = await this.db.raw<{ rows: { n: string }[] }>(
      `select count(*) as n from sink.attempt where state in ('sent', 'unknown')`,
    );
    return Number(rows[0]!.n);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** As the consumer does it: a batch that lost a deadlock against the reconciler is taken once more, as a whole. */
async function again(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work();
      return;
    } catch (error) {
      const known = postgresError(error, 'ingest');
      if (!isAppError(known) || known.disposition !== 'retry' || attempt === 5) throw error;
    }
  }
}
