import { until, type ProcessHandle } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { BridgeContext, quick } from './fixture.ts';
import type { Channel, Person } from './fixture-channel.ts';

const postMessage = { method: 'POST', route: '/conversations/:id/messages' };
const postConversation = { method: 'POST', route: '/conversations' };
/** Calls do not end by themselves while a test looks at them. */
const patient = { callTimeoutMs: 20_000, leaseMs: 1_000 };

async function begin(options: Parameters<BridgeContext['channel']>[0] & { readonly count?: number } = {}) {
  const ctx = await BridgeContext.open();
  const channel = await ctx.channel(options);
  const people = await channel.people(options.count ?? 4);
  for (const [at, person] of people.entries()) await channel.notify(`n${at}`, person);
  return { ctx, channel, people };
}

async function kill(process: ProcessHandle): Promise<void> {
  process.kill('SIGKILL');
  await process.exited;
}

/** Everybody was told everything once, in order. */
async function expectHeard(
  channel: Channel,
  people: readonly Person[],
  of = (at: number) => [`n${at}`],
): Promise<void> {
  for (const [at, person] of people.entries()) expect(await channel.heard(person)).toEqual(of(at));
}

const sending = (ctx: BridgeContext, count: number) =>
  ctx.when(`${count} sends under way`, (rows) => rows.filter(({ state }) => state === 'sending').length === count);

/** How many messages the simulator has. */
async function messages(channel: Channel): Promise<number> {
  return [...(await channel.said()).values()].flat().length;
}

test('killed before anything was decided: everything is said once', async () => {
  const { ctx, channel, people } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'hang', match: { method: 'GET', route: '/conversations' } });
  const first = await ctx.spawn(patient);
  await until(async () => JSON.stringify(await ctx.sim('GET', 'api-faults')).includes('"hits":4'), {
    deadlineMs: 30_000,
    what: 'four receivers looked for',
  });
  await kill(first);
  await channel.clearFaults();
  ctx.start();
  await ctx.ended();
  await expectHeard(channel, people);
  expect((await ctx.rows()).map(({ attempts }) => attempts)).toEqual([0, 0, 0, 0]);
});

test('killed before the POST has done its work: looked up, not there, sent', async () => {
  const { ctx, channel, people } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'hang', match: postMessage });
  const first = await ctx.spawn(patient);
  await sending(ctx, 4);
  await kill(first);
  await channel.clearFaults();
  ctx.start();
  await ctx.ended();
  await expectHeard(channel, people);
  expect((await ctx.rows()).map(({ state, attempts }) => [state, attempts])).toEqual(people.map(() => ['sent', 1]));
});

test('killed after the POST and before its answer: looked up and found, never sent again', async () => {
  const { ctx, channel, people } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'hang', afterWrite: true, match: postMessage });
  const first = await ctx.spawn(patient);
  await until(async () => (await messages(channel)) === 4, { deadlineMs: 30_000, what: 'four messages written' });
  await kill(first);
  expect((await ctx.rows()).map(({ state }) => state)).toEqual(people.map(() => 'sending'));
  await channel.clearFaults();
  ctx.start();
  await ctx.ended();
  await expectHeard(channel, people);
  expect((await ctx.rows()).map(({ state, attempts, message_ids }) => [state, attempts, message_ids.length])).toEqual(
    people.map(() => ['sent', 0, 1]),
  );
});

test('killed after the answer and before the record: looked up and found', async () => {
  const { ctx, channel, people } = await begin({ count: 1 });
  await using _ = ctx;
  await channel.fault({ kind: 'latency', afterWrite: true, ms: 1_500, match: postMessage });
  const first = await ctx.spawn(patient);
  await sending(ctx, 1);
  // The record waits for this lock, so that the answer is there and not written down when the process dies.
  const lock = await ctx.db.transaction();
  await lock.raw(`select from bridge.notification for update`);
  await until(
    async () => {
      const { rows } = await ctx.db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%message_ids ||%'`,
      );
      return rows.length === 1;
    },
    { deadlineMs: 30_000, what: 'the record to wait' },
  );
  await kill(first);
  // A statement that waits for a lock does not notice that its client is gone: it would be carried out after the lock.
  await ctx.db.raw(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  await lock.rollback();
  expect((await ctx.rows()).map(({ state }) => state)).toEqual(['sending']);
  await channel.clearFaults();
  ctx.start();
  await ctx.ended();
  await expectHeard(channel, people);
});

test.each([true, false])(
  'a conversation that is made by its first message, killed with the work done: %s',
  async (afterWrite) => {
    const { ctx, channel, people } = await begin({ settings: { conversations: 'old' } });
    await using _ = ctx;
    await channel.change({ conversations: 'old' });
    await channel.fault({ kind: 'hang', afterWrite, match: postConversation });
    const first = await ctx.spawn(patient);
    await sending(ctx, 4);
    if (afterWrite)
      await until(async () => (await messages(channel)) === 4, { deadlineMs: 30_000, what: 'four messages' });
    await kill(first);
    await channel.clearFaults();
    ctx.start();
    await ctx.ended();
    await expectHeard(channel, people);
    expect((await ctx.rows()).map(({ attempts }) => attempts)).toEqual(people.map(() => (afterWrite ? 0 : 1)));
  },
);

test('killed between the parts of a long text: goes on after the last part that is there', async () => {
  const ctx = await BridgeContext.open();
  await using _ = ctx;
  const channel = await ctx.channel({ settings: { messageMaxLength: 500 } });
  const [anna] = await channel.people(1);
  const words = Array.from({ length: 250 }, (__, n) => `word${n}`).join(' ');
  await ctx.db.raw(`insert into control.notification_setting (integration_id, type, texts) values (?, 'long', ?)`, [
    channel.integration,
    JSON.stringify({ en: '{{text}}' }),
  ]);
  await channel.notify('n0', anna!, { type: 'long', fields: { text: words } });
  // The third part is written, and nobody hears of it.
  const first = await ctx.spawn(patient);
  await ctx.when('two parts', ([row]) => row!.parts_sent >= 2);
  await channel.fault({ kind: 'hang', afterWrite: true, match: postMessage });
  await until(
    async () =>
      JSON.stringify(await ctx.sim('GET', 'api-faults')).includes('"hits":1') ||
      (await ctx.rows())[0]!.state === 'sent',
    {
      deadlineMs: 30_000,
      what: 'a part without an answer',
    },
  );
  await kill(first);
  await channel.clearFaults();
  ctx.start();
  await ctx.ended();
  const said = (await channel.said()).get(anna!.id)!;
  expect(said.join(' ')).toBe(words);
  expect(said.every((part) => part.length <= 500)).toBe(true);
  expect(await ctx.row('n0')).toMatchObject({ state: 'sent', parts_sent: said.length, payload: null });
});

test('an answer that comes too late is looked up by the same process', async () => {
  const { ctx, channel, people } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'hang', afterWrite: true, count: 2, match: postMessage });
  await channel.fault({ kind: 'reset_before', count: 2, match: postMessage });
  ctx.start();
  await ctx.ended();
  await expectHeard(channel, people);
  expect((await ctx.rows()).map(({ attempts }) => attempts).toSorted((a, b) => a - b)).toEqual([0, 0, 1, 1]);
});

test('paused while another takes over: the stale owner sends nothing more', async () => {
  const { ctx, channel, people } = await begin();
  await using _ = ctx;
  const first = await ctx.spawn({ leaseMs: 1_000 });
  await ctx.ended();
  first.kill('SIGSTOP');
  const second = ctx.start({ leaseMs: 1_000 });
  await until(() => second.delivery.tenants.length === 1, { deadlineMs: 30_000, what: 'the take-over' });
  for (let round = 0; round < 10; round += 1) {
    for (const [at, person] of people.entries()) await channel.notify(`m${round}.${at}`, person);
    first.kill(round % 2 === 0 ? 'SIGCONT' : 'SIGSTOP');
  }
  first.kill('SIGCONT');
  await ctx.ended();
  await expectHeard(channel, people, (at) => [
    `n${at}`,
    ...Array.from({ length: 10 }, (__, round) => `m${round}.${at}`),
  ]);
  const tokens = new Set((await ctx.rows()).map(({ lease_token }) => Number(lease_token)));
  expect(tokens).toEqual(new Set([1, 2]));
});

test('paused in the middle of sends: what was under way is looked up by the next owner, and nobody hears it twice', async () => {
  const { ctx, channel, people } = await begin();
  await using _ = ctx;
  await channel.fault({ kind: 'latency', afterWrite: true, ms: 2_000, match: postMessage });
  const first = await ctx.spawn(patient);
  await sending(ctx, 4);
  first.kill('SIGSTOP');
  await channel.clearFaults();
  const second = ctx.start();
  await until(() => second.delivery.tenants.length === 1, { deadlineMs: 30_000, what: 'the take-over' });
  first.kill('SIGCONT');
  await ctx.ended();
  await expectHeard(channel, people);
});

test('two replicas at once, killed and started again and again: everybody is told everything once, in order', async () => {
  const ctx = await BridgeContext.open();
  await using _ = ctx;
  const channels = [await ctx.channel(), await ctx.channel({ settings: { conversations: 'old' } })];
  const people = await Promise.all(channels.map((channel) => channel.people(6)));
  await Promise.all(
    channels.map(async (channel, at) => {
      for (let round = 0; round < 5; round += 1) {
        await ctx.enter(...people[at]!.map((person, n) => channel.notification(`n${n}.${round}`, person)));
      }
      await channel.fault({ kind: 'latency', afterWrite: true, ms: 150, probability: 0.5, match: postMessage });
    }),
  );
  const settings = { leaseMs: 1_000, callTimeoutMs: quick.callTimeoutMs };
  for (let round = 0; round < 3; round += 1) {
    const before = (await ctx.rows()).filter(({ state }) => state === 'sent').length;
    const both = await Promise.all([ctx.spawn(settings), ctx.spawn(settings)]);
    await ctx.when(
      'some progress',
      (rows) => rows.filter(({ state }) => state === 'sent').length >= Math.min(before + 6, 60),
    );
    await Promise.all(both.map(kill));
  }
  ctx.start(settings);
  await ctx.ended(60_000);
  for (const [at, channel] of channels.entries()) {
    await expectHeard(channel, people[at]!, (n) => [0, 1, 2, 3, 4].map((round) => `n${n}.${round}`));
  }
});
