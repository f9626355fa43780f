import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { topics, type Records } from '@orgstream/core';
import { createDatabase, insertCommand, migrate, readCommand, type CommandRow, type Knex } from '@orgstream/database';
import { applyTopics, createCodec, createKafka, registerSchemas, type Kafka } from '@orgstream/kafka';
import { createLogger, createSecretBox, readConfig, type Service } from '@orgstream/runtime';
import { freshDatabase, startService, uniqueName, until, useStack, type ServiceHandle } from '@orgstream/testkit';
import { addSource, readSource, type SourceRow } from '@orgstream/ziik-source';
import { Registry } from 'prom-client';
import pg from 'pg';
import { Config } from '../src/config.ts';
import { createService } from '../src/service.ts';

const schema = readFileSync(new URL('../../../test/simulators/ziik/schema.sql', import.meta.url), 'utf8');

/** A record of `ziik.changes` as a test sees it. */
export interface SeenRecord {
  readonly key: string;
  readonly name: keyof Records;
  readonly value: Records[keyof Records] & Record<string, unknown>;
  readonly partition: number;
  readonly offset: number;
}

export interface OpenOptions {
  /** Settings of ziik-cdc beside those of the stack. */
  readonly env?: Readonly<Record<string, string>>;
  /** The source's server; default: the shared stack's. */
  readonly sourceAdminUrl?: string;
  /** SQL that runs in the source before the source is added. */
  readonly prepare?: string;
  readonly add?: boolean;
}

/** A source database with the reference schema, our database, and ziik-cdc between them and the shared Kafka. */
export class CdcContext implements AsyncDisposable {
  readonly source: string;
  readonly sourceUrl: string;
  readonly sql: pg.Client;
  readonly db: Knex;
  readonly kafka: Kafka;
  readonly env: Readonly<Record<string, string>>;
  readonly #resources: AsyncDisposableStack;
  readonly #codec;
  readonly #since = Date.now() - 1_000;

  private constructor(fields: {
    source: string;
    sourceUrl: string;
    sql: pg.Client;
    db: Knex;
    env: Readonly<Record<string, string>>;
    resources: AsyncDisposableStack;
  }) {
    this.source = fields.source;
    this.sourceUrl = fields.sourceUrl;
    this.sql = fields.sql;
    this.db = fields.db;
    this.env = fields.env;
    this.#resources = fields.resources;
    this.kafka = createKafka({ brokers: fields.env['KAFKA_BROKERS']!.split(','), clientId: 'cdc-test' });
    this.#codec = createCodec({ registryUrl: fields.env['REGISTRY_URL']! });
  }

  static async open(options: OpenOptions = {}): Promise<CdcContext> {
    const stack = useStack();
    const resources = new AsyncDisposableStack();
    const ours = resources.use(await freshDatabase('cdc'));
    const theirs = resources.use(await freshDatabase('ziik', options.sourceAdminUrl ?? stack.postgresUrl));
    const db = createDatabase(ours.url, { max: 5 });
    resources.defer(() => db.destroy());
    await migrate(db);
    const sql = new pg.Client({ connectionString: theirs.url });
    sql.on('error', () => {});
    await sql.connect();
    resources.defer(() => sql.end());
    await sql.query(schema);
    if (options.prepare) await sql.query(options.prepare);
    const env = {
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
      OPS_HOST: '127.0.0.1',
      OPS_PORT: '0',
      KAFKA_BROKERS: stack.kafkaBrokers,
      REGISTRY_URL: stack.registryUrl,
      DATABASE_URL: ours.url,
      ORGSTREAM_SECRET_KEY: `test:${randomBytes(32).toString('hex')}`,
      CDC_POLL_MS: '50',
      CDC_HEARTBEAT_MS: '500',
      CDC_CHECK_MS: '300',
      CDC_FLUSH_MS: '50',
      CDC_RECHECK_MS: '300',
      ...options.env,
    };
    const context = new CdcContext({ source: uniqueName('s'), sourceUrl: theirs.url, sql, db, env, resources });
    await until(
      async () => {
        // Other test files do the same at the same time, and one of two is refused then.
        await applyTopics(context.kafka, { partitions: 12, replicationFactor: 1 });
        return (await registerSchemas({ registryUrl: stack.registryUrl })).length > 0;
      },
      { deadlineMs: 30_000, what: 'topics and schemas' },
    );
    if (options.add !== false) await context.addSource();
    return context;
  }

  addSource(url = this.sourceUrl, mapping?: unknown, name = this.source) {
    const box = createSecretBox(this.env['ORGSTREAM_SECRET_KEY']!);
    return addSource(this.db, { name, url, mapping, seal: (plain) => box.seal(plain) });
  }

  tenant(siteId: number): string {
    return `${this.source}.${siteId}`;
  }

  /** Runs ziik-cdc in this process until disposed. */
  async start(): Promise<AsyncDisposable & { readonly failed: Promise<unknown> }> {
    const stop = new AbortController();
    const config = readConfig(Config, this.env);
    const log = createLogger({ service: 'ziik-cdc', level: config.LOG_LEVEL });
    const service: Service = await createService({ config, log, signal: stop.signal, registry: new Registry() });
    const run = service.run();
    const failed = run.then(
      () => undefined,
      (error: unknown) => error,
    );
    return {
      failed,
      async [Symbol.asyncDispose]() {
        stop.abort();
        await failed;
        await service[Symbol.asyncDispose]();
      },
    };
  }

  /** Runs ziik-cdc as a process of its own. */
  startProcess(env: Readonly<Record<string, string>> = {}): Promise<ServiceHandle> {
    const { OPS_PORT: _port, ...rest } = { ...this.env, ...env };
    return startService({ name: 'ziik-cdc', env: rest });
  }

  async row(): Promise<SourceRow> {
    return (await readSource(this.db, this.source))!;
  }

  /** Waits until the source is in a state, with a code. */
  untilState(state: SourceRow['state'], code: string | null = null): Promise<SourceRow> {
    return until(
      async () => {
        const row = await this.row();
        return row.state === state && row.code === code ? row : undefined;
      },
      { deadlineMs: 20_000, what: `source to be ${state} ${code ?? ''}` },
    );
  }

  /** Waits until the slot has passed everything committed so far: then Kafka holds it. */
  async untilPublished(deadlineMs = 20_000): Promise<void> {
    const { rows } = await this.sql.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const { slot } = await this.row();
    await until(
      async () => {
        const passed = await this.sql.query(
          `select 1 from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2::pg_lsn`,
          [slot, rows[0]!.lsn],
        );
        return passed.rowCount === 1;
      },
      { deadlineMs, what: 'the slot to pass what was committed' },
    );
  }

  /** Everything of this source in the topic, in the order of the log per partition. */
  async records(): Promise<SeenRecord[]> {
    const seen: SeenRecord[] = [];
    await this.kafka.read({
      topic: topics.ziikChanges,
      from: { timestampMs: this.#since },
      maxBatchRecords: 5_000,
      signal: AbortSignal.timeout(60_000),
      onBatch: async ({ records, partition }) => {
        for (const { key, value, offset } of records) {
          if (!key?.startsWith(`${this.source}.`) || !value) continue;
          const decoded = await this.#codec.decode(value);
          seen.push({ key, partition, offset, name: decoded.name, value: decoded.value as SeenRecord['value'] });
        }
      },
    });
    return seen.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }

  /** Records but markers. */
  async rows(): Promise<SeenRecord[]> {
    return (await this.records()).filter(({ name }) => name !== 'ziik.SnapshotMarker');
  }

  /** Asks for a snapshot and waits for the command's end. */
  async snapshot(tenant?: number, recreate = false, deadlineMs = 60_000): Promise<CommandRow> {
    const id = await this.command(tenant, recreate);
    return this.finished(id, deadlineMs);
  }

  command(tenant?: number, recreate = false): Promise<number> {
    return insertCommand(this.db, {
      addressee: 'ziik-cdc',
      kind: 'snapshot',
      payload: {
        source: this.source,
        reason: 'test',
        recreate,
        ...(tenant === undefined ? {} : { tenant: this.tenant(tenant) }),
      },
    });
  }

  finished(id: number, deadlineMs = 60_000): Promise<CommandRow> {
    return until(
      async () => {
        const row = await readCommand(this.db, id);
        return row && (row.state === 'done' || row.state === 'failed') ? row : undefined;
      },
      { deadlineMs, what: 'the command to end' },
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** State by key, as a consumer that keeps the newest by (epoch, lsn, seq, offset) ends up with; deletions drop out. */
export function finalState(records: readonly SeenRecord[]): Map<string, Record<string, unknown>> {
  const newest = new Map<string, SeenRecord>();
  for (const record of records) {
    if (record.name === 'ziik.SnapshotMarker') continue;
    const known = newest.get(record.key);
    if (!known || !isOlder(record, known)) newest.set(record.key, record);
  }
  const state = new Map<string, Record<string, unknown>>();
  for (const [key, { value }] of newest) {
    const { position: _p, committedAtMs: _c, snapshotId: _s, chunk: _n, deleted, ...fields } = value;
    if (!deleted) state.set(key, fields);
  }
  return state;
}

interface Positioned {
  readonly position: { readonly epoch: number; readonly lsn: number; readonly seq: number };
}

function isOlder(a: SeenRecord, b: SeenRecord): boolean {
  const [p, q] = [(a.value as unknown as Positioned).position, (b.value as unknown as Positioned).position];
  return (p.epoch - q.epoch || p.lsn - q.lsn || p.seq - q.seq) < 0;
}
