import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { person, SinkContext, type SimPlatform } from '../reconcile/fixture.ts';
import { live, type Operator, planBesideParked } from './fixture.ts';

const send = (ctx: SinkContext, on: boolean) =>
  ctx.db.raw(`update control.integration set paused = ?, generation = generation + 1`, [!on]);

/** A gap of renamed people, approved while nothing is sent. */
async function approvedGap(ctx: SinkContext, operator: Operator, count: number): Promise<string> {
  await operator.enable(false);
  await ctx.commit(...Array.from({ length: count }, (_, n) => person(`p${n}`, { firstName: 'New' })));
  await operator.enable(true);
  const { id } = await operator.latest('gap', 'planned');
  await send(ctx, false);
  await operator.decide(id, 'approve');
  await operator.reaches(id, 'applying');
  return id;
}

const inactive = async (platform: SimPlatform): Promise<readonly (string | null)[]> =>
  (await platform.state()).users.flatMap(({ isActive, email }) => (isActive ? [] : [email]));

test('who leaves while an approved run is under way is deactivated: only the brake may hold a leaver', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 6);
  const run = await approvedGap(ctx, operator, 3);
  await ctx.commit(person('p0', { firstName: 'New', active: false }));
  await send(ctx, true);
  await operator.reaches(run, 'done');
  expect(await inactive(platform)).toEqual(['pp0@example.org']);
  expect(await ctx.work()).toEqual([]);
});

test('a bad import in the middle of an approved run is pending for the brake, all of it', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 20);
  await approvedGap(ctx, operator, 18);
  await ctx.commit(...Array.from({ length: 18 }, (_, n) => person(`p${n}`, { firstName: 'New', active: false })));
  await send(ctx, true);
  let last: unknown;
  const held = async () => {
    last = await ctx.work();
    return (await ctx.work()).filter(({ code }) => code === 'BRAKE_TRIPPED').length === 18;
  };
  await until(held, { deadlineMs: 10_000, what: () => `eighteen held leavers; last: ${JSON.stringify(last)}` });
  expect(await inactive(platform)).toEqual([]);
});

for (const decision of ['pause', 'cancel'] as const) {
  test(`a leaver whom a run has taken over goes when the run meets ${decision}`, async () => {
    await using ctx = await SinkContext.open();
    const { operator, platform } = await live(ctx, 6);
    await send(ctx, false);
    await ctx.commit(person('p0', { active: false }));
    await ctx.db.raw(`update sink.link set applied = applied || '{"firstName": "Old"}' where id in ('p1', 'p2')`);
    const run = await operator.started('sync');
    await operator.reaches(run, 'applying');
    const writes = (await platform.writes()).length;
    expect(await operator.decide(run, decision)).toMatchObject({ code: null });
    await send(ctx, true);
    const isGone = async () => (await inactive(platform)).length === 1;
    await until(isGone, { deadlineMs: 10_000, what: 'the leaver to be deactivated' });
    const isSettled = async () => !(await ctx.work()).some(({ id }) => id === 'p0');
    await until(isSettled, { deadlineMs: 5_000, what: 'the leaver to be settled' });
    expect(await platform.writes()).toHaveLength(writes + 1);
  });
}

test('who leaves before being undone is not kept: what was undone is what was desired then', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 2);
  await ctx.commit(person('p0', { firstName: 'New' }));
  await ctx.converged();
  const run = await operator.started('undo', { scope: { kind: 'person', id: 'p0' } });
  await operator.reaches(run, 'planned');
  await send(ctx, false);
  await operator.decide(run, 'approve');
  await operator.reaches(run, 'applying');
  await ctx.commit(person('p0', { firstName: 'New', active: false }));
  await send(ctx, true);
  await operator.reaches(run, 'done');
  await ctx.converged();
  expect(await inactive(platform)).toEqual(['pp0@example.org']);
  expect(await ctx.work()).toEqual([]);
  expect(await operator.fates(run)).toEqual({ 'person/p0': 'superseded' });
});

test('rejecting a plan holds what was planned, not who left since', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 6);
  await operator.enable(false);
  await ctx.commit(person('p0', { firstName: 'New' }), person('p1', { firstName: 'New' }));
  await operator.enable(true);
  const { id } = await operator.latest('gap', 'planned');
  await send(ctx, false);
  await ctx.commit(person('p0', { firstName: 'New', active: false }));
  await operator.decide(id, 'reject', { operation: 'rename' });
  await send(ctx, true);
  const isGone = async () => (await inactive(platform)).length === 1;
  await until(isGone, { deadlineMs: 10_000, what: 'the leaver to be deactivated' });
  await ctx.converged();
  expect(await ctx.work()).toMatchObject([{ id: 'p1', state: 'held', code: 'REJECTED' }]);
});

test('what was marked for the gap in the middle of a run keeps neither that run nor the gap from going on', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 6);
  await ctx.db.raw(`update sink.link set applied = applied || '{"firstName": "Old"}' where id in ('p0', 'p1')`);
  await send(ctx, false);
  const run = await operator.started('sync');
  await operator.reaches(run, 'applying');
  await operator.enable(false);
  await ctx.commit(person('p0', { firstName: 'New' }));
  await operator.enable(true);
  await send(ctx, true);
  const gap = await operator.latest('gap', 'planned');
  await operator.decide(gap.id, 'approve');
  await operator.reaches(gap.id, 'done');
  await operator.reaches(run, 'done');
  expect(await operator.fates(run)).toEqual({ 'person/p0': 'superseded', 'person/p1': 'applied' });
  expect((await platform.state()).users.map(({ firstName }) => firstName)).toContain('New');
});

test('what was shown behind something parked is covered by the approval when it becomes free', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 2);
  const id = await planBesideParked(operator);
  await send(ctx, false);
  await operator.decide(id, 'approve');
  await operator.reaches(id, 'applying');
  // Free, and somebody else: known without a mark, as after a replay.
  await ctx.db.raw(`update sink.person set email = 'x@example.org' where id = 'x'`);
  await send(ctx, true);
  await operator.reaches(id, 'done');
  expect((await platform.state()).users.map(({ email }) => email)).toContain('x@example.org');
  expect(await ctx.work()).toEqual([]);
});
