import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { fact, TENANT } from './fixture.ts';
import { TopicContext, type Produced } from './kafka-fixture.ts';
import { query } from './query.ts';

const person = (lsn: number, id: string): Produced => ({
  key: `${TENANT}/person/${id}`,
  value: fact('person', { lsn, id }),
});
const ids = async (t: TopicContext): Promise<readonly string[]> =>
  (await query<{ id: string }>(t.ctx.db, `select id from sink.person order by id`, [])).map((row) => row.id);

test('facts reach the replica, and a restart goes on where the last transaction ended', async () => {
  await using t = await TopicContext.open();
  await t.produce(0, person(1, 'a'), person(2, 'b'));
  await t.running(() => t.reached(0, 3));
  expect(await ids(t)).toEqual(['a', 'b']);
  await query(t.ctx.db, `delete from sink.person`, []);
  await t.produce(0, person(3, 'c'), { key: `${TENANT}/person/c`, value: null });
  await t.running(() => t.reached(0, 5));
  expect(await ids(t)).toEqual(['c']);
});

test('the generation of each partition is stored, and another one halts', async () => {
  await using t = await TopicContext.open();
  await t.running(async () => {
    await t.reached(0, 1);
    await t.reached(1, 1);
  });
  await query(t.ctx.db, `update sink.ingest_offset set generation = 'another' where topic = ? and partition = 1`, [
    t.topic,
  ]);
  await expect(t.running(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'TOPIC_REPLACED' });
});

test('another cluster halts', async () => {
  await using t = await TopicContext.open();
  await t.running(() => t.reached(0, 1));
  await query(t.ctx.db, `update sink.ingest_offset set cluster_id = 'another' where topic = ?`, [t.topic]);
  await expect(t.running(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'TOPIC_REPLACED' });
});

test('a stored offset that is not in the log halts', async () => {
  await using t = await TopicContext.open();
  await t.running(() => t.reached(0, 1));
  await query(t.ctx.db, `update sink.ingest_offset set next_offset = 99 where topic = ? and partition = 0`, [t.topic]);
  await expect(t.running(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'RETENTION_PASSED' });
});

test('an unreadable record parks the object of its key, or is set aside, and the rest goes on', async () => {
  await using t = await TopicContext.open();
  const bytes = Buffer.from('not avro at all');
  await t.produce(
    0,
    person(1, 'a'),
    { key: `${TENANT}/person/a`, value: bytes },
    { key: 'no object', value: bytes },
    person(2, 'b'),
  );
  await t.running(() => t.reached(0, 5));
  expect(await t.ctx.work()).toMatchObject([
    { id: 'a', state: 'parked', code: 'RECORD_UNREADABLE' },
    { id: 'b', state: 'ready' },
  ]);
  const aside: unknown[] = [];
  await t.kafka.read({
    topic: t.unreadableTopic,
    from: 'beginning',
    maxBatchRecords: 10,
    signal: AbortSignal.timeout(20_000),
    onBatch: ({ records }) => {
      for (const { value, headers } of records) {
        aside.push({
          value: String(value),
          code: String(headers['orgstream-code']),
          origin: String(headers['orgstream-origin']),
        });
      }
      return Promise.resolve();
    },
  });
  expect(aside).toEqual([{ value: String(bytes), code: 'RECORD_UNREADABLE', origin: `${t.topic}/0/3` }]);
  await t.produce(0, person(3, 'a'));
  await t.running(() => t.reached(0, 6));
  expect(await t.ctx.work()).toMatchObject([{ id: 'a', state: 'ready', code: null }, { id: 'b' }]);
});

test('a schema id the registry does not know makes its partition wait, the others go on', async () => {
  await using t = await TopicContext.open();
  const unknown = Buffer.from([0, 0x7f, 0xff, 0xff, 0xf0, 1, 2, 3]);
  await t.produce(0, { key: `${TENANT}/person/x`, value: unknown });
  await t.produce(1, person(1, 'a'));
  await t.running(async (ingest) => {
    await t.reached(1, 2);
    const waits = (): boolean =>
      ingest.progress().some(({ partition, oldestPendingMs }) => partition === 0 && oldestPendingMs !== undefined);
    await until(waits, { deadlineMs: 10_000, what: 'partition 0 to wait' });
  });
  expect((await t.offsets())[0]).toBeLessThan(2);
});

test('a commit whose answer was lost does no harm: the batch is found to be in', async () => {
  await using t = await TopicContext.open();
  await t.produce(0, person(1, 'a'));
  await t.running(async () => {
    await t.reached(0, 2);
    // As if another owner, or our own lost commit, had taken the next record in.
    await query(t.ctx.db, `update sink.ingest_offset set next_offset = 3 where topic = ? and partition = 0`, [t.topic]);
    await t.produce(0, person(2, 'b'), person(3, 'c'));
    await t.reached(0, 4);
  });
  expect(await ids(t)).toEqual(['a', 'c']);
});
