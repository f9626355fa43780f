import { insertCommand, readCommand, type CommandRow } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { fact, marker, TENANT } from '../ingest/fixture.ts';
import { silent, TopicContext } from '../ingest/kafka-fixture.ts';
import { query } from '../ingest/query.ts';
import { createReplay } from './replay.ts';

async function replay(t: TopicContext, payload: { readonly tenant?: string } = {}): Promise<CommandRow> {
  const { kafka, codec, topic } = t;
  const stop = new AbortController();
  const run = createReplay({ db: t.ctx.db, kafka, codec, log: silent, topic, pollMs: 20 }).run(stop.signal);
  try {
    const id = await insertCommand(t.ctx.db, { addressee: 'learningbank-sink', kind: 'replay', payload });
    const ended = async (): Promise<CommandRow | undefined> => {
      const row = await readCommand(t.ctx.db, id);
      return row?.state === 'done' || row?.state === 'failed' ? row : undefined;
    };
    return await until(ended, { deadlineMs: 30_000, what: 'the replay to end' });
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
  expect(command).toMatchObject({ state: 'done', result: { total: 8, records: 8, changed: 0, marked: 0 } });
  expect({ offsets: await t.offsets(), replica: await t.ctx.replica(), snapshot: await snapshots(t) }).toEqual(before);
  expect(await t.ctx.work()).toEqual([]);
  expect(await query(t.ctx.db, `select kind, state from sink.run`, [])).toEqual([{ kind: 'replay', state: 'done' }]);
});

test('what the replica has lost comes back in lane bulk, of the tenant asked for only', async () => {
  await using t = await filled();
  await query(t.ctx.db, `delete from sink.person where id = 'a'`, []);
  const tenantsIn = async (): Promise<readonly unknown[]> =>
    query(t.ctx.db, `select tenant, active from sink.person where id = 'a' order by tenant`, []);
  // Which of the two partitions is the tenant's own follows from its name; the test wrote them where it liked.
  await replay(t, { tenant: 'eu1.404' });
  expect(await tenantsIn()).toEqual([]);
  const command = await replay(t);
  expect(command.state).toBe('done');
  expect((command.result as { readonly changed: number }).changed).toBeGreaterThanOrEqual(2);
  expect(await tenantsIn()).toEqual([
    { tenant: TENANT, active: false },
    { tenant: 'eu1.7', active: true },
  ]);
  expect((await t.ctx.work()).map(({ lane }) => lane)).not.toContain(1);
});

function snapshots(t: TopicContext): Promise<readonly unknown[]> {
  return query(t.ctx.db, `select * from sink.snapshot`, []);
}
