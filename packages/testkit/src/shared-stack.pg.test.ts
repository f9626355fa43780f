import pg from 'pg';
import { expect, test } from 'vitest';
import { createDatabase, dropDatabase } from './databases.ts';
import { STACK_VARIABLE, freshDatabase, useStack } from './shared-stack.ts';
import { uniqueName } from './unique.ts';

async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) });
}

async function exists(name: string): Promise<boolean> {
  await using admin = await connect(useStack().postgresUrl);
  return (await admin.query('select from pg_database where datname = $1', [name])).rowCount === 1;
}

test('a fresh database is empty, and gone afterwards', async () => {
  let name: string;
  {
    await using database = await freshDatabase('mine');
    name = database.name;
    await using client = await connect(database.url);
    const { rows } = await client.query("select count(*)::int as tables from pg_tables where schemaname = 'public'");
    expect(rows).toEqual([{ tables: 0 }]);
    expect(await exists(name)).toBe(true);
  }
  expect(await exists(name)).toBe(false);
});

test('a database is dropped although somebody is connected', async () => {
  const name = uniqueName('busy', '_');
  await using client = await connect(await createDatabase(useStack().postgresUrl, name));
  await client.query('select 1');
  await dropDatabase(useStack().postgresUrl, name);
  expect(await exists(name)).toBe(false);
});

test('a database is dropped although its logical slot is being read', async () => {
  const name = uniqueName('slotted', '_');
  const url = await createDatabase(useStack().postgresUrl, name);
  const slot = uniqueName('slot', '_');
  {
    await using client = await connect(url);
    await client.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
    await client.query('create publication p for all tables');
  }
  const replication = { connectionString: url, replication: 'database' } as pg.ClientConfig;
  const reader = new pg.Client(replication);
  reader.on('error', () => {});
  await reader.connect();
  const started = new Promise((resolve) =>
    (reader as unknown as { connection: pg.Connection }).connection.once('replicationStart', resolve),
  );
  const stream = reader.query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names 'p')`);
  const ended = stream.catch(() => {});
  await started;
  await dropDatabase(useStack().postgresUrl, name);
  await ended;
  expect(await exists(name)).toBe(false);
});

test('dropping a database that is gone is no error', async () => {
  await expect(dropDatabase(useStack().postgresUrl, uniqueName('never', '_'))).resolves.toBeUndefined();
});

test('the cluster decodes logically and has room for many slots', async () => {
  await using client = await connect(useStack().postgresUrl);
  const { rows } = await client.query(
    "select name, setting from pg_settings where name in ('wal_level', 'max_replication_slots')",
  );
  expect(Object.fromEntries(rows.map((row: { name: string; setting: string }) => [row.name, row.setting]))).toEqual({
    wal_level: 'logical',
    max_replication_slots: '64',
  });
});

test('a cached stack is up within 15 seconds', ({ skip }) => {
  const text = process.env[STACK_VARIABLE] ?? '';
  const { kind, startMs } = (text.startsWith('{') ? JSON.parse(text) : {}) as { kind?: string; startMs?: number };
  if (kind !== 'embedded' || startMs === undefined) return skip('the stack was not started by this run from the cache');
  expect(startMs).toBeLessThan(15_000);
});
