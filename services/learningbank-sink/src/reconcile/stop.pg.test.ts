import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { member, person, SinkContext, type SimPlatform, unit } from './fixture.ts';

const someone = (id: string, unitId = '1') => [person(id), member(`m${id}`, id, unitId)];
const ids = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);
const soon = (what: string) => ({ deadlineMs: 5_000, what });

async function inStep(ctx: SinkContext, people = 20): Promise<SimPlatform> {
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), ...ids(people).flatMap((id) => someone(id)));
  ctx.start({ concurrency: 4 });
  await ctx.prove();
  await ctx.converged();
  return platform;
}

const set = (ctx: SinkContext, what: string) =>
  ctx.db.raw(`update control.integration set ${what}, generation = generation + 1`);
const renamed = async (platform: SimPlatform): Promise<number> =>
  (await platform.state()).users.filter(({ firstName }) => firstName === 'Grace').length;
const rename = (ctx: SinkContext, count: number) =>
  ctx.commit(...ids(count).map((id) => person(id, { firstName: 'Grace' })));

const stops = {
  'disabled': [`update control.integration set enabled = false, generation = generation + 1`, `update control.integration set enabled = true, generation = generation + 1`],
  'paused': [`update control.integration set paused = true, generation = generation + 1`, `update control.integration set paused = false, generation = generation + 1`],
  'stopped everywhere': [`update control.stop set stopped = true`, `update control.stop set stopped = false`],
} as const; // prettier-ignore

test.each(Object.entries(stops))('%s bites within one call: only what is under way ends', async (_, [stop, go]) => {
  await using ctx = await SinkContext.open();
  const platform = await inStep(ctx);
  await platform.fault({ kind: 'latency', ms: 300, match: { method: 'PATCH' } });
  const since = (await platform.calls()).at(-1)!.seq;
  await rename(ctx, 20);
  await until(async () => (await ctx.openAttempts()) > 0, soon('calls under way'));
  await ctx.db.raw(stop);
  const { rows } = await ctx.db.raw<{ rows: { n: string }[] }>(
    `select count(*) as n from sink.attempt where op = 'user.update'`,
  );
  const opened = Number(rows[0]!.n);
  expect(opened).toBeLessThan(20);
  await until(async () => (await ctx.openAttempts()) === 0, soon('them to end'));
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(await platform.writes(since)).toHaveLength(opened);
  expect(opened).toBeLessThanOrEqual(8);
  await platform.heal();
  const resumedAt = performance.now();
  await ctx.db.raw(go);
  await ctx.converged();
  expect(performance.now() - resumedAt).toBeLessThan(4_000);
  expect(await renamed(platform)).toBe(20);
});

test('shadow mode plans and records, and sends nothing; switched off, everything goes', async () => {
  await using ctx = await SinkContext.open();
  const platform = await inStep(ctx, 3);
  await set(ctx, 'shadow = true');
  const since = (await platform.calls()).at(-1)!.seq;
  await ctx.commit(unit('11', '1', 'North'), person('0', { firstName: 'Grace' }), ...someone('9', '11'));
  await ctx.commit(person('1', { active: false }));
  const resting = async () => (await ctx.work()).filter(({ state }) => state === 'held' || state === 'parked').length;
  await until(async () => (await resting()) === 4, soon('everything to be planned'));
  const { rows } = await ctx.db.raw<{
    rows: { id: string; operations: string[]; hash: string | null; detail: unknown }[];
  }>(`select id, operations, hash, detail from sink.work where code = 'SHADOW' and state = 'held' order by kind, id`);
  expect(rows.map(({ id, operations, detail }) => [id, operations, detail])).toEqual([
    ['0', ['rename'], { calls: ['user.update'] }],
    ['1', ['deactivate'], { calls: ['user.deactivate'] }],
    ['9', ['create'], { calls: ['user.create'] }],
    ['11', ['create'], { calls: ['department.create'] }],
  ]);
  expect(rows.every(({ hash }) => hash !== null)).toBe(true);
  expect(await platform.writes(since)).toEqual([]);
  await set(ctx, 'shadow = false');
  await until(async () => (await ctx.work()).length === 0, soon('everything to go'));
  expect(await platform.tree()).toEqual(['/North']);
  expect(await renamed(platform)).toBe(1);
});

test('a stop survives a restart, and nothing of it is lost', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), ...someone('0'));
  await ctx.db.raw(`update control.stop set stopped = true`);
  await using running = ctx.start();
  await ctx.prove();
  await until(
    async () => (await platform.calls()).some(({ route }) => route === '/users'),
    soon('the target to be read'),
  );
  await running.stop();
  ctx.start();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await platform.writes()).toEqual([]);
  await ctx.db.raw(`update control.stop set stopped = false`);
  await ctx.converged();
  expect((await platform.state()).users).toHaveLength(1);
});
