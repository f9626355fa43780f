import { topics } from '@orgstream/core';
import type { Kafka } from '@orgstream/kafka';
import { expect, test } from 'vitest';
import { assign } from './assign.ts';
import { IngestContext, marker, TENANT } from './fixture.ts';
import { query } from './query.ts';

const kafka = {
  createAdmin: () =>
    Promise.resolve({ clusterId: () => Promise.resolve('cluster'), [Symbol.asyncDispose]: () => Promise.resolve() }),
} as unknown as Kafka;

const topic = topics.directoryChanges;
const assigned = (partition: number) => [{ topic, partition, low: 3, high: 10 }];

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

test('a partition met for the first time begins at the beginning of its log, and history ends where the log ends now', async () => {
  await using ctx = await IngestContext.open();
  const stored = await assign({ db: ctx.db, kafka }, topic, assigned(7));
  expect(stored.get(7)).toMatchObject({ nextOffset: 3, rebuildUntil: 10, generation: null, clusterId: 'cluster' });
});

test('with an empty replica, integrations that were live wait for a fresh snapshot', async () => {
  await using ctx = await IngestContext.open();
  const state = await liveIntegration(ctx);
  await assign({ db: ctx.db, kafka }, topic, assigned(7));
  expect(await state()).toBe('waiting_for_snapshot');
});

test('with a proved snapshot they go on', async () => {
  await using ctx = await IngestContext.open();
  const state = await liveIntegration(ctx);
  await ctx.take(marker('start', { lsn: 1, snapshotId: 's' }), marker('end', { lsn: 2, snapshotId: 's' }));
  await assign({ db: ctx.db, kafka }, topic, assigned(7));
  expect(await state()).toBe('live');
});
