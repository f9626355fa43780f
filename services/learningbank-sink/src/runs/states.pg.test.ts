import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { member, person, SinkContext } from '../reconcile/fixture.ts';
import { crowd, live, Operator } from './fixture.ts';

const open = ['waiting_for_snapshot', 'planning', 'planned', 'applying'];

/** Links that look as if `count` people had been called otherwise: a sync renames them. */
async function misname(ctx: SinkContext, count: number): Promise<void> {
  await ctx.db.raw(
    `update sink.link set applied = applied || '{"firstName": "Old"}'
      where kind = 'person' and id = any(cast(? as text[]))`,
    [Array.from({ length: count }, (_, n) => `p${n}`)],
  );
}

test('pause, resume and cancel: nothing is sent while paused; what a cancelled run leaves is taken up by the next', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 30, { worker: { concurrency: 1 } });
  await misname(ctx, 15);
  await platform.fault({ kind: 'latency', ms: 150 });
  const run = await operator.started('sync');
  await until(async () => Object.values(await operator.fates(run)).includes('applied'), {
    deadlineMs: 10_000,
    what: 'the first item',
  });
  expect(await operator.decide(run, 'pause')).toMatchObject({ code: null });
  expect(await operator.decide(run, 'pause')).toMatchObject({ code: 'RUN_STATE' });
  const outstanding = async () => (await ctx.work()).length;
  // What was under way is settled after its call has ended.
  const renamed = `select count(distinct object_id)::int as n from sink.attempt where run_id = ? and state = 'done'`;
  const stands = async (): Promise<boolean> => {
    const { rows } = await ctx.db.raw<{ rows: { n: number }[] }>(renamed, [run]);
    return (await ctx.openAttempts()) === 0 && (await outstanding()) === 15 - rows[0]!.n;
  };
  await until(stands, { deadlineMs: 10_000, what: 'what is under way to end' });
  const left = await outstanding();
  expect(left).toBeGreaterThan(0);
  expect(await operator.run(run)).toMatchObject({ state: 'applying', paused: true });
  // Live changes go on meanwhile, also of an object of the run.
  await ctx.commit(person('z'), member('mz', 'z', '12'));
  await until(async () => (await platform.state()).users.length === 31, { deadlineMs: 5_000, what: 'the live change' });
  const isSettled = async () => !(await ctx.work()).some(({ id }) => id === 'z');
  await until(isSettled, { deadlineMs: 5_000, what: 'the live change to be settled' });
  expect(await outstanding()).toBe(left);
  expect(await operator.decide(run, 'resume')).toMatchObject({ code: null });
  expect(await operator.decide(run, 'resume')).toMatchObject({ code: 'RUN_STATE' });
  expect(await operator.decide(run, 'cancel')).toMatchObject({ code: null });
  expect(await operator.decide(run, 'cancel')).toMatchObject({ code: 'RUN_STATE' });
  expect(await operator.run(run)).toMatchObject({ state: 'cancelled', decidedBy: 'ann' });
  await platform.heal();
  await operator.reaches(await operator.started('sync'), 'done');
  await ctx.converged();
  expect(await ctx.work()).toEqual([]);
  expect((await platform.state()).users.every(({ firstName }) => firstName !== 'Old')).toBe(true);
});

test('one run of a kind at a time, and one applied at a time: the other waits for its turn', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 6);
  await misname(ctx, 4);
  await ctx.db.raw(`update control.integration set paused = true, generation = generation + 1`);
  const first = await operator.started('sync');
  await operator.reaches(first, 'applying');
  expect(await operator.start('sync')).toMatchObject({ code: 'RUN_IN_PROGRESS', result: { run: first } });
  const dry = await operator.started('sync', { dryRun: true });
  await operator.reaches(dry, 'done');
  await operator.putSettings(2, { keepForeignDepartments: true });
  const second = await operator.started('settings', { settingsVersion: 2 });
  // One item at most: by itself, but not before its turn.
  await operator.reaches(second, 'planned');
  expect((await operator.runs()).filter(({ state }) => state === 'applying')).toHaveLength(1);
  await ctx.db.raw(`update control.integration set paused = false, generation = generation + 1`);
  await operator.reaches(first, 'done');
  await operator.reaches(second, 'done');
});

test('killed while planning: the next owner plans again from the beginning, and every item is there once', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform, { settings: { review: true } });
  const operator = new Operator(ctx, integration);
  for (let n = 0; n < 4; n += 1) await ctx.commit(...crowd(`p${n}-`, 500));
  await ctx.commit(['unit', '1', { parentId: null, name: 'Acme' }], ['unit', '11', { parentId: '1', name: 'North' }]);
  await ctx.prove();
  const first = await ctx.spawn({ leaseMs: 1_000 });
  const countItems = async () => {
    const { rows } = await ctx.db.raw<{ rows: { n: number }[] }>(`select count(*)::int as n from sink.run_item`);
    return rows[0]!.n;
  };
  await until(async () => (await countItems()) > 0, { deadlineMs: 20_000, intervalMs: 2, what: 'the first items' });
  first.kill('SIGKILL');
  await first.exited;
  ctx.start({ leaseMs: 1_000 });
  const planned = await operator.latest('sync', 'planned');
  expect(planned.counts).toMatchObject({ items: 2_002, create: 2_001, adopt: 1 });
  expect(await operator.runs()).toHaveLength(1);
  expect(await platform.writes()).toEqual([]);
});

test('killed while applying: the next owner goes on; every call is made once', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await platform.fault({ kind: 'latency', ms: 10 });
  const integration = await ctx.integrate(platform);
  const operator = new Operator(ctx, integration);
  await ctx.commit(['unit', '1', { parentId: null, name: 'Acme' }], ['unit', '11', { parentId: '1', name: 'North' }]);
  await ctx.commit(...crowd('p', 150));
  await ctx.prove();
  const first = await ctx.spawn({ leaseMs: 1_000 });
  await until(async () => (await platform.state()).users.length > 30, { deadlineMs: 20_000, what: 'thirty people' });
  first.kill('SIGKILL');
  await first.exited;
  ctx.start({ leaseMs: 1_000 });
  const run = await operator.latest('sync', 'done');
  await ctx.converged();
  expect(await operator.runs()).toHaveLength(1);
  expect(run.progress).toMatchObject({ done: 152, total: 152 });
  const { users } = await platform.state();
  expect(new Set(users.map(({ externalId }) => externalId)).size).toBe(150);
  expect(users).toHaveLength(150);
});

test('two replicas: a run is begun, planned and applied once', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 20);
  ctx.start();
  await misname(ctx, 10);
  const writes = (await platform.writes()).length;
  await operator.reaches(await operator.started('sync'), 'done');
  expect(await platform.writes()).toHaveLength(writes + 10);
  expect((await operator.runs()).filter(({ state }) => open.includes(state))).toEqual([]);
});

test('a removed integration takes its runs along', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 2);
  await operator.started('sync', { dryRun: true });
  await ctx.db.raw(`delete from control.integration`);
  await until(async () => (await operator.runs()).length === 0, { deadlineMs: 5_000, what: 'no runs' });
});
