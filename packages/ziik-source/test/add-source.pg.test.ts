import { readFileSync } from 'node:fs';
import { createDatabase, migrate, type Knex } from '@orgstream/database';
import { freshDatabase, uniqueName } from '@orgstream/testkit';
import type pg from 'pg';
import { expect, test } from 'vitest';
import {
  addSource,
  connectSource,
  preflight,
  readPublication,
  readServerFacts,
  readSource,
  removeSource,
  resolveMapping,
  slotNameOf,
} from '../src/index.ts';

const schema = readFileSync(new URL('../../../test/simulators/ziik/schema.sql', import.meta.url), 'utf8');
const seal = (): { keyId: string; sealed: Buffer } => ({ keyId: 'k', sealed: Buffer.from('x') });

class SourceContext implements AsyncDisposable {
  readonly name = uniqueName('s');
  readonly db: Knex;
  readonly sql: pg.Client;
  readonly url: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(resources: AsyncDisposableStack, db: Knex, sql: pg.Client, url: string) {
    this.#resources = resources;
    this.db = db;
    this.sql = sql;
    this.url = url;
  }

  static async open(): Promise<SourceContext> {
    const resources = new AsyncDisposableStack();
    const ours = resources.use(await freshDatabase('cdc'));
    const theirs = resources.use(await freshDatabase('ziik'));
    const db = createDatabase(ours.url, { max: 2 });
    resources.defer(() => db.destroy());
    await migrate(db);
    const sql = await connectSource(theirs.url, { name: 'test' });
    resources.defer(() => sql.end());
    await sql.query(schema);
    return new SourceContext(resources, db, sql, theirs.url);
  }

  add(mapping?: unknown, url = this.url): ReturnType<typeof addSource> {
    return addSource(this.db, { name: this.name, url, mapping, seal });
  }

  check(create: boolean, mapping?: unknown) {
    const slot = slotNameOf(this.name);
    return preflight(this.sql, { slot, publication: slot, mapping: resolveMapping(mapping) }, create);
  }

  /** A role of its own, and the URL with it. */
  async role(attributes: string): Promise<string> {
    const role = uniqueName('r', '_');
    await this.sql.query(`create role ${role} login password 'p' ${attributes}`);
    this.#resources.defer(async () => {
      await this.sql.query(`drop owned by ${role}; drop role ${role}`);
    });
    const url = new URL(this.url);
    [url.username, url.password] = [role, 'p'];
    return url.href;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

const errors = (findings: Awaited<ReturnType<SourceContext['check']>>) =>
  findings.filter(({ level }) => level === 'error');

test('adding a source makes slot and publication once, publishing only the mapped columns', async () => {
  await using ctx = await SourceContext.open();
  await ctx.sql.query(`alter table users add column password_hash text`);
  const added = await ctx.add();
  expect(added).toMatchObject({ created: true, slot: slotNameOf(ctx.name), publication: slotNameOf(ctx.name) });
  expect(await readSource(ctx.db, ctx.name)).toMatchObject({ state: 'new', streamed: false, systemId: null });
  const published = (await readPublication(ctx.sql, added.publication))?.get('public.users');
  // PostgreSQL 14 knows no lists of columns.
  if ((await readServerFacts(ctx.sql)).versionNum < 150_000) expect(published).toEqual(['*']);
  else expect(published).toContain('email');
  expect(published).not.toContain('password_hash');
  expect(errors(await ctx.check(false))).toEqual([]);
});

test('adding it again keeps the slot with what it holds, and starts the source anew', async () => {
  await using ctx = await SourceContext.open();
  await ctx.add();
  const lsn = () =>
    ctx.sql.query(`select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1`, [
      slotNameOf(ctx.name),
    ]);
  const before = await lsn();
  const { revision } = (await readSource(ctx.db, ctx.name))!;
  await ctx.sql.query(`insert into units (site_id, name) values (1, 'a')`);
  expect(await ctx.add()).toMatchObject({ created: false });
  expect((await lsn()).rows).toEqual(before.rows);
  expect((await readSource(ctx.db, ctx.name))!.revision).toBeGreaterThan(revision);
});

test('the slot of another installation is not taken over', async () => {
  await using ctx = await SourceContext.open();
  await ctx.sql.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slotNameOf(ctx.name)]);
  await expect(ctx.add()).rejects.toMatchObject({ code: 'SLOT_IN_USE' });
  expect(await readSource(ctx.db, ctx.name)).toBe(undefined);
});

test('a replica identity without the tenant is refused with the statement that helps', async () => {
  await using ctx = await SourceContext.open();
  await ctx.sql.query(`alter table users replica identity default`);
  const [finding] = errors(await ctx.check(true));
  expect(finding).toMatchObject({ code: 'REPLICA_IDENTITY_LACKS_TENANT', level: 'error' });
  await expect(ctx.add()).rejects.toMatchObject({
    code: 'REPLICA_IDENTITY_LACKS_TENANT',
    message: expect.stringContaining(finding!.action),
  });
  await ctx.sql.query(finding!.action);
  expect(errors(await ctx.check(true))).toEqual([]);
});

test('the statement for a table without a fitting index works as it stands', async () => {
  await using ctx = await SourceContext.open();
  await ctx.sql.query(
    `alter table units replica identity default; drop index units_site_id_id_key; alter table units alter site_id drop not null`,
  );
  const [finding] = errors(await ctx.check(true));
  expect(finding!.code).toBe('REPLICA_IDENTITY_LACKS_TENANT');
  for (const statement of finding!.action.split('; ')) await ctx.sql.query(statement);
  expect(errors(await ctx.check(true))).toEqual([]);
});

test.each(['full', 'using index units_site_id_id_key'])(
  'with replica identity %s the source can still update and delete',
  async (identity) => {
    await using ctx = await SourceContext.open();
    await ctx.sql.query(`alter table units add column secret text; alter table units replica identity ${identity}`);
    await ctx.add();
    await ctx.sql.query(`insert into units (id, site_id, name) values (1, 1, 'a')`);
    await ctx.sql.query(`update units set name = 'b'`);
    expect((await ctx.sql.query(`delete from units`)).rowCount).toBe(1);
  },
);

test('missing tables and columns are named, with their place in the mapping file', async () => {
  await using ctx = await SourceContext.open();
  await ctx.sql.query(`drop table memberships; alter table users drop column email`);
  const found = errors(await ctx.check(true)).map(({ code, action }) => `${code} ${action}`);
  expect(found).toHaveLength(2);
  expect(found.every((one) => one.startsWith('SOURCE_SCHEMA_MISMATCH'))).toBe(true);
  expect(found.join()).toContain('tables.memberships.table');
  expect(found.join()).toContain('tables.users.columns.email');
});

test('a mapping file with other names, in another schema', async () => {
  await using ctx = await SourceContext.open();
  await ctx.sql.query(
    `create schema app; alter table users set schema app; alter table app.users rename to people; alter table app.people rename column email to mail`,
  );
  const mapping = { tables: { users: { table: 'app.people', columns: { email: 'mail' } } } };
  expect(errors(await ctx.check(true))).not.toEqual([]);
  expect(await ctx.add(mapping)).toMatchObject({ created: true });
  expect(errors(await ctx.check(false, mapping))).toEqual([]);
});

test('wrong credentials, an unknown database and a server that is not there each have their code', async () => {
  await using ctx = await SourceContext.open();
  const url = new URL(ctx.url);
  url.password = 'wrong';
  await expect(ctx.add(undefined, url.href)).rejects.toMatchObject({ code: 'SOURCE_AUTH_FAILED' });
  const missing = new URL(ctx.url);
  missing.pathname = '/nowhere';
  await expect(ctx.add(undefined, missing.href)).rejects.toMatchObject({ code: 'SOURCE_AUTH_FAILED' });
  const down = new URL(ctx.url);
  down.port = '1';
  await expect(ctx.add(undefined, down.href)).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
});

test('a role that may not replicate, publish or read is told which grant it lacks', async () => {
  await using ctx = await SourceContext.open();
  await expect(ctx.add(undefined, await ctx.role(''))).rejects.toMatchObject({
    code: 'SOURCE_GRANT_MISSING',
    message: expect.stringContaining('REPLICATION'),
  });
  await expect(ctx.add(undefined, await ctx.role('replication'))).rejects.toMatchObject({
    code: 'SOURCE_GRANT_MISSING',
    message: expect.stringContaining('GRANT'),
  });
  expect(await readSource(ctx.db, ctx.name)).toBe(undefined);
});

test('a removed source is marked, and one that never was says so', async () => {
  await using ctx = await SourceContext.open();
  await ctx.add();
  expect(await removeSource(ctx.db, ctx.name)).toBe(true);
  expect(await readSource(ctx.db, ctx.name)).toMatchObject({ removed: true });
  expect(await removeSource(ctx.db, 'nobody')).toBe(false);
});
