import { partitionOf } from '@orgstream/core';
import { insertCommand, readCommand } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { fact, TENANT } from '../ingest/fixture.ts';
import { silent, TopicContext } from '../ingest/kafka-fixture.ts';
import { query } from '../ingest/query.ts';
import { createReplay } from '../replay/replay.ts';
import { createErase } from './erase.ts';

test('tombstones reach the partition of the tenant, ingest passes them, and a replay brings nobody back', async () => {
  await using t = await TopicContext.open();
  const { db } = t.ctx;
  const partition = partitionOf(TENANT, 2);
  const key = (kind: string, id: string): string => `${TENANT}/${kind}/${id}`;
  await t.produce(
    partition,
    { key: key('person', 'a'), value: fact('person', { lsn: 1, id: 'a' }) },
    { key: key('person', 'b'), value: fact('person', { lsn: 2, id: 'b' }) },
    { key: key('membership', 'm'), value: fact('membership', { lsn: 3, id: 'm', personId: 'a' }) },
  );
  const people = (): Promise<readonly unknown[]> =>
    query(db, `select id from sink.person where not deleted order by id`, []);
  const stop = new AbortController();
  const { kafka, codec, topic } = t;
  const loops = [
    createErase({ db, kafka, log: silent, now: () => new Date(), topic, pollMs: 20 }).run(stop.signal),
    createReplay({ db, kafka, codec, log: silent, topic, pollMs: 20 }).run(stop.signal),
  ];
  const done = (id: number): Promise<boolean> =>
    until(async () => (await readCommand(db, id))?.state === 'done', { deadlineMs: 30_000, what: 'the command' });
  await t.running(async () => {
    await t.reached(partition, 4);
    const payload = { tenant: TENANT, person: 'a', by: 'a test' };
    const id = await insertCommand(db, { addressee: 'learningbank-sink', kind: 'erase', payload });
    await done(id);
    expect((await readCommand(db, id))?.result).toMatchObject({ tombstones: 4, rows: { person: 1, membership: 1 } });
    await t.reached(partition, 8);
    await t.produce(partition, {
      key: key('person', 'a'),
      value: fact('person', { lsn: 9, id: 'a', lastName: 'Again' }),
    });
    await t.reached(partition, 9);
    await done(
      await insertCommand(db, { addressee: 'learningbank-sink', kind: 'replay', payload: { tenant: TENANT } }),
    );
  });
  expect(await people()).toEqual([{ id: 'b' }]);
  expect(await query(db, `select from sink.membership where person_id is not null or not deleted`, [])).toEqual([]);
  expect(JSON.stringify(await t.ctx.row('person', 'a'))).not.toMatch(/Again|Lovelace|example/);
  stop.abort();
  await Promise.all(loops);
});
