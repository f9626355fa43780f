import { createDatabase, insertCommand, migrate, readCommand, type Knex } from '@orgstream/database';
import { createKafka, type Kafka } from '@orgstream/kafka';
import { createLogger } from '@orgstream/runtime';
import { freshDatabase, uniqueTopic, until, useStack } from '@orgstream/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Redo } from './redo.ts';
import { Rounds } from './rounds.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let database: Awaited<ReturnType<typeof freshDatabase>>;
let db: Knex;
let kafka: Kafka;
let topic: string;
let groupId: string;

beforeAll(async () => {
  database = await freshDatabase('redo');
  db = createDatabase(database.url, { max: 4 });
  await migrate(db);
  const brokers = useStack().kafkaBrokers.split(',');
  kafka = createKafka({ brokers, clientId: 'redo-test', sessionTimeoutMs: 6_000 });
});
afterAll(async () => {
  await db?.destroy();
  await database?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  [topic, groupId] = [uniqueTopic('changes'), uniqueTopic('group')];
  await db.raw('delete from control.command');
  await using admin = await kafka.createAdmin();
  await admin.applyTopics([{ topic, partitions: 2, replicationFactor: 1, config: { 'cleanup.policy': 'delete' } }]);
});

async function append(partition: number, ...keys: readonly string[]): Promise<void> {
  await using producer = await kafka.createProducer();
  await producer.writer(topic, partition).append(keys.map((key) => ({ key, value: Buffer.from(key) })));
}

const ask = (): Promise<number> =>
  insertCommand(db, { addressee: 'normalizer', kind: 'renormalise', payload: { by: 'test' } });
const ended = (id: number): Promise<unknown> =>
  until(async () => (await readCommand(db, id))?.state === 'done', { deadlineMs: 40_000, what: 'the command to end' });

/** A normalizer runs while `work` does; what it reads goes to `read`, partition by partition. */
async function running<T>(read: Map<number, string[]>, work: () => Promise<T>, slow?: () => Promise<void>): Promise<T> {
  await using rounds = await Rounds.open({
    kafka,
    groupId,
    topic,
    maxBatchRecords: 2,
    redo: new Redo({ db, kafka, topic, log }),
    lookMs: 50,
    onBatch: async ({ partition, records, signal }) => {
      await slow?.();
      if (signal.aborted) return;
      read.set(partition, [...(read.get(partition) ?? []), ...records.map(({ key }) => key!)]);
    },
  });
  const stop = new AbortController();
  const run = rounds.run(stop.signal);
  try {
    return await work();
  } finally {
    stop.abort();
    await run;
  }
}

const count = (read: ReadonlyMap<number, readonly string[]>): number =>
  [...read.values()].reduce((sum, keys) => sum + keys.length, 0);
const hasRead = (read: ReadonlyMap<number, readonly string[]>, records: number): Promise<unknown> =>
  until(() => count(read) >= records, { deadlineMs: 40_000, what: `${records} records to be read` });

test('everything is read again once, in order, and then what is new', async () => {
  await append(0, 'a', 'b', 'c');
  await append(1, 'x');
  const read = new Map<number, string[]>();
  await running(read, async () => {
    await hasRead(read, 4);
    const id = await ask();
    await append(0, 'd');
    await ended(id);
    await append(1, 'y');
    await until(() => read.get(1)?.at(-1) === 'y', { deadlineMs: 20_000, what: 'what is new' });
    const { result } = (await readCommand(db, id))!;
    expect(result).toMatchObject({ partitions: { 1: { from: 0, until: 1, next: 1 } } });
    const { total, done } = result as { readonly total: number; readonly done: number };
    expect(done).toBe(total);
  });
  expect(read.get(1)).toEqual(['x', 'x', 'y']);
  // `d` came in before or after the consumer went back; it is read again, or for the first time, in its place.
  expect(read.get(0)!.join('')).toMatch(/^abcd?abcd$/);
});

test('the newest record of each key is the last one written, however often it was', async () => {
  await append(0, 'k=1', 'k=2');
  const read = new Map<number, string[]>();
  await running(read, async () => {
    await hasRead(read, 2);
    await ended(await ask());
  });
  expect(read.get(0)!.at(-1)).toBe('k=2');
});

test('a restart half-way goes on where it was, and goes back no second time', async () => {
  const keys = Array.from({ length: 12 }, (_, n) => `k${String(n).padStart(2, '0')}`);
  await append(0, ...keys);
  const first = new Map<number, string[]>();
  await running(first, () => hasRead(first, 12));
  const id = await ask();
  // Stopped once progress beyond the first half is stored.
  const again = new Map<number, string[]>();
  const pace = async (): Promise<void> => {
    if ((again.get(0)?.length ?? 0) >= 6)
      await until(async () => (await nextOf(id, 0)) >= 6, { deadlineMs: 20_000, what: 'progress to be stored' });
  };
  await running(again, () => hasRead(again, 8), pace);
  const next = await nextOf(id, 0);
  expect(next).toBeGreaterThanOrEqual(6);
  expect((await readCommand(db, id))?.state).toBe('running');

  const after = new Map<number, string[]>();
  await running(after, () => ended(id));
  expect(after.get(0)![0]! >= keys[next]!).toBe(true);
  expect(after.get(0)!.at(-1)).toBe('k11');
  // And the next start does not go back.
  const later = new Map<number, string[]>();
  await append(0, 'new');
  await running(later, () => hasRead(later, 1));
  expect(later.get(0)).toEqual(['new']);
});

async function nextOf(id: number, partition: number): Promise<number> {
  const result = (await readCommand(db, id))?.result as {
    readonly partitions?: Record<string, { readonly next: number | null }>;
  } | null;
  return result?.partitions?.[partition]?.next ?? 0;
}

test('an empty topic: done at once', async () => {
  const read = new Map<number, string[]>();
  const id = await ask();
  await running(read, () => ended(id));
  expect((await readCommand(db, id))?.result).toMatchObject({ total: 0, done: 0 });
});

test('two replicas share the work; two commands come one after the other', async () => {
  await append(0, 'a', 'b');
  await append(1, 'x', 'y');
  const [one, two] = [new Map<number, string[]>(), new Map<number, string[]>()];
  await running(one, () =>
    running(two, async () => {
      await until(() => count(one) + count(two) >= 4, { deadlineMs: 40_000, what: 'all to be read' });
      const ids = [await ask(), await ask()];
      for (const id of ids) await ended(id);
    }),
  );
  const all = (partition: number): string => [...(one.get(partition) ?? []), ...(two.get(partition) ?? [])].join('');
  // Once live and once for each command; a rebalance in between may deliver a record twice.
  expect(all(0).length).toBeGreaterThanOrEqual(6);
  expect(all(1).length).toBeGreaterThanOrEqual(6);
});
