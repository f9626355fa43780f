import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { CdcContext, finalState, type SeenRecord } from '../test-support/cdc-context.ts';

const seed = (rows: number): string => `
  insert into sites (id, identifier) values (1, 'a'), (2, 'b');
  insert into units (site_id, name) select 1 + i % 2, 'unit ' || i from generate_series(1, ${rows}) i;
  insert into users (site_id, first_name, last_name, email)
    select 1 + i % 2, 'first ' || i, 'last ' || i, i || '@example.org' from generate_series(1, ${rows}) i;
  insert into memberships (site_id, user_id, unit_id) select 1 + i % 2, i, i from generate_series(1, ${rows}) i;
`;

interface Chunk {
  readonly no: number;
  readonly kind: string;
  readonly rows: number;
}

/** What ingest asks of a snapshot: start seen, and as many distinct keys per listed chunk as the end marker says. */
function proof(records: readonly SeenRecord[], tenant: string): { proved: boolean; rows: number; kinds: string[] } {
  const mine = records.filter(({ key }) => key.startsWith(`${tenant}/`));
  const markers = mine.filter(({ name }) => name === 'ziik.SnapshotMarker');
  const end = markers.findLast(({ value }) => value['phase'] === 'end');
  const id = end?.value['snapshotId'];
  const start = markers.find(({ value }) => value['phase'] === 'start' && value['snapshotId'] === id);
  const chunks = (end?.value['chunks'] ?? []) as Chunk[];
  const keys = (no: number): number =>
    new Set(mine.filter(({ value }) => value['snapshotId'] === id && value['chunk'] === no).map(({ key }) => key)).size;
  return {
    proved: start !== undefined && chunks.every(({ no, rows }) => keys(no) === rows),
    rows: chunks.reduce((sum, { rows }) => sum + rows, 0),
    kinds: [...new Set(chunks.map(({ kind }) => kind))],
  };
}

const kinds = ['tenant', 'unit', 'role', 'person', 'membership', 'assignment'];

/** The tables of the source as records would say it: field by field by an independent query. */
async function tableState(ctx: CdcContext): Promise<Map<string, Record<string, unknown>>> {
  const state = new Map<string, Record<string, unknown>>();
  const { rows: units } = await ctx.sql.query(`select id::int, site_id::int, name from units where deleted_at is null`);
  for (const { id, site_id, name } of units)
    state.set(`${ctx.tenant(site_id)}/units/${id}`, { id, siteId: site_id, name });
  const { rows: users } = await ctx.sql.query(
    `select id::int, site_id::int, email from users where deleted_at is null`,
  );
  for (const { id, site_id, email } of users)
    state.set(`${ctx.tenant(site_id)}/users/${id}`, { id, siteId: site_id, email });
  const { rows: members } = await ctx.sql.query(`select id::int, site_id::int, user_id::int from memberships`);
  for (const { id, site_id, user_id } of members) {
    state.set(`${ctx.tenant(site_id)}/memberships/${id}`, { id, siteId: site_id, userId: user_id });
  }
  return state;
}

function expectSameState(records: readonly SeenRecord[], wanted: Map<string, Record<string, unknown>>): void {
  const state = finalState(records);
  for (const key of state.keys()) if (/\/(sites|user_types|membership_user_types)\//.test(key)) state.delete(key);
  expect([...state.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [key, fields] of wanted) expect(state.get(key)).toMatchObject(fields);
}

test('a snapshot of one tenant sends its rows, and only its, between two markers', async () => {
  await using ctx = await CdcContext.open({ prepare: seed(100), env: { CDC_CHUNK_ROWS: '7' } });
  await using _service = await ctx.start();
  expect(await ctx.snapshot(1)).toMatchObject({ state: 'done', code: null });
  const records = await ctx.records();
  expect(records[0]).toMatchObject({ name: 'ziik.SnapshotMarker', value: { phase: 'start', chunks: [] } });
  expect(records.at(-1)).toMatchObject({ name: 'ziik.SnapshotMarker', value: { phase: 'end' } });
  expect(records.every(({ key }) => key.startsWith(`${ctx.tenant(1)}/`))).toBe(true);
  expect(proof(records, ctx.tenant(1))).toEqual({ proved: true, rows: 151, kinds });
  for (const { value } of records.slice(1, -1)) expect(value['position']).toMatchObject({ seq: 0, last: true });
});

test('a chunk reads its own rows at the source, also where statistics know of none', async () => {
  await using ctx = await CdcContext.open({ env: { CDC_CHUNK_ROWS: '50' } });
  const tables = ['units', 'users', 'memberships'];
  for (const table of tables) await ctx.sql.query(`alter table ${table} set (autovacuum_enabled = off)`);
  await ctx.sql.query(`insert into units (site_id, name) values (9, 'only'); analyze`);
  await ctx.sql.query(seed(6_000));
  const read = async (): Promise<number> => {
    const { rows } = await ctx.sql.query<{ n: string }>(
      `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as n from pg_stat_user_tables where relname = any($1)`,
      [tables],
    );
    return Number(rows[0]!.n);
  };
  const before = await read();
  {
    await using _service = await ctx.start();
    expect(await ctx.snapshot(1)).toMatchObject({ state: 'done' });
  }
  // Once its connections have ended the server has counted what they read.
  const ended = async (): Promise<boolean> =>
    (
      await ctx.sql.query(
        `select from pg_stat_activity where application_name like 'orgstream %' and datname = current_database()`,
      )
    ).rowCount === 0;
  await until(ended, { deadlineMs: 40_000, what: 'the connections to end' });
  expect((await read()) - before).toBeLessThan(3 * 9_000);
});

test('a snapshot of a whole source takes every tenant in turn', async () => {
  await using ctx = await CdcContext.open({ prepare: seed(50) });
  await using _service = await ctx.start();
  const command = await ctx.snapshot();
  expect(command).toMatchObject({ state: 'done', result: { total: 2, done: 2, failed: 0 } });
  const records = await ctx.records();
  for (const site of [1, 2]) expect(proof(records, ctx.tenant(site)).proved).toBe(true);
  expectSameState(records, await tableState(ctx));
});

test('a tenant without rows is proved by zeros of every kind but its own', async () => {
  await using ctx = await CdcContext.open({ prepare: `insert into sites (id, identifier) values (9, 'new')` });
  await using _service = await ctx.start();
  await ctx.snapshot(9);
  expect(proof(await ctx.records(), ctx.tenant(9))).toEqual({ proved: true, rows: 1, kinds });
});

test('a tenant that the source does not have is named by the command, and others go on', async () => {
  await using ctx = await CdcContext.open({ prepare: seed(10) });
  await using _service = await ctx.start();
  expect(await ctx.snapshot(77)).toMatchObject({ state: 'failed', code: 'TENANT_UNKNOWN' });
  expect(await ctx.snapshot(1)).toMatchObject({ state: 'done' });
  expect((await ctx.records()).some(({ key }) => key.startsWith(`${ctx.tenant(77)}/`))).toBe(false);
});

test(
  'while writers write: the state by key is the tables’ state, and the counts hold',
  { timeout: 120_000 },
  async () => {
    await using ctx = await CdcContext.open({ prepare: seed(600), env: { CDC_CHUNK_ROWS: '25' } });
    await using _service = await ctx.start();
    await ctx.untilState('running');
    let writing = true;
    const write = async (): Promise<void> => {
      for (let n = 0; writing; n += 1) {
        const id = 1 + ((n * 37) % 600);
        await ctx.sql.query(`update users set email = 'w${n}@example.org' where id = ${id}`);
        await ctx.sql.query(`update units set name = 'w${n}' where id = ${1 + ((n * 53) % 600)}`);
        await ctx.sql.query(`delete from memberships where id = ${1 + ((n * 41) % 600)}`);
        await ctx.sql.query(`insert into memberships (site_id, user_id, unit_id) values (${1 + (n % 2)}, ${id}, ${n})`);
        if (n % 10 === 0)
          await ctx.sql.query(`update units set site_id = 3 - site_id where id = ${1 + ((n * 29) % 600)}`);
        if (n % 15 === 0) await ctx.sql.query(`update users set deleted_at = now() where id = ${1 + ((n * 17) % 600)}`);
      }
    };
    const writer = write();
    const command = await ctx.snapshot();
    writing = false;
    await writer;
    expect(command.state).toBe('done');
    await ctx.untilPublished();
    const records = await ctx.records();
    for (const site of [1, 2]) expect(proof(records, ctx.tenant(site)).proved).toBe(true);
    expectSameState(records, await tableState(ctx));
  },
);

test(
  'killed in the middle of a snapshot, it goes on where Kafka was, and the counts hold',
  { timeout: 120_000 },
  async () => {
    await using ctx = await CdcContext.open({ prepare: seed(2_000), env: { CDC_CHUNK_ROWS: '20' } });
    const first = await ctx.startProcess();
    const id = await ctx.command(1);
    const sent = async (): Promise<number> =>
      Number((await ctx.db.raw(`select coalesce(sum(rows_sent), 0) as n from cdc.snapshot`)).rows[0].n);
    await until(async () => (await sent()) > 200, { deadlineMs: 30_000, what: 'some chunks', intervalMs: 2 });
    await first.stop({ signal: 'SIGKILL' });
    const before = await sent();
    expect(before).toBeLessThan(3_001);
    // The command stays with the dead process for a while; the snapshot itself goes on at once.
    await using _second = await ctx.startProcess();
    expect(await ctx.finished(id, 90_000)).toMatchObject({ state: 'done' });
    const records = await ctx.records();
    expect(proof(records, ctx.tenant(1))).toEqual({ proved: true, rows: 3_001, kinds });
    const read = records.filter(({ value }) => value['chunk'] !== null && value['chunk'] !== undefined).length;

    expect(read).toBeLessThan(3_001 + 200); // resumed, not begun again
  },
);
