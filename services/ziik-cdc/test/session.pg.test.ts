import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { AppError, partitionOf } from '@orgstream/core';
import { createDatabase, migrate, type Knex } from '@orgstream/database';
import { createLogger } from '@orgstream/runtime';
import { freshDatabase, startOwnPostgres, uniqueName, until } from '@orgstream/testkit';
import { addSource, connectSource, readSource, resolveMapping } from '@orgstream/ziik-source';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { Guardian } from '../src/guardian.ts';
import { createMetrics } from '../src/metrics.ts';
import { runSession } from '../src/session.ts';
import { runSource } from '../src/source-runner.ts';
import { requestSnapshots } from '../src/snapshot-store.ts';
import { decoded, FakeProducer, jsonCodec } from '../test-support/fake-producer.ts';

const schema = readFileSync(new URL('../../../test/simulators/ziik/schema.sql', import.meta.url), 'utf8');

interface RunOptions {
  readonly settings?: { maxInFlightBytes?: number; chunkRows?: number };
  readonly url?: string;
  readonly onRunning?: () => void;
  readonly db?: Knex;
}

/** A source and one session at a time, with a Kafka that the test acknowledges. */
class SessionContext implements AsyncDisposable {
  readonly source = uniqueName('s');
  readonly registry = new Registry();
  /** Records that were made so far. */
  encoded = 0;
  readonly #metrics = createMetrics(this.registry).of(this.source);
  readonly #resources: AsyncDisposableStack;
  readonly db: Knex;
  readonly sql: pg.Client;
  readonly url: string;

  private constructor(resources: AsyncDisposableStack, db: Knex, sql: pg.Client, url: string) {
    this.#resources = resources;
    this.db = db;
    this.sql = sql;
    this.url = url;
  }

  static async open(adminUrl?: string): Promise<SessionContext> {
    const resources = new AsyncDisposableStack();
    const ours = resources.use(await freshDatabase('cdc'));
    const theirs = resources.use(await freshDatabase('ziik', adminUrl));
    const db = createDatabase(ours.url, { max: 4 });
    resources.defer(() => db.destroy());
    await migrate(db);
    const sql = await connectSource(theirs.url, { name: 'test' });
    resources.defer(() => sql.end());
    await sql.query(schema);
    const context = new SessionContext(resources, db, sql, theirs.url);
    await addSource(db, {
      name: context.source,
      url: theirs.url,
      seal: () => ({ keyId: 'k', sealed: Buffer.from('x') }),
    });
    return context;
  }

  async start(
    producer: FakeProducer,
    settings: { maxInFlightBytes?: number; chunkRows?: number } = {},
    url = this.url,
  ) {
    const stop = new AbortController();
    const running = Promise.withResolvers<void>();
    const done = this.run(producer, stop.signal, { settings, url, onRunning: running.resolve });
    done.catch(running.reject);
    await running.promise;
    return {
      done,
      async [Symbol.asyncDispose]() {
        stop.abort();
        await done;
      },
    };
  }

  async run(producer: FakeProducer, signal: AbortSignal, options: RunOptions = {}): Promise<void> {
    await runSession(await this.parts(producer, options), signal);
  }

  async parts(producer: FakeProducer, options: RunOptions = {}) {
    const { settings, url = this.url, onRunning = () => {}, db = this.db } = options;
    return {
      row: (await readSource(this.db, this.source))!,
      url,
      mapping: resolveMapping(undefined),
      db,
      producer,
      partitions: 12,
      codec: { ...jsonCodec, encode: (...of: Parameters<typeof jsonCodec.encode>) => this.#encode(...of) },
      metrics: this.#metrics,
      log: createLogger({ service: 'test', level: 'silent' }),
      settings: { chunkRows: 100, maxInFlightBytes: 1e8, heartbeatMs: 200, checkMs: 5_000, flushMs: 20, ...settings },
      wake: new EventTarget(),
      onRunning,
    };
  }

  #encode(...of: Parameters<typeof jsonCodec.encode>): Buffer {
    this.encoded += 1;
    const value = jsonCodec.encode(...of);
    if (value.includes('UNFIT')) throw new AppError('RECORD_INVALID', 'encoding: a value that does not fit');
    return value;
  }

  async confirmed(): Promise<bigint> {
    const { rows } = await this.sql.query<{ lsn: string }>(
      `select (confirmed_flush_lsn - '0/0')::text as lsn from pg_replication_slots where database = current_database()`,
    );
    return BigInt(rows[0]!.lsn);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

const keys = (producer: FakeProducer): (string | null)[] => producer.acknowledged.map(({ key }) => key);

test('a record whose acknowledgement never came is sent again by the next session, and the slot waited for it', async () => {
  await using ctx = await SessionContext.open();
  // A record behind one in the same partition would wait for it: the third tenant lives in another.
  const partition = (site: number): number => partitionOf(`${ctx.source}.${site}`, 12);
  const third = [3, 4, 5, 6, 7, 8, 9].find((site) => partition(site) !== partition(2))!;
  const first = new FakeProducer();
  first.auto((append) => {
    // The second commit's record is never acknowledged; what comes after it is.
    if (!append.records.some(({ key }) => key!.endsWith('/units/2'))) append.ack();
  });
  {
    await using _session = await ctx.start(first);
    for (const [id, site] of [
      [1, 1],
      [2, 2],
      [3, third],
    ]) {
      await ctx.sql.query(`insert into units (id, site_id, name) values ($1, $2, 'u')`, [id, site]);
      await until(() => keys(first).length + 1 >= id!, { deadlineMs: 40_000, what: 'the record' });
    }
    await until(() => keys(first).length === 2, { deadlineMs: 40_000, what: 'the third record' });
  }
  expect(keys(first)).toEqual([`${ctx.source}.1/units/1`, `${ctx.source}.${third}/units/3`]);
  const second = new FakeProducer();
  second.auto();
  await using _session = await ctx.start(second);
  await until(() => keys(second).includes(`${ctx.source}.${third}/units/3`), { deadlineMs: 40_000, what: 'the rest' });
  expect(keys(second)).toEqual([`${ctx.source}.2/units/2`, `${ctx.source}.${third}/units/3`]);
});

test(
  'a transaction of any size takes no more memory than the limit: the socket waits for Kafka',
  { timeout: 120_000 },
  async () => {
    await using ctx = await SessionContext.open();
    const producer = new FakeProducer();
    const maxInFlightBytes = 2_000_000;
    await using _session = await ctx.start(producer, { maxInFlightBytes });
    const rows = 150_000;
    await ctx.sql.query(
      `insert into users (site_id, first_name, last_name, email)
       select 1 + i % 7, repeat('f', 60), repeat('l', 60), i || '@example.org' from generate_series(1, ${rows}) i`,
    );
    // Kafka does not answer: what was read stays within the limit (and one read of the socket), however long it takes.
    let last = 0;
    const stopped = (): boolean => {
      const before = last;
      last = ctx.encoded;
      return before > 0 && before === last;
    };
    await until(stopped, { deadlineMs: 30_000, what: 'the stream to stop', intervalMs: 300 });
    expect(ctx.encoded).toBeLessThan(rows / 10);
    let peak = 0;
    producer.auto((append) =>
      setImmediate(() => {
        peak = Math.max(peak, process.memoryUsage().heapUsed);
        append.ack();
        if (producer.acknowledged.length > 1_000) counted += producer.acknowledged.splice(0).length;
      }),
    );
    let counted = 0;
    const heap = process.memoryUsage().heapUsed;
    await until(() => counted + producer.acknowledged.length === rows, {
      deadlineMs: 90_000,
      what: 'the whole transaction',
    });
    expect(peak - heap).toBeLessThan(100_000_000);
  },
);

test(
  'a commit that is in the log and not yet visible makes the chunk be read again (facts §5)',
  { timeout: 120_000 },
  async () => {
    await using server = await startOwnPostgres();
    await using ctx = await SessionContext.open(server.url);
    await ctx.sql.query(`insert into sites (id, identifier) values (1, 'a')`);
    await ctx.sql.query(`insert into units (id, site_id, name) values (1, 1, 'OLD')`);
    const producer = new FakeProducer();
    producer.auto();
    await using _session = await ctx.start(producer);
    await until(() => keys(producer).length === 2, { deadlineMs: 40_000, what: 'the first rows' });
    // A standby that does not exist: the writer's commit goes to the log, and stays invisible.
    await ctx.sql.query(`alter system set synchronous_standby_names = 'nobody'`);
    await ctx.sql.query(`select pg_reload_conf()`);
    const writer = new pg.Client({ connectionString: ctx.url });
    await writer.connect();
    const update = until(
      async () =>
        (await ctx.sql.query(`show synchronous_standby_names`)).rows[0].synchronous_standby_names === 'nobody',
      { deadlineMs: 40_000, what: 'the setting' },
    ).then(() => writer.query(`update units set name = 'NEW' where id = 1`));
    await until(() => keys(producer).length === 3, { deadlineMs: 40_000, what: 'the update in the stream' });
    const { rows } = await ctx.sql.query(`select name from units`);
    expect(rows).toEqual([{ name: 'OLD' }]); // the race is open
    await ctx.db.raw('select 1');
    await requestSnapshots(ctx.db, {
      source: ctx.source,
      tenants: [{ tenant: `${ctx.source}.1`, siteId: '1' }],
      reason: 'test',
      commandId: null,
    });
    const retries = async (): Promise<boolean> =>
      /retries_total\{[^}]*\} [1-9]/.test(
        await ctx.registry.getSingleMetricAsString('orgstream_cdc_snapshot_chunk_retries_total'),
      );
    await until(retries, { deadlineMs: 20_000, what: 'a chunk to be read again' });
    expect(producer.acknowledged).toHaveLength(3); // nothing of the snapshot left meanwhile
    await ctx.sql.query(`alter system reset synchronous_standby_names`);
    await ctx.sql.query(`select pg_reload_conf()`);
    await update;
    await writer.end();
    const ended = (): boolean => keys(producer).some((key) => key!.endsWith('/end'));
    await until(ended, { deadlineMs: 20_000, what: 'the end marker' });
    const units = producer.acknowledged.filter(({ key }) => key === `${ctx.source}.1/units/1`).map(decoded);
    expect(units.map(({ value }) => value['name'])).toEqual(['OLD', 'NEW', 'NEW']);
  },
);

test('WAL beyond max_slot_wal_keep_size loses the slot, and the session says so', { timeout: 120_000 }, async () => {
  await using server = await startOwnPostgres({
    max_slot_wal_keep_size: '1MB',
    min_wal_size: '32MB',
    max_wal_size: '32MB',
  });
  await using ctx = await SessionContext.open(server.url);
  await ctx.sql.query(`create table noise (t text)`);
  await until(
    async () => {
      await ctx.sql.query(`insert into noise select repeat('x', 1000) from generate_series(1, 30000)`);
      await ctx.sql.query(`checkpoint`);
      const { rows } = await ctx.sql.query(`select wal_status from pg_replication_slots`);
      return rows[0].wal_status === 'lost';
    },
    { deadlineMs: 60_000, what: 'the slot to be lost' },
  );
  await expect(ctx.start(new FakeProducer())).rejects.toMatchObject({ code: 'SLOT_LOST' });
});

test('a chunk that was sent and not stored before a crash is read again under another number', async () => {
  await using ctx = await SessionContext.open();
  await ctx.sql.query(`insert into sites (id, identifier) values (1, 'a')`);
  await ctx.sql.query(`insert into units (id, site_id, name) select i, 1, 'u' from generate_series(1, 40) i`);
  const tenants = [{ tenant: `${ctx.source}.1`, siteId: '1' }];
  await requestSnapshots(ctx.db, { source: ctx.source, tenants, reason: 'test', commandId: null });
  const chunkOf = (record: Parameters<typeof decoded>[0]): unknown => decoded(record).value['chunk'];
  const first = new FakeProducer();
  const lost: unknown[] = [];
  first.auto((append) => {
    // Kafka has the second window's rows, but its acknowledgement never comes back.
    if (append.records.some((record) => chunkOf(record) === 3)) lost.push(...append.records.map(chunkOf));
    else append.ack();
  });
  {
    await using _session = await ctx.start(first, { chunkRows: 10 });
    await until(() => lost.length > 0, { deadlineMs: 40_000, what: 'the second window' });
  }
  await ctx.sql.query(`delete from units where id = 12`); // with the old number the counts would not hold now
  const second = new FakeProducer();
  second.auto();
  await using _session = await ctx.start(second, { chunkRows: 10 });
  const ended = (): boolean => keys(second).some((key) => key!.endsWith('/end'));
  await until(ended, { deadlineMs: 40_000, what: 'the end marker' });
  const end = decoded(second.acknowledged.find(({ key }) => key!.endsWith('/end'))!).value;
  const chunks = end['chunks'] as { no: number; kind: string; rows: number }[];
  expect(chunks.map(({ no }) => no)).not.toContain(3);
  expect(chunks.filter(({ kind }) => kind === 'unit').reduce((sum, { rows }) => sum + rows, 0)).toBe(39);
});

test('a row whose change during its chunk is set aside is sent and counted as it was read: it is there', async () => {
  await using ctx = await SessionContext.open();
  await ctx.sql.query(`insert into sites (id, identifier) values (1, 'a')`);
  await ctx.sql.query(`insert into users (id, site_id, first_name) values (1, 1, 'old'), (2, 1, 'old')`);
  await ctx.sql.query('begin');
  await ctx.sql.query('lock table users in access exclusive mode');
  const producer = new FakeProducer();
  producer.auto();
  const tenants = [{ tenant: `${ctx.source}.1`, siteId: '1' }];
  await requestSnapshots(ctx.db, { source: ctx.source, tenants, reason: 'test', commandId: null });
  await using _session = await ctx.start(producer);
  const reads = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await until(async () => (await ctx.sql.query(reads)).rowCount === 1, { deadlineMs: 40_000, what: 'the chunk' });
  await ctx.sql.query(`update users set first_name = 'UNFIT' where id = 1`);
  await ctx.sql.query(`update users set first_name = 'new' where id = 2`);
  await ctx.sql.query('commit');
  const end = () => producer.acknowledged.find(({ key }) => key?.endsWith('/end'));
  await until(() => end() !== undefined, { deadlineMs: 40_000, what: 'the end marker' });
  const sent = producer.acknowledged.filter(({ key }) => key?.includes('/users/')).map(decoded);
  const snapshot = sent.filter(({ value }) => value['chunk'] !== null);
  expect(snapshot.map(({ value }) => [value['id'], value['firstName']])).toEqual([[1, 'old']]);
  const chunks = decoded(end()!).value['chunks'] as { kind: string; rows: number }[];
  expect(chunks.filter(({ kind }) => kind === 'person').map(({ rows }) => rows)).toEqual([1]);
});

test('a row moved to another tenant is gone from the first, also when it is gone before it can be read again', async () => {
  await using ctx = await SessionContext.open();
  await ctx.sql.query(`alter table users alter column first_name set storage external`);
  await ctx.sql.query(`insert into users (id, site_id, first_name) values (1, 1, repeat('x', 10000))`);
  await ctx.sql.query(`update users set site_id = 2 where id = 1`); // the large value is not sent again
  await ctx.sql.query(`delete from users`);
  const producer = new FakeProducer();
  producer.auto();
  await using _session = await ctx.start(producer);
  const [first, second] = [`${ctx.source}.1/users/1`, `${ctx.source}.2/users/1`];
  await until(() => keys(producer).includes(second), { deadlineMs: 40_000, what: 'the deletion' });
  const said = producer.acknowledged.map((record) => [record.key, decoded(record).value['deleted']]);
  expect(said).toEqual(expect.arrayContaining([[first, false], [first, true], [second, true]])); // prettier-ignore
});

test('a slot that our own acknowledgements have moved since is no lost slot', async () => {
  await using ctx = await SessionContext.open();
  const row = (await readSource(ctx.db, ctx.source))!;
  const client = await connectSource(ctx.url, { name: 'test' });
  const metrics = createMetrics(new Registry()).of(ctx.source);
  const log = createLogger({ service: 'test', level: 'silent' });
  const mapping = resolveMapping(undefined);
  const guardian = new Guardian({ client, row, mapping, db: ctx.db, metrics, log, settings: { checkMs: 1_000 } });
  const producer = new FakeProducer();
  producer.auto();
  {
    await using _session = await ctx.start(producer);
    const moved = async (): Promise<boolean> => (await ctx.confirmed()) > BigInt(row.publishedLsn);
    await until(moved, { deadlineMs: 40_000, what: 'the slot to move' });
    // The hourly check, and the first one of a process that starts while another still streams.
    await guardian.checkAll();
  }
  await ctx.db.raw('update cdc.source set published_lsn = ?', [row.publishedLsn]);
  await expect(guardian.checkAll()).rejects.toMatchObject({ code: 'SLOT_LOST' });
  await client.end();
});

test('a session that is stopped while it begins ends', async () => {
  await using ctx = await SessionContext.open();
  const stop = new AbortController();
  const done = ctx.run(new FakeProducer(), stop.signal);
  stop.abort();
  await done;
});

test('a part that fails while the session still stores its state ends the session, not the process', async () => {
  await using ctx = await SessionContext.open();
  await using _first = await ctx.start(new FakeProducer());
  const storing = Promise.withResolvers<void>();
  const stored = Promise.withResolvers<void>();
  const raw = async (...of: Parameters<Knex['raw']>): Promise<unknown> => {
    if (String(of[0]).includes(`state = 'running'`)) {
      storing.resolve();
      await stored.promise;
    }
    return ctx.db.raw(...of);
  };
  const db = new Proxy(ctx.db, { get: (target, name) => (name === 'raw' ? raw : Reflect.get(target, name)) });
  const second = ctx.run(new FakeProducer(), new AbortController().signal, { db });
  await storing.promise;
  // The slot is in use, which the server has said long before it has answered these.
  for (let i = 0; i < 100; i += 1) await ctx.sql.query('select 1');
  stored.resolve();
  await expect(second).rejects.toMatchObject({ code: 'SLOT_IN_USE' }); // vitest fails a run with unhandled rejections
});

test('a Kafka that refuses us ends the process: its writers have given up for good', async () => {
  await using ctx = await SessionContext.open();
  await ctx.sql.query(`insert into units (id, site_id, name) values (1, 1, 'u')`);
  const refused = new AppError('KAFKA_AUTH_FAILED', 'appending');
  const producer = Object.assign(new FakeProducer(), {
    writer: (topic: string, partition: number) => ({ topic, partition, append: () => Promise.reject(refused) }),
  });
  const options = { ...(await ctx.parts(producer)), recheckMs: 10, onState: () => {} };
  await expect(runSource(options, AbortSignal.timeout(30_000))).rejects.toBe(refused);
});

test('rows that a policy hides from us halt the source: a snapshot without them would remove somebody', async () => {
  await using ctx = await SessionContext.open();
  await ctx.sql.query(`insert into sites (id, identifier) values (1, 'a')`);
  await ctx.sql.query(`insert into users (id, site_id, first_name) values (1, 1, 'hidden'), (2, 1, 'shown')`);
  const url = new URL(ctx.url);
  [url.username, url.password] = [`role_${ctx.source.replaceAll('-', '_')}`, 'p'];
  await ctx.sql.query(`create role ${url.username} login replication password 'p'`);
  await ctx.sql.query(`grant select on all tables in schema public to ${url.username}`);
  await ctx.sql.query(`alter table users enable row level security`);
  await ctx.sql.query(`create policy shown on users using (id <> 1)`);
  const tenants = [{ tenant: `${ctx.source}.1`, siteId: '1' }];
  await requestSnapshots(ctx.db, { source: ctx.source, tenants, reason: 'test', commandId: null });
  const producer = new FakeProducer();
  producer.auto();
  const session = ctx.run(producer, AbortSignal.timeout(20_000), { url: url.href });
  await expect(session).rejects.toMatchObject({ code: 'SOURCE_GRANT_MISSING' });
  expect(keys(producer).some((key) => key!.endsWith('/end'))).toBe(false);
  await ctx.sql.query(`drop owned by ${url.username}; drop role ${url.username}`);
});

test('a network that went silent does not hold up the end of a session', async () => {
  await using ctx = await SessionContext.open();
  const target = new URL(ctx.url);
  const pairs: { readonly client: Socket; readonly server: Socket; said: string }[] = [];
  const proxy = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    for (const socket of [client, server]) socket.on('error', () => {});
    client.pipe(server).pipe(client);
    const pair = { client, server, said: '' };
    client.on('data', (chunk) => (pair.said += chunk.toString('latin1')));
    pairs.push(pair);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(ctx.url);
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  {
    await using _session = await ctx.start(new FakeProducer(), {}, url.href);
    const beating = () => pairs.find(({ said }) => said.includes('heartbeat'));
    await until(() => beating() !== undefined, { deadlineMs: 40_000, what: 'a heartbeat' });
    const pair = beating()!;
    pair.said = '';
    for (const { client, server } of pairs) {
      server.unpipe().pause();
      client.unpipe().resume();
    }
    const unanswered = (): boolean => pair.said.includes('heartbeat') || pair.server.readableLength > 0;
    await until(unanswered, { deadlineMs: 40_000, what: 'a heartbeat without an answer' });
  }
  for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
  proxy.close();
});

test('wal_level = replica is refused with what to do', async () => {
  await using server = await startOwnPostgres({ wal_level: 'replica' });
  await using database = await freshDatabase('ziik', server.url);
  await using ours = await freshDatabase('cdc');
  const db = createDatabase(ours.url, { max: 2 });
  await migrate(db);
  const sql = await connectSource(database.url, { name: 'test' });
  await sql.query(schema);
  await sql.end();
  const adding = addSource(db, {
    name: 'eu1',
    url: database.url,
    seal: () => ({ keyId: 'k', sealed: Buffer.from('x') }),
  });
  await expect(adding).rejects.toMatchObject({
    code: 'WAL_LEVEL_TOO_LOW',
    message: expect.stringContaining('ALTER SYSTEM SET wal_level = logical'),
  });
  expect((await db.raw('select * from cdc.source')).rows).toEqual([]);
  await db.destroy();
});
