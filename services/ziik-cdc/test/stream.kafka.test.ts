import { AppError } from '@orgstream/core';
import { until } from '@orgstream/testkit';
import { removeSource } from '@orgstream/ziik-source';
import { expect, test } from 'vitest';
import { markFailed } from '../src/source-state.ts';
import { CdcContext, finalState } from '../test-support/cdc-context.ts';

test('a committed change is in Kafka with its position, and nothing before it is forgotten', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  await ctx.untilState('running');
  await ctx.sql.query(`insert into sites (id, identifier, name, default_language) values (42, 'acme', 'Acme', 'da')`);
  await ctx.sql.query(
    `insert into users (id, site_id, first_name, last_name, email, expires_at)
       values (7, 42, 'Åse', 'Ødegård', 'aase@example.org', '2030-01-02 03:04:05+01')`,
  );
  await ctx.untilPublished();
  const records = await ctx.rows();
  expect(records.map(({ key }) => key)).toEqual([`${ctx.tenant(42)}/sites/42`, `${ctx.tenant(42)}/users/7`]);
  expect(records[1]!.value).toMatchObject({
    position: { seq: 1, last: true, epoch: (await ctx.row()).epoch },
    deleted: false,
    snapshotId: null,
    id: 7,
    siteId: 42,
    firstName: 'Åse',
    active: true,
    admin: false,
    reference: null,
    expiresAtMs: Date.UTC(2030, 0, 2, 2, 4, 5),
  });
});

test('a transaction numbers its records, and marks the last one of each tenant', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  await ctx.sql.query(
    `insert into units (id, site_id, name) values (1, 5, 'a'), (2, 6, 'b'), (3, 5, 'c'), (4, 6, 'd'), (5, 5, 'e')`,
  );
  await ctx.untilPublished();
  const positions = (await ctx.rows())
    .map(({ value }) => value['position'] as { lsn: number; seq: number; last: boolean })
    .sort((a, b) => a.seq - b.seq);
  expect(positions.map(({ seq, last }) => [seq, last])).toEqual([
    [1, false],
    [2, false],
    [3, false],
    [4, true],
    [5, true],
  ]);
  expect(new Set(positions.map(({ lsn }) => lsn)).size).toBe(1);
});

test('a rolled back transaction leaves nothing', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  await ctx.sql.query(`begin; insert into units (id, site_id, name) values (1, 5, 'a'); rollback`);
  await ctx.sql.query(`insert into units (id, site_id, name) values (2, 5, 'b')`);
  await ctx.untilPublished();
  expect((await ctx.rows()).map(({ key }) => key)).toEqual([`${ctx.tenant(5)}/units/2`]);
});

test('DELETE and deleted_at both become a deletion that carries ids only', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  await ctx.sql.query(
    `insert into users (id, site_id, first_name, email) values (1, 5, 'Ann', 'a@x.org'), (2, 5, 'Bo', 'b@x.org')`,
  );
  await ctx.sql.query(`update users set deleted_at = now() where id = 1`);
  await ctx.sql.query(`delete from users where id = 2`);
  await ctx.untilPublished();
  const deletions = (await ctx.rows()).filter(({ value }) => value['deleted'] === true);
  expect(deletions.map(({ key }) => key)).toEqual([`${ctx.tenant(5)}/users/1`, `${ctx.tenant(5)}/users/2`]);
  for (const { value } of deletions) {
    const { position: _p, committedAtMs: _c, deleted: _d, ...rest } = value;
    expect(Object.entries(rest).filter(([, field]) => field !== null)).toEqual([
      ['id', value['id']],
      ['siteId', 5],
    ]);
  }
});

test('a row that moves to another tenant is deleted in the old one and written in the new one', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  await ctx.sql.query(`insert into units (id, site_id, name) values (1, 5, 'a')`);
  await ctx.sql.query(`update units set site_id = 6 where id = 1`);
  await ctx.sql.query(`update units set id = 9 where id = 1`);
  await ctx.untilPublished();
  const changes = (await ctx.rows()).filter(({ value }) => (value['position'] as { seq: number }).seq > 0);
  const of = (key: string) => changes.filter((change) => change.key === key).map(({ value }) => value['deleted']);
  expect(of(`${ctx.tenant(5)}/units/1`)).toEqual([false, true]);
  expect(of(`${ctx.tenant(6)}/units/1`)).toEqual([false, true]);
  expect(of(`${ctx.tenant(6)}/units/9`)).toEqual([false]);
  expect([...finalState(changes).keys()]).toEqual([`${ctx.tenant(6)}/units/9`]);
});

test.each(['using index units_site_id_id_key', 'full'])(
  'a large value that an update did not touch is kept (replica identity %s)',
  async (identity) => {
    await using ctx = await CdcContext.open({ prepare: `alter table units replica identity ${identity}` });
    const name = Array.from({ length: 10_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join(
      '',
    );
    await ctx.sql.query(`insert into units (id, site_id, name) values (1, 5, $1)`, [name]);
    await ctx.sql.query(`update units set reference = 'x' where id = 1`);
    await ctx.sql.query(`update units set reference = 'y' where id = 1; update units set reference = 'z' where id = 1`);
    await using _service = await ctx.start();
    await ctx.untilPublished();
    const rows = await ctx.rows();
    expect(rows.map(({ value }) => value['reference'])).toEqual([null, 'x', 'y', 'z']);
    expect(rows.every(({ value }) => value['name'] === name)).toBe(true);
  },
);

test('a large value of a row that is gone meanwhile: its deletion says all there is to say', async () => {
  await using ctx = await CdcContext.open();
  const name = Array.from({ length: 10_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join('');
  await ctx.sql.query(`insert into units (id, site_id, name) values (1, 5, $1)`, [name]);
  await ctx.sql.query(`update units set reference = 'x' where id = 1`);
  await ctx.sql.query(`delete from units where id = 1`);
  await using _service = await ctx.start();
  await ctx.untilPublished();
  expect((await ctx.rows()).map(({ value }) => value['deleted'])).toEqual([false, true]);
});

test('odd values arrive as they are: emoji, right-to-left text, tabs, backslashes, infinity, nulls', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  const odd = '\u{1f469}\u200d\u{1f373} \u0645\u0631\u062d\u0628\u0627\t\\N \\ \r\n end';
  await ctx.sql.query(`insert into sites (id, identifier) values (5, 'x')`);
  await ctx.sql.query(
    `insert into users (id, site_id, first_name, last_name, expires_at) values (1, 5, $1, '\\N', 'infinity')`,
    [odd],
  );
  await ctx.untilPublished();
  await ctx.snapshot(5);
  const users = (await ctx.rows()).filter(({ name }) => name === 'ziik.User');
  expect(users).toHaveLength(2); // streamed and read: the same
  for (const { value } of users) {
    expect(value).toMatchObject({ firstName: odd, lastName: '\\N', email: null, expiresAtMs: 8_640_000_000_000_000 });
  }
});

test('two sources in one process: one that halts does not stop the other', async () => {
  await using ctx = await CdcContext.open();
  await using other = await CdcContext.open({ add: false });
  await ctx.addSource(other.sourceUrl, undefined, other.source);
  await using _service = await ctx.start();
  await ctx.untilState('running');
  const { publication } = await ctx.row();
  await ctx.sql.query(`drop publication ${publication}`);
  await ctx.sql.query(`insert into units (id, site_id, name) values (1, 5, 'a')`);
  await ctx.untilState('halted', 'PUBLICATION_MISSING');
  await other.sql.query(`insert into units (id, site_id, name) values (1, 5, 'a')`);
  await until(async () => (await other.rows()).length > 0, { deadlineMs: 40_000, what: 'the other source to stream' });
  expect((await ctx.row()).code).toBe('PUBLICATION_MISSING');
});

test('a source added while ziik-cdc runs is picked up, and a removed one leaves no slot behind', async () => {
  await using ctx = await CdcContext.open({ add: false });
  await using _service = await ctx.start();
  await ctx.addSource();
  await ctx.untilState('running');
  await removeSource(ctx.db, ctx.source);
  const slots = () => ctx.sql.query(`select 1 from pg_replication_slots where database = current_database()`);
  await until(async () => (await slots()).rowCount === 0, { deadlineMs: 40_000, what: 'the slot to be dropped' });
  await until(async () => !(await ctx.row()), { deadlineMs: 40_000, what: 'the row to be gone' });
  expect((await slots()).rowCount).toBe(0);
});

test('a source whose slot takes its time to be made is not taken for one that has lost it', async () => {
  await using ctx = await CdcContext.open({ add: false });
  await using other = await CdcContext.open({ add: false });
  await ctx.addSource(other.sourceUrl, undefined, other.source);
  await using _service = await ctx.start();
  const count = async (where: string, name: string): Promise<number> =>
    (await ctx.db.raw(`select from cdc.source where name = ? and ${where}`, [name])).rows.length;
  const otherRuns = async (): Promise<boolean> => (await count(`state = 'running'`, other.source)) === 1;
  await until(otherRuns, { deadlineMs: 40_000, what: 'the other source to run' });
  // A new slot waits for every transaction that is open at the source.
  await ctx.sql.query('begin; create table open_meanwhile (id int)');
  const added = ctx.addSource();
  added.catch(() => {});
  await until(async () => (await count('true', ctx.source)) === 1, {
    deadlineMs: 40_000,
    what: 'the row of the source',
  });
  const { revision } = await ctx.row();
  // ziik-cdc goes round: time enough to start the other one anew is time enough for this one.
  for (let round = 0; round < 6; round += 1) {
    await ctx.db.raw(`update cdc.source set revision = revision + 1, state = 'new' where name = ?`, [other.source]);
    await until(otherRuns, { deadlineMs: 40_000, what: 'the other source to run again' });
  }
  expect(await ctx.row()).toMatchObject({ state: 'new', code: null, revision });
  await ctx.sql.query('commit');
  await added;
  await ctx.untilState('running');
  // What a runner of before has to say is not true any more.
  await markFailed(ctx.db, { name: ctx.source, revision }, new AppError('SLOT_LOST', 'late'), true);
  expect(await ctx.row()).toMatchObject({ state: 'running', code: null });
});

test('an idle source moves its slot on', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  await ctx.untilState('running');
  await ctx.sql.query(`create table elsewhere as select i, repeat('x', 100) from generate_series(1, 10000) i`);
  await ctx.untilPublished();
  expect(await ctx.records()).toEqual([]);
});

test('a killed connection is made anew, and nothing is missing', async () => {
  await using ctx = await CdcContext.open();
  await using _service = await ctx.start();
  const { epoch } = await ctx.untilState('running');
  for (let i = 1; i <= 3; i += 1) {
    await ctx.sql.query(`insert into units (id, site_id, name) values ($1, 5, 'a')`, [i]);
    await ctx.sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
  }
  await ctx.untilPublished();
  expect([...finalState(await ctx.rows()).keys()].sort()).toEqual([1, 2, 3].map((i) => `${ctx.tenant(5)}/units/${i}`));
  expect((await ctx.row()).epoch).toBe(epoch);
});
