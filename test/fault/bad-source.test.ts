import { worldPath } from '@orgstream/e2e/scene';
import { applySchema } from '@orgstream/simulator-ziik';
import { freshDatabase, startOwnPostgres, type OwnPostgres } from '@orgstream/testkit';
import { readStackFile } from '@orgstream/world';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orgstream, type CommandEnd } from './cli.ts';

let env: Readonly<Record<string, string>>;
/** Where source databases are made. */
let server: string;
let database: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  const file = await readStackFile(worldPath());
  server = file.ziikPostgresUrl;
  database = await freshDatabase('bad_source', file.postgresUrl);
  env = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: file.kafkaBrokers,
    REGISTRY_URL: file.registryUrl,
    ORGSTREAM_SECRET_KEY: file.secretKey,
  };
  expect(await orgstream(env, 'migrate')).toMatchObject({ exitCode: 0 });
});
afterAll(async () => await database?.[Symbol.asyncDispose]());

const add = (url: string, name = 'bad1'): Promise<CommandEnd> =>
  orgstream(env, 'source', 'add', '--name', name, '--url', url);

/** A Ziik database that was set up and then changed by `sql`. */
async function openSource(sql = ''): Promise<Awaited<ReturnType<typeof freshDatabase>>> {
  const source = await freshDatabase('source', server);
  const client = new pg.Client({ connectionString: source.url });
  await client.connect();
  await applySchema(client);
  if (sql) await client.query(sql);
  await client.end();
  return source;
}

function expectRefused(end: CommandEnd, code: string, ...remedies: readonly (string | RegExp)[]): void {
  expect(end).toMatchObject({ exitCode: 1, stdout: '' });
  expect(end.stderr).toMatch(new RegExp(`^orgstream: ${code}: `));
  for (const remedy of remedies) expect(end.stderr).toMatch(remedy);
  // One sentence, no stack, no password.
  expect(end.stderr.trim().split('\n')).toHaveLength(1);
  expect(end.stderr).not.toMatch(/ at |postgres:\/\//);
}

async function sources(): Promise<unknown> {
  return JSON.parse((await orgstream(env, 'source', 'list', '--json')).stdout);
}

describe('source add refuses, and says what to do', () => {
  test('wal_level = replica', async () => {
    await using replica: OwnPostgres = await startOwnPostgres({ wal_level: 'replica' });
    expectRefused(await add(replica.url), 'WAL_LEVEL_TOO_LOW', 'ALTER SYSTEM SET wal_level = logical');
    expect(await sources()).toEqual([]);
  });

  test('a wrong password', async () => {
    const url = new URL(server);
    url.password = 'wrong-secret';
    const end = await add(url.href);
    expectRefused(end, 'SOURCE_AUTH_FAILED');
    expect(end.stderr).not.toContain('wrong-secret');
  });

  test('a database that is not there', async () => {
    const url = new URL(server);
    url.pathname = '/nowhere';
    expectRefused(await add(url.href), 'SOURCE_AUTH_FAILED');
  });

  test('a server that does not answer: it may succeed later', async () => {
    const url = new URL(server);
    url.port = '1';
    const { exitCode, stderr } = await add(url.href);
    expect(exitCode).toBe(75);
    expect(stderr).toMatch(/^orgstream: SOURCE_UNREACHABLE: /);
  });

  test.each([
    ['a missing table', 'drop table membership_user_types', /membership_user_types.* is missing .*mapping/],
    ['a missing column', 'alter table users drop column language', /no column "language".*mapping/],
  ])('%s', async (_, sql, remedy) => {
    await using source = await openSource(sql);
    expectRefused(await add(source.url), 'SOURCE_SCHEMA_MISMATCH', remedy);
  });

  test.each([
    ['the primary key alone', 'alter table users replica identity default'],
    ['nothing', 'alter table users replica identity nothing'],
    ['an index that is gone', 'drop index users_site_id_id_key'],
  ])('a table whose replica identity is %s: the message holds the statement that mends it', async (_, sql) => {
    await using source = await openSource(sql);
    const end = await add(source.url);
    expectRefused(end, 'REPLICA_IDENTITY_LACKS_TENANT', /ALTER TABLE .*users.* REPLICA IDENTITY USING INDEX/);
    // It does: pasted as it stands, the source is accepted.
    const statement = /ALTER TABLE .*$/m.exec(end.stderr)![0];
    const client = new pg.Client({ connectionString: source.url });
    await client.connect();
    for (const one of statement.split(';')) await client.query(one);
    await client.end();
    expect(await add(source.url, 'mended')).toMatchObject({ exitCode: 0, stderr: '' });
    await forget('mended');
  });

  test('a role that may not replicate', async () => {
    await using source = await openSource();
    const role = `reader_${process.pid}`;
    const client = new pg.Client({ connectionString: source.url });
    await client.connect();
    await client.query(
      `create role ${role} login password 'x'; grant select on all tables in schema public to ${role}`,
    );
    const url = new URL(source.url);
    url.username = role;
    url.password = 'x';
    try {
      expectRefused(await add(url.href), 'SOURCE_GRANT_MISSING', /ALTER ROLE .* REPLICATION/);
    } finally {
      await client.query(`drop owned by ${role}; drop role ${role}`);
      await client.end();
    }
  });

  test('a slot of another installation', async () => {
    await using source = await openSource();
    await query(source.url, `select pg_create_logical_replication_slot('orgstream_taken', 'pgoutput')`);
    try {
      const { exitCode, stderr } = await add(source.url, 'taken');
      expect(exitCode).toBe(75);
      expect(stderr).toMatch(/^orgstream: SLOT_IN_USE: .*orgstream_taken.*drop it/);
    } finally {
      await query(source.url, `select pg_drop_replication_slot('orgstream_taken')`);
    }
  });
});

describe('wrong usage ends with 2, before anything is touched', () => {
  test.each([
    ['a URL of something else', ['source', 'add', '--name', 'x', '--url', 'mysql://x'], '--url'],
    ['no URL', ['source', 'add', '--name', 'x'], '--url'],
    ['a mapping that is not there', ['source', 'add', '--name', 'x', '--url', 'postgres://x', '--mapping', 'no.json'], '--mapping'], // prettier-ignore
    ['a tenant that is none', ['snapshot', '--tenant', 'forty-two'], '--tenant'],
    ['neither source nor tenant', ['snapshot'], '--source'],
    ['an unknown command', ['snapshoot'], 'snapshoot'],
    ['a product that is none', ['integration', 'create', '--tenant', 'eu1.1', '--url', 'http://x', '--credentials', '-', '--product', 'gold'], '--product'], // prettier-ignore
    ['a platform that is no URL', ['integration', 'create', '--tenant', 'eu1.1', '--url', 'there', '--credentials', 'x'], '--url'], // prettier-ignore
  ])('%s', async (_, args, named) => {
    const { exitCode, stderr } = await orgstream(env, ...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(named);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  test('a setting that is missing is named', async () => {
    const { exitCode, stderr } = await orgstream({ ...env, ORGSTREAM_SECRET_KEY: undefined }, 'source', 'add', '--name', 'x', '--url', server); // prettier-ignore
    expect(exitCode).toBe(2);
    expect(stderr).toContain('ORGSTREAM_SECRET_KEY');
  });
});

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** Takes a source down that nobody reads. */
async function forget(name: string): Promise<void> {
  const slot = `orgstream_${name}`;
  await query(
    server,
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${slot}'`,
  );
  await query(database.url, `delete from cdc.source where name = '${name}'`);
}
