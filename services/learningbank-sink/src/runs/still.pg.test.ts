import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { person, SinkContext, unit } from '../reconcile/fixture.ts';
import { crowd, live, Operator } from './fixture.ts';

const set = (ctx: SinkContext, column: 'shadow' | 'paused', value: boolean) =>
  ctx.db.raw(`update control.integration set ${column} = ?, generation = generation + 1`, [value]);

const count = async (ctx: SinkContext, code: string): Promise<number> =>
  (await ctx.work()).filter((row) => row.code === code).length;

test('a first sync in shadow mode is not braked when shadow mode ends, however many it makes', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const operator = new Operator(ctx, await ctx.integrate(platform));
  await set(ctx, 'shadow', true);
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'), ...crowd('p', 70));
  const sink = ctx.start();
  await ctx.prove();
  const run = await operator.latest('sync', 'applying');
  const isRecorded = async () => (await count(ctx, 'SHADOW')) === 71;
  await until(isRecorded, { deadlineMs: 15_000, what: 'everything to be recorded' });
  await until(async () => (await ctx.state(operator.integration)).state === 'live', {
    deadlineMs: 5_000,
    what: 'the integration to be live',
  });
  expect(await platform.writes()).toEqual([]);
  await set(ctx, 'shadow', false);
  await operator.reaches(run.id, 'done');
  expect((await platform.state()).users).toHaveLength(70);
  // Nor do they count for what comes after, whoever owns the platform then.
  await sink.stop();
  ctx.start();
  await ctx.commit(...crowd('q', 5));
  await ctx.converged();
  expect((await platform.state()).users).toHaveLength(75);
  expect(await ctx.work()).toEqual([]);
});

test('settings that want nothing of what the brake holds let it go, and the brake with it', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 20);
  await ctx.commit(...Array.from({ length: 12 }, (_, n) => person(`p${n}`, { active: false })));
  await until(async () => (await count(ctx, 'BRAKE_TRIPPED')) === 12, { deadlineMs: 10_000, what: 'twelve held' });
  const none = { include: [], exclude: [] };
  const exclude = Array.from({ length: 12 }, (_, n) => `p${n}`);
  const filters = { users: { ...none, exclude }, departments: none, jobProfiles: none, permissions: none };
  await operator.putSettings(2, { filters });
  const run = await operator.started('settings', { settingsVersion: 2 });
  const { needsApproval } = await operator.reaches(run, 'planned', 'applying', 'done');
  if (needsApproval) await operator.decide(run, 'approve');
  await operator.reaches(run, 'done');
  const isFree = async () => (await ctx.db.raw(`select from sink.brake`)).rows.length === 0;
  await until(isFree, { deadlineMs: 10_000, what: 'the brake to be released' });
  const isDone = async () => (await ctx.work()).length === 0;
  await until(isDone, { deadlineMs: 10_000, what: 'what was held to be settled' });
  expect((await platform.state()).users.every(({ isActive }) => isActive)).toBe(true);
});
