import { type KafkaCluster, startKafkaCluster, until } from '@orgstream/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliver, IntakeContext } from './intake-fixture.ts';

/** One broker of our own: it goes away, and nobody else may notice. */
let cluster: KafkaCluster;
let ctx: IntakeContext;

beforeAll(async () => {
  cluster = await startKafkaCluster({ brokers: 1 });
  ctx = await IntakeContext.open(cluster.kafkaBrokers);
}, 240_000);
afterAll(async () => {
  await ctx?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
}, 60_000);

const deadline = { deadlineMs: 90_000 };
const range = (count: number, from = 1) => Array.from({ length: count }, (_, n) => n + from);
const sorted = (ids: readonly string[]) => [...new Set(ids)].map(Number).sort((a, b) => a - b);

test('while Kafka is away a hook is answered 503, nothing answered 202 is lost, and all is one row each', async () => {
  const channel = await ctx.channel('hook');
  await using edge = await ctx.edge();
  await until(async () => (await deliver(edge.url, channel, 1)) === 202, { ...deadline, what: 'Kafka to take one' });
  const hook = { url: `${edge.url}/hooks/learningbank/${channel.integration}`, secret: channel.hookSecret };
  channel.platform.notifications.hook = hook;
  // Ids are those of the simulated platform from here on: its first is 1 too, and known.
  expect(await ctx.notify(channel, channel.users[1]!)).toEqual([202]);
  const accepted = new Set([1]);
  const tell = async (id: number): Promise<number> => {
    const status = await deliver(edge.url, channel, id);
    if (status === 202) accepted.add(id);
    return status;
  };
  await Promise.all(range(50, 100).map(tell));
  expect(accepted.size).toBe(51);
  await cluster.kill(0);
  const refused = await Promise.all(range(50, 200).map(tell));
  expect(new Set(refused)).toEqual(new Set([503]));
  // Logins need no Kafka.
  expect(await edge.isReady()).toBe(true);
  await cluster.start(0);
  // Learningbank delivers again until it is answered 202.
  for (const id of range(50, 200)) {
    await until(async () => (await tell(id)) === 202, { ...deadline, what: `202 for ${id}` });
  }
  const expected = [1, ...range(50, 100), ...range(50, 200)];
  expect([...accepted].sort((a, b) => a - b)).toEqual(expected);
  expect(sorted(await ctx.inTopic(channel))).toEqual(expected);
  const bridge = await ctx.bridge('first');
  // Notification 1 went to two receivers.
  const rows = expected.length + 1;
  const full = async () => (await ctx.inLedger(channel)).length >= rows;
  await until(full, { ...deadline, what: () => `${rows} rows; ${bridge.output().slice(-1_000)}` });
  await bridge.stop();
  // Another group reads the topic from its beginning.
  const replay = await ctx.bridge('second');
  const lagging = async () =>
    /^orgstream_bridge_ingested_total\{outcome="known"\} (\d+)$/m.exec(await replay.metrics())?.[1];
  const records = (await ctx.inTopic(channel)).length;
  await until(async () => Number(await lagging()) >= records, { ...deadline, what: 'the whole topic again' });
  await replay.stop();
  expect(await ctx.inLedger(channel)).toHaveLength(rows);
}, 240_000);

test('after a rotation the old secret is good for its while, and then no longer', async () => {
  const channel = await ctx.channel('hook', 'eu1.43');
  await using edge = await ctx.edge();
  const status = (secret?: string) => deliver(edge.url, channel, 1, secret);
  await until(async () => (await status()) === 202, { ...deadline, what: 'Kafka to take one' });
  // As `control` rotates: what was the secret is the old one.
  await ctx.db.raw(
    `update control.channel c set old_hook_secret_id = hook_secret_id, old_hook_secret_until = now() + interval '1 day',
            hook_secret_id = sender_secret_id where integration_id = ?`,
    [channel.integration],
  );
  const secret = '{"username":"academy@example.org","password":"p"}';
  await until(async () => (await status(secret)) === 202, { ...deadline, what: 'the new secret' });
  expect(await status()).toBe(202);
  await ctx.db.raw(`update control.channel set old_hook_secret_until = now() where integration_id = ?`, [
    channel.integration,
  ]);
  await until(async () => (await status()) === 401, { ...deadline, what: 'the end of the old secret' });
  expect(await status(secret)).toBe(202);
}, 120_000);

test('SIGKILL between Kafka and the cursor: polled again, and one row each in the ledger', async () => {
  const channel = await ctx.channel('poll', 'eu1.44');
  const cursor = async () => {
    const { rows } = await ctx.db.raw<{ rows: { poll_after: string | null }[] }>(
      `select poll_after from edge.intake where integration_id = ?`,
      [channel.integration],
    );
    return rows[0]?.poll_after ?? undefined;
  };
  await using edge = await ctx.edge();
  await until(async () => (await cursor()) === '0', { ...deadline, what: 'the first poll' });
  const gate = await closeGate(ctx.databaseUrl);
  for (const userId of channel.users) await ctx.notify(channel, userId);
  await until(() => gate.somebodyWaits(), { ...deadline, what: 'the cursor to be moved' });
  edge.kill('SIGKILL');
  await edge.exited;
  await gate.breakThem();
  expect(await cursor()).toBe('0');
  expect(sorted(await ctx.inTopic(channel))).toEqual([1, 2, 3]);
  // A dead owner's lease runs out; the test does not wait for it.
  await gate[Symbol.asyncDispose]();
  await ctx.db.raw(`update edge.intake set lease_until = now() where integration_id = ?`, [channel.integration]);
  await using _next = await ctx.edge();
  await until(async () => (await cursor()) === '3', { ...deadline, what: 'the second poll' });
  expect(await ctx.inTopic(channel)).toHaveLength(6);
  await using bridge = await ctx.bridge('third');
  await until(async () => (await ctx.inLedger(channel)).length === 3, {
    ...deadline,
    what: () => `three rows; ${bridge.output().slice(-1_000)}`,
  });
  expect(await ctx.inLedger(channel)).toEqual(['1', '2', '3']);
}, 240_000);

test('notification types are read as the platform’s channel Ziik has them, and what is wrong is noted', async () => {
  const channel = await ctx.channel('hook', 'eu1.45');
  await using edge = await ctx.edge({ EDGE_TYPES_MS: '200' });
  const intake = async () => {
    const { rows } = await ctx.db.raw<{ rows: { types: readonly { key: string }[] | null; code: string | null }[] }>(
      `select types, code from edge.intake where integration_id = ?`,
      [channel.integration],
    );
    return rows[0];
  };
  const read = await until(async () => (await intake())?.types, {
    ...deadline,
    what: () => `the types; ${edge.output().slice(-1_000)}`,
  });
  expect(read.find(({ key }) => key === 'module.assigned')).toEqual({
    key: 'module.assigned',
    name: 'Module assigned',
    mandatory: false,
    enabled: true,
    body: '{{firstName}}: Module assigned {{link}}',
  });
  expect(read).toHaveLength(7);
  channel.platform.credentials.password = 'another one';
  channel.platform.tokens.clear();
  await until(async () => (await intake())?.code === 'TARGET_AUTH_FAILED', { ...deadline, what: 'the code' });
  expect((await intake())?.types).toHaveLength(7);
}, 120_000);

/** Whoever moves a cursor stands before this gate, in its transaction. */
async function closeGate(databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`
    create or replace function edge.gate() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock(77); return new; end $$;
    create or replace trigger gate before update of poll_after on edge.intake for each row
      when (new.poll_after is distinct from old.poll_after) execute function edge.gate();
    select pg_advisory_lock(77);`);
  const waiting = `select pid from pg_locks where locktype = 'advisory' and objid = 77 and not granted
                      and database = (select oid from pg_database where datname = current_database())`;
  return {
    somebodyWaits: async () => ((await client.query(waiting)).rowCount ?? 0) > 0,
    /** Who died while waiting must not go on when the gate opens. */
    breakThem: async () => {
      await client.query(`select pg_terminate_backend(pid) from (${waiting}) as them`);
      await until(async () => (await client.query(waiting)).rowCount === 0, { ...deadline, what: 'them to be gone' });
    },
    [Symbol.asyncDispose]: async () => {
      await client.query(`drop trigger if exists gate on edge.intake`);
      await client.end();
    },
  };
}
