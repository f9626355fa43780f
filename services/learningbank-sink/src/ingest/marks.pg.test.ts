import { expect, test } from 'vitest';
import type { Decoded } from '@orgstream/kafka';
import { fact, IngestContext, rejected, TENANT } from './fixture.ts';
import { markExpired } from './expiry.ts';
import { query } from './query.ts';
import { markWork } from './work-store.ts';

const lanes = { leaver: 0, live: 1, bulk: 2, gap: 3 };

/** Two people, two units, two roles; person 1 in unit 1 with role 1, person 2 in unit 2 with role 2. Work settled. */
async function scene(): Promise<IngestContext> {
  const ctx = await IngestContext.open();
  await ctx.take(
    fact('unit', { lsn: 1, id: '1' }),
    fact('unit', { lsn: 2, id: '2', parentId: '1' }),
    fact('role', { lsn: 3, id: '1' }),
    fact('role', { lsn: 4, id: '2' }),
    fact('person', { lsn: 5, id: 'p1' }),
    fact('person', { lsn: 6, id: 'p2' }),
    fact('membership', { lsn: 7, id: 'm1', personId: 'p1', unitId: '1' }),
    fact('membership', { lsn: 8, id: 'm2', personId: 'p2', unitId: '2' }),
    fact('assignment', { lsn: 9, id: 'a1', membershipId: 'm1', roleId: '1' }),
    fact('assignment', { lsn: 10, id: 'a2', membershipId: 'm2', roleId: '2' }),
  );
  await ctx.settle();
  return ctx;
}

const marked = async (ctx: IngestContext): Promise<readonly string[]> =>
  (await ctx.work()).map(({ kind, id, lane }) => `${kind} ${id} ${Object.keys(lanes)[lane]}`);

test.each<readonly [what: string, change: Decoded, marks: readonly string[]]>([
  ['unit renamed', fact('unit', { lsn: 20, id: '1', name: 'n' }), ['unit 1 live']],
  ['unit moved', fact('unit', { lsn: 20, id: '2', parentId: null }), ['unit 2 live']],
  [
    'unit deleted: its people and its children too',
    fact('unit', { lsn: 20, id: '1', deleted: true }),
    ['person p1 live', 'unit 1 live', 'unit 2 live'],
  ],
  [
    'unit becomes a department: the same',
    fact('unit', { lsn: 20, id: '1', unitType: 'department' }),
    ['person p1 live', 'unit 1 live', 'unit 2 live'],
  ],
  ['role renamed', fact('role', { lsn: 20, id: '1', name: 'n' }), ['role 1 live']],
  [
    'role deleted: whoever has it too',
    fact('role', { lsn: 20, id: '1', deleted: true }),
    ['person p1 live', 'role 1 live'],
  ],
  ['person renamed', fact('person', { lsn: 20, id: 'p1', firstName: 'n' }), ['person p1 live']],
  ['person deactivated', fact('person', { lsn: 20, id: 'p1', active: false }), ['person p1 leaver']],
  ['person deleted', fact('person', { lsn: 20, id: 'p1', deleted: true }), ['person p1 leaver']],
  ['person anonymised', fact('person', { lsn: 20, id: 'p1', anonymised: true }), ['person p1 leaver']],
  ['person expired already', fact('person', { lsn: 20, id: 'p1', expiresAtMs: 1 }), ['person p1 leaver']],
  [
    'membership to another unit',
    fact('membership', { lsn: 20, id: 'm1', personId: 'p1', unitId: '2' }),
    ['person p1 live'],
  ],
  [
    'membership to another person: both',
    fact('membership', { lsn: 20, id: 'm1', personId: 'p2', unitId: '1' }),
    ['person p1 live', 'person p2 live'],
  ],
  ['membership deleted', fact('membership', { lsn: 20, id: 'm1', deleted: true }), ['person p1 live']],
  [
    'assignment of another role',
    fact('assignment', { lsn: 20, id: 'a1', membershipId: 'm1', roleId: '2' }),
    ['person p1 live'],
  ],
  [
    'assignment to another membership: both people',
    fact('assignment', { lsn: 20, id: 'a1', membershipId: 'm2', roleId: '1' }),
    ['person p1 live', 'person p2 live'],
  ],
  ['assignment deleted', fact('assignment', { lsn: 20, id: 'a1', deleted: true }), ['person p1 live']],
  ['the site', fact('tenant', { lsn: 20, id: '42', name: 'n' }), []],
  [
    'the site deleted: its top unit, which halts the tenant',
    fact('tenant', { lsn: 20, id: '42', deleted: true }),
    ['unit 1 live'],
  ],
  ['a deletion of somebody never met', fact('person', { lsn: 20, id: 'p9', deleted: true }), []],
  [
    'a snapshot row',
    fact('person', { lsn: 20, id: 'p1', firstName: 'n', snapshotId: 's', chunk: 1 }),
    ['person p1 bulk'],
  ],
  [
    'a leaver found by a snapshot',
    fact('person', { lsn: 20, id: 'p1', active: false, snapshotId: 's', chunk: 1 }),
    ['person p1 leaver'],
  ],
])('%s', async (_, change, marks) => {
  await using ctx = await scene();
  await ctx.take(change);
  expect(await marked(ctx)).toEqual(marks);
});

test('a membership that arrives before its person and unit marks them again when they come', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('assignment', { lsn: 1, id: 'a', membershipId: 'm', roleId: '1' }));
  expect(await marked(ctx)).toEqual([]);
  await ctx.take(fact('membership', { lsn: 2, id: 'm', personId: 'p', unitId: '1' }));
  expect(await marked(ctx)).toEqual(['person p live']);
  await ctx.settle();
  await ctx.take(fact('unit', { lsn: 3, id: '1' }), fact('role', { lsn: 3, seq: 2, id: '1' }));
  expect(await marked(ctx)).toEqual(['person p live', 'role 1 live', 'unit 1 live']);
});

test('a rejected membership parks its person, the next good one makes it ready', async () => {
  await using ctx = await scene();
  await ctx.take(rejected('membership', { lsn: 20, id: 'm1' }));
  expect(await ctx.work()).toMatchObject([{ id: 'p1', state: 'parked', code: 'FACT_INVALID' }]);
  await ctx.take(fact('membership', { lsn: 21, id: 'm1', personId: 'p1', unitId: '1' }));
  expect(await ctx.work()).toMatchObject([{ id: 'p1', state: 'ready', code: null }]);
});

test('one transaction over 100 objects is bulk, also when it comes in two batches; leavers stay leavers', async () => {
  await using ctx = await IngestContext.open();
  const people = Array.from({ length: 130 }, (_, n) => fact('person', { lsn: 1, seq: n + 1, id: `p${n}` }));
  await ctx.take(...people);
  await ctx.settle();
  const changes = people.map((_, n) =>
    fact('person', { lsn: 2, seq: n + 1, id: `p${n}`, firstName: 'new', active: n !== 1 }),
  );
  await ctx.take(...changes.slice(0, 60));
  await ctx.take(...changes.slice(60));
  const byLane = Object.groupBy(await ctx.work(), ({ lane }) => lane);
  expect(byLane[lanes.leaver]).toHaveLength(1);
  expect(byLane[lanes.live]).toHaveLength(59);
  expect(byLane[lanes.bulk]).toHaveLength(70);
});

test('100 transactions of one object each are live', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(...Array.from({ length: 130 }, (_, n) => fact('person', { lsn: n + 1, id: `p${n}` })));
  expect((await ctx.work()).every(({ lane }) => lane === lanes.live)).toBe(true);
});

test('marked again: the more urgent lane wins, the generation is a new one, any state becomes ready', async () => {
  await using ctx = await scene();
  const generation = async (): Promise<number> => Number((await ctx.work())[0]!.generation);
  await ctx.take(fact('person', { lsn: 20, id: 'p1', firstName: 'a', snapshotId: 's', chunk: 1 }));
  const first = await generation();
  await query(
    ctx.db,
    `update sink.work set state = 'waiting', waits_kind = 'unit', waits_id = '1', attempts = 4, code = 'X'`,
    [],
  );
  await ctx.take(fact('person', { lsn: 21, id: 'p1', firstName: 'b' }));
  const second = await generation();
  expect(await ctx.work()).toMatchObject([{ lane: lanes.live, state: 'ready', code: null }]);
  await ctx.take(fact('person', { lsn: 22, id: 'p1', active: false }));
  await ctx.take(fact('person', { lsn: 23, id: 'p1', active: false, reference: 'x' }));
  expect(await ctx.work()).toMatchObject([{ lane: lanes.leaver }]);
  expect(second).toBeGreaterThan(first);
  expect(await generation()).toBeGreaterThan(second);
});

test('an object settled and marked again has a generation of its own: a stale claim cannot settle the new mark', async () => {
  await using ctx = await scene();
  await ctx.take(fact('person', { lsn: 20, id: 'p1', firstName: 'a' }));
  const [claimed] = await ctx.work();
  await ctx.settle();
  await ctx.take(fact('person', { lsn: 21, id: 'p1', firstName: 'b' }));
  const [marked] = await ctx.work();
  expect(marked!.id).toBe(claimed!.id);
  expect(Number(marked!.generation)).toBeGreaterThan(Number(claimed!.generation));
});

test('a disabled integration gets everything in lane gap, and the next live change after enabling lifts its object', async () => {
  await using ctx = await scene();
  await query(ctx.db, `update control.integration set enabled = false`, []);
  await ctx.take(
    fact('person', { lsn: 20, id: 'p1', active: false }),
    fact('person', { lsn: 21, id: 'p2', firstName: 'n' }),
  );
  expect(await marked(ctx)).toEqual(['person p1 gap', 'person p2 gap']);
  await query(ctx.db, `update control.integration set enabled = true`, []);
  await ctx.take(fact('person', { lsn: 22, id: 'p2', firstName: 'm' }));
  expect(await marked(ctx)).toEqual(['person p1 gap', 'person p2 live']);
});

test('half a transaction is not ripe until its last record has been passed, even by a fact that loses', async () => {
  await using ctx = await scene();
  await ctx.take(fact('role', { lsn: 900, id: '2', name: 'much newer' }));
  await ctx.settle();
  await query(ctx.db, `update sink.ingest_progress set passed_lsn = 19`, []);
  await ctx.take(fact('person', { lsn: 20, seq: 1, id: 'p1', firstName: 'half', last: false }));
  expect(await ctx.work()).toMatchObject([{ id: 'p1', ripe: false, state: 'ready' }]);
  const [early] = await query<{ waits: boolean }>(
    ctx.db,
    `select next_at > now() + interval '1 s' as waits from sink.work`,
    [],
  );
  expect(early?.waits).toBe(true);
  await ctx.take(fact('role', { lsn: 20, seq: 2, id: '2', name: 'loses', last: true }));
  expect(await ctx.work()).toMatchObject([{ id: 'p1', ripe: true }]);
  const [now] = await query<{ due: boolean }>(ctx.db, `select next_at <= now() as due from sink.work`, []);
  expect(now?.due).toBe(true);
});

test('a record that comes again after the last of its transaction is ripe at once', async () => {
  await using ctx = await scene();
  await ctx.take(fact('person', { lsn: 20, seq: 2, id: 'p2', firstName: 'n' }));
  await ctx.take(fact('person', { lsn: 20, seq: 1, id: 'p1', firstName: 'n', last: false }));
  expect((await ctx.work()).every(({ ripe }) => ripe)).toBe(true);
});

test('an end date that passes marks a leaver, once', async () => {
  await using ctx = await IngestContext.open();
  const soon = Date.now() + 60_000;
  await ctx.take(fact('person', { lsn: 1, id: 'p1', expiresAtMs: soon }), fact('person', { lsn: 2, id: 'p2' }));
  await ctx.settle();
  expect(await markExpired(ctx.db, new Date(soon - 1))).toBe(0);
  expect(await markExpired(ctx.db, new Date(soon))).toBe(1);
  expect(await marked(ctx)).toEqual(['person p1 leaver']);
  expect(await markExpired(ctx.db, new Date(soon + 1))).toBe(0);
  await ctx.take(fact('person', { lsn: 3, id: 'p1', expiresAtMs: soon + 60_000 }));
  expect(await markExpired(ctx.db, new Date(soon + 60_000))).toBe(1);
});

test('marking wakes the reconciler with the ids of the integrations', async () => {
  await using ctx = await IngestContext.open();
  const connection = (await ctx.db.client.acquireConnection()) as {
    query: (sql: string) => Promise<unknown>;
    once: (event: string, listener: (message: { payload: string }) => void) => void;
  };
  try {
    await connection.query('listen orgstream_work');
    const heard = new Promise<string>((resolve) => connection.once('notification', ({ payload }) => resolve(payload)));
    await ctx.take(fact('person', { lsn: 1, id: 'p1' }));
    const rows = await query<{ id: string }>(ctx.db, `select id from control.integration`, []);
    expect(await heard).toBe(rows[0]?.id);
  } finally {
    await ctx.db.client.releaseConnection(connection);
  }
});

test('markWork takes marks from others too', async () => {
  await using ctx = await scene();
  const cause = { epoch: 1, lsn: 1, committedAtMs: 0 };
  const ids = await markWork(ctx.db, [{ tenant: TENANT, kind: 'person', id: 'p1', lane: 'live', cause, ripe: true }]);
  expect(ids).toHaveLength(1);
  expect(await marked(ctx)).toEqual(['person p1 live']);
});

test.each<readonly [what: string, change: Decoded, marks: readonly string[]]>([
  ['unit renamed', fact('unit', { lsn: 20, id: '1', name: 'n' }), ['person p1 live', 'unit 1 live']],
  ['role renamed', fact('role', { lsn: 20, id: '1', name: 'n' }), ['person p1 live', 'role 1 live']],
  [
    'security group renamed',
    fact('unit', { lsn: 20, id: '3', unitType: 'department', name: 'n' }),
    ['person p2 live', 'unit 3 live'],
  ],
])('with filters, a name may bring people in or out: %s', async (_, change, marks) => {
  await using ctx = await scene();
  await ctx.take(
    fact('unit', { lsn: 11, id: '3', parentId: '1', unitType: 'department' }),
    fact('membership', { lsn: 12, id: 'm2', personId: 'p2', unitId: '2', departmentId: '3' }),
  );
  await query(
    ctx.db,
    `update control.settings set settings = jsonb_set(settings, '{filters,departments,exclude}', '["n"]')`,
    [],
  );
  await ctx.settle();
  await ctx.take(change);
  expect(await marked(ctx)).toEqual(marks);
});
