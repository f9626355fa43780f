import { topics } from '@orgstream/core';
import { insertCommand } from '@orgstream/database';
import type { Batch, Kafka, ReadOptions } from '@orgstream/kafka';
import { expect, test } from 'vitest';
import { refuseAccept } from './accept-topic.ts';
import { assign, type Assigned } from './assign.ts';
import { readCatchingUp } from './catch-up.ts';
import { fact, IngestContext, marker, TENANT } from './fixture.ts';
import { query } from './query.ts';

const topic = topics.directoryChanges;

/** A cluster with one partition of the topic, as a test wants it to be. */
interface Cluster {
  readonly id?: string;
  readonly low?: number;
  readonly high?: number;
  readonly committed?: number;
  readonly generation?: string;
}

function clusterOf({ id = 'cluster', low = 0, high = 10, committed, generation = 'g' }: Cluster): Kafka {
  const admin = {
    clusterId: () => Promise.resolve(id),
    offsets: () => Promise.resolve([{ topic, partition: 0, low, high }]),
    committed: () => Promise.resolve(committed === undefined ? [] : [{ topic, partition: 0, offset: committed }]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const record = { key: 'orgstream/generation', value: Buffer.from(JSON.stringify({ generation })) };
  const read = async ({ onBatch }: ReadOptions): Promise<number> => {
    await onBatch({ topic, partition: 0, records: [record] } as unknown as Batch);
    return 1;
  };
  return { createAdmin: () => Promise.resolve(admin), read } as unknown as Kafka;
}

const assignTo = (ctx: IngestContext, cluster: Cluster = {}): Promise<Assigned> =>
  assign({ db: ctx.db, kafka: clusterOf(cluster), groupId: 'group' }, topic, [{ topic, partition: 0 }]);

async function liveIntegration(ctx: IngestContext): Promise<() => Promise<string | undefined>> {
  await query(
    ctx.db,
    `insert into sink.integration_state (integration_id, tenant, state) select id, tenant, 'live' from control.integration`,
    [],
  );
  return async () =>
    (await query<{ state: string }>(ctx.db, `select state from sink.integration_state where tenant = ?`, [TENANT]))[0]
      ?.state;
}

const proved = [marker('start', { lsn: 1, snapshotId: 's' }), marker('end', { lsn: 2, snapshotId: 's' })];
const forget = (ctx: IngestContext): Promise<unknown> => query(ctx.db, `delete from sink.ingest_offset`, []);
const accept = (ctx: IngestContext): Promise<number> =>
  insertCommand(ctx.db, { addressee: 'learningbank-sink', kind: 'topic.accept', payload: { by: 'test' } });
const commands = (ctx: IngestContext): Promise<readonly unknown[]> =>
  query(ctx.db, `select addressee, kind, state, code, payload from control.command order by id`, []);

test('a topic met for the first time begins at the beginning of its log, and history ends where the log ends now', async () => {
  await using ctx = await IngestContext.open();
  await forget(ctx);
  const { stored } = await assignTo(ctx, { low: 3 });
  expect(stored.get(0)).toMatchObject({ nextOffset: 3, rebuildUntil: 10, generation: null, clusterId: 'cluster' });
});

test('with an empty replica, integrations that were live wait for a fresh snapshot', async () => {
  await using ctx = await IngestContext.open();
  const state = await liveIntegration(ctx);
  await forget(ctx);
  await assignTo(ctx);
  expect(await state()).toBe('waiting_for_snapshot');
});

test('with a proved snapshot they go on', async () => {
  await using ctx = await IngestContext.open();
  const state = await liveIntegration(ctx);
  await ctx.take(...proved);
  await forget(ctx);
  await assignTo(ctx);
  expect(await state()).toBe('live');
});

test('an older copy of the database: its integrations send nothing until ingest has come to the end of the log', async () => {
  await using ctx = await IngestContext.open();
  await ctx.take(fact('person', { lsn: 1, id: 'a' }), fact('person', { lsn: 2, id: 'b' }));
  const [integration] = await query<{ id: string }>(ctx.db, `select id from control.integration`, []);
  expect(await assignTo(ctx, { high: 5, committed: 2 })).toMatchObject({ catchingUp: [] });
  expect(await readCatchingUp(ctx.db)).toEqual(new Set());

  expect(await assignTo(ctx, { high: 5, committed: 4 })).toMatchObject({ catchingUp: [0] });
  expect(await readCatchingUp(ctx.db)).toEqual(new Set([integration!.id]));
  // A second process sees the same, and has nothing to add.
  expect(await assignTo(ctx, { high: 5, committed: 4 })).toMatchObject({ catchingUp: [] });
  await ctx.take(fact('person', { lsn: 3, id: 'c' }), fact('person', { lsn: 4, id: 'd' }));
  expect(await readCatchingUp(ctx.db)).toEqual(new Set([integration!.id]));
  await ctx.take(fact('person', { lsn: 5, id: 'e' }));
  expect(await readCatchingUp(ctx.db)).toEqual(new Set());
});

test.each<readonly [what: string, now: Cluster, code: string | undefined]>([
  ['another cluster', { id: 'another' }, 'TOPIC_REPLACED'],
  ['a topic created anew', { generation: 'another' }, 'TOPIC_REPLACED'],
  // The consumer refuses it: it knows whether the watermark may still rise.
  ['an offset outside the log', { high: 1 }, undefined],
])('%s: refused, until an operator accepts it; then all begins anew', async (_, now, code) => {
  await using ctx = await IngestContext.open();
  const state = await liveIntegration(ctx);
  await ctx.take(...proved, fact('person', { lsn: 3, id: 'a' }));
  await query(ctx.db, `update sink.ingest_offset set generation = 'g'`, []);
  await query(ctx.db, `delete from control.command`, []);
  await query(
    ctx.db,
    `insert into cdc.source (name, url_secret_id, slot_name, publication_name) select 'eu1', id, 's', 's' from control.secret`,
    [],
  );
  try {
    if (code === undefined) expect(await assignTo(ctx, now)).toMatchObject({ accepted: [] });
    else await expect(assignTo(ctx, now)).rejects.toMatchObject({ code });
    expect(await state()).toBe('live');

    await accept(ctx);
    const { accepted, stored } = await assignTo(ctx, now);
    expect(accepted).toEqual([0]);
    const until = now.high ?? 10;
    expect(stored.get(0)).toMatchObject({ nextOffset: 0, rebuildUntil: until, generation: null, clusterId: now.id ?? 'cluster' }); // prettier-ignore
    expect(await state()).toBe('waiting_for_snapshot');
    expect(await query(ctx.db, `select from sink.snapshot`, [])).toEqual([]);
    expect(await commands(ctx)).toMatchObject([
      { kind: 'topic.accept', state: 'done' },
      { kind: 'snapshot', state: 'new', payload: { source: 'eu1', newEpoch: true } },
    ]);
    // Once: it is the log that we know now.
    expect(await assignTo(ctx, now)).toMatchObject({ accepted: [] });
    // What is in the replica stays.
    expect(await ctx.row('person', 'a')).toMatchObject({ deleted: false });
  } finally {
    await query(ctx.db, `delete from cdc.source`, []);
  }
});

test('an accept while all is well is refused, after a while', async () => {
  await using ctx = await IngestContext.open();
  await query(ctx.db, `delete from control.command`, []);
  await accept(ctx);
  await refuseAccept(ctx.db);
  expect(await commands(ctx)).toMatchObject([{ state: 'new' }]);
  await query(ctx.db, `update control.command set created_at = now() - interval '1 min'`, []);
  await refuseAccept(ctx.db);
  expect(await commands(ctx)).toMatchObject([{ state: 'failed', code: 'ACTION_NOT_POSSIBLE' }]);
});
