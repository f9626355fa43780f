import { insertCommand, readCommand, type CommandRow } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { fact, marker, TENANT } from '../ingest/fixture.ts';
import { silent, TopicContext } from '../ingest/kafka-fixture.ts';
import { query } from '../ingest/query.ts';
import { createReplay } from './replay.ts';

async function replay(
  t: TopicContext,
  payload: { readonly tenant?: string; readonly from?: string } = {},
): Promise<CommandRow> {
  return carryingOut(t, async () => {
    const id = await insertCommand(t.ctx.db, { addressee: 'learningbank-sink', kind: 'replay', payload });
    const ended = async (): Promise<CommandRow | undefined> => {
      const row = await readCommand(t.ctx.db, id);
      return row?.state === 'done' || row?.state === 'failed' ? row : undefined;
    };
    return until(ended, { deadlineMs: 30_000, what: 'the replay to end' });
  });
}

/** Commands are carried out while `work` goes on. */
async function carryingOut<T>(t: TopicContext, work: () => Promise<T>): Promise<T> {
  const { kafka, codec, topic } = t;
  const stop = new AbortController();
  const run = createReplay({ db: t.ctx.db, kafka, codec, log: silent, topic, pollMs: 20 }).run(stop.signal);
  try {
    return await work();
  } finally {
    stop.abort();
    await run;
  }
}

async function filled(): Promise<TopicContext> {
  const t = await TopicContext.open();
  const key = (kind: string, id: string): string => `${TENANT}/${kind}/${id}`;
  const snapshot = { snapshotId: 's', chunk: 1 };
  await t.produce(
    0,
    { key: 'start', value: marker('start', { lsn: 1, snapshotId: 's' }) },
    { key: key('person', 'a'), value: fact('person', { lsn: 1, id: 'a', ...snapshot }) },
    { key: key('person', 'b'), value: fact('person', { lsn: 1, id: 'b', ...snapshot }) },
    { key: 'end', value: marker('end', { lsn: 2, snapshotId: 's', chunks: [{ no: 1, kind: 'person', rows: 2 }] }) },
    { key: key('person', 'a'), value: fact('person', { lsn: 3, id: 'a', active: false }) },
  );
  await t.produce(1, { key: 'eu1.7/person/a', value: fact('person', { lsn: 1, id: 'a', tenant: 'eu1.7' }) });
  await t.ctx.integrate('eu1.7');
  await t.running(async () => {
    await t.reached(0, 6);
    await t.reached(1, 2);
  });
  await t.ctx.settle();
  return t;
}

test('a replay of a converged replica marks nothing, and touches neither offset nor snapshot', async () => {
  await using t = await filled();
  const before = { offsets: await t.offsets(), replica: await t.ctx.replica(), snapshot: await snapshots(t) };
  const command = await replay(t);
  expect(command).toMatchObject({ state: 'done', result: { total: 8, done: 8, calls: 0, changed: 0, marked: 0 } });
  expect({ offsets: await t.offsets(), replica: await t.ctx.replica(), snapshot: await snapshots(t) }).toEqual(before);
  expect(await t.ctx.work()).toEqual([]);
  const { run } = command.result as { readonly run: string };
  expect(await query(t.ctx.db, `select id, kind, state, integration_id, progress from sink.run`, [])).toMatchObject([
    { id: run, kind: 'replay', state: 'done', integration_id: null, progress: { done: 8, total: 8, calls: 0 } },
  ]);
});

test('what the replica has lost comes back and waits for a replay run, leavers do not', async () => {
  await using t = await filled();
  await query(t.ctx.db, `delete from sink.person where id = 'a'`, []);
  const tenantsIn = async (): Promise<readonly unknown[]> =>
    query(t.ctx.db, `select tenant, active from sink.person where id = 'a' order by tenant`, []);
  const command = await replay(t);
  expect(command.state).toBe('done');
  expect((command.result as { readonly changed: number }).changed).toBeGreaterThanOrEqual(2);
  expect(await tenantsIn()).toEqual([
    { tenant: TENANT, active: false },
    { tenant: 'eu1.7', active: true },
  ]);
  // Inactive, and not known before: no leaver. Both wait.
  expect((await t.ctx.work()).map(({ lane, for_run }) => [lane, for_run])).toEqual([
    [3, 'replay'],
    [3, 'replay'],
  ]);
});

test('from a time: older records are left alone', async () => {
  await using t = await filled();
  await query(t.ctx.db, `delete from sink.person`, []);
  const future = await replay(t, { from: new Date(Date.now() + 3_600_000).toISOString() });
  expect(future).toMatchObject({ state: 'done', result: { total: 0, done: 0, changed: 0 } });
  const past = await replay(t, { from: new Date(Date.now() - 3_600_000).toISOString() });
  expect(past).toMatchObject({ state: 'done', result: { total: 8, done: 8 } });
  expect((past.result as { readonly changed: number }).changed).toBeGreaterThanOrEqual(3);
});

test.each<readonly [what: string, payload: { readonly tenant?: string; readonly from?: string }, code: string]>([
  ['a time that is none', { from: 'yesterday' }, 'REQUEST_INVALID'],
  ['a tenant without an integration', { tenant: 'eu1.404' }, 'NOT_FOUND'],
  ['a tenant that is none', { tenant: 'forty-two' }, 'NOT_FOUND'],
])('%s is refused, and no run begins', async (_, payload, code) => {
  await using t = await TopicContext.open();
  expect(await replay(t, payload)).toMatchObject({ state: 'failed', code });
  expect(await query(t.ctx.db, `select from sink.run`, [])).toEqual([]);
});

test('live records flow while it runs, and what is newer than the topic was at its start stays', async () => {
  await using t = await filled();
  const key = `${TENANT}/person/b`;
  const command = await t.running(async () => {
    const replayed = replay(t);
    await t.produce(0, { key, value: fact('person', { lsn: 9, id: 'b', firstName: 'live' }) });
    await t.reached(0, 7);
    return replayed;
  });
  expect(command).toMatchObject({ state: 'done', result: { marked: 0 } });
  expect(await t.ctx.row('person', 'b')).toMatchObject({ first_name: 'live' });
  expect(await t.ctx.work()).toMatchObject([{ id: 'b', lane: 1, for_run: null }]);
});

test('taken again after its process died, it is the same run', async () => {
  await using t = await filled();
  const run = '00000000-0000-4000-8000-000000000001';
  await query(t.ctx.db, `insert into sink.run (id, kind, state) values (?, 'replay', 'applying')`, [run]);
  const id = await insertCommand(t.ctx.db, { addressee: 'learningbank-sink', kind: 'replay', payload: {} });
  await query(
    t.ctx.db,
    `update control.command set state = 'running', result = ?, updated_at = now() - interval '1 min' where id = ?`,
    [JSON.stringify({ run }), id],
  );
  await carryingOut(t, () =>
    until(async () => (await readCommand(t.ctx.db, id))?.state === 'done', { deadlineMs: 30_000, what: 'the replay' }),
  );
  expect(await query(t.ctx.db, `select id, state from sink.run`, [])).toEqual([{ id: run, state: 'done' }]);
});

function snapshots(t: TopicContext): Promise<readonly unknown[]> {
  return query(t.ctx.db, `select * from sink.snapshot`, []);
}
