import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { gone, member, person, SinkContext, unit } from '../reconcile/fixture.ts';
import { live, type Operator } from './fixture.ts';

/** A month in which much happens: created, changed, moved, left, deleted; and one that changes and changes back. */
async function month(ctx: SinkContext, operator: Operator): Promise<void> {
  await operator.enable(false);
  await ctx.commit(
    unit('13', '1', 'West'),
    unit('12', '1', 'Sud'),
    person('new'),
    member('mnew', 'new', '13'),
    person('p0', { active: false }),
    person('p1', { firstName: 'Renamed' }),
    member('mp2', 'p2', '12'),
    person('p3', { firstName: 'Other' }),
  );
  await ctx.commit(person('p3'));
  await operator.enable(true);
}

const report = { items: 6, created: 2, changed: 2, moved: 1, left: 1, deleted: 0 };

test('re-enabled: the gap report is planned by itself; "sync" approves it, and all of it is applied', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 6);
  const writes = (await platform.writes()).length;
  await month(ctx, operator);
  const gap = await operator.latest('gap', 'planned');
  expect(gap).toMatchObject({ needsApproval: true, counts: report });
  expect(await platform.writes()).toHaveLength(writes);
  expect(await operator.started('sync')).toBe(gap.id);
  expect(await operator.reaches(gap.id, 'done')).toMatchObject({ decidedBy: 'ann', progress: { done: 6, total: 6 } });
  expect(await ctx.work()).toEqual([]);
  expect(await platform.tree()).toEqual(['/North', '/Sud', '/West']);
  const users = (await platform.state()).users;
  expect(users.find(({ email }) => email === 'pp0@example.org')!.isActive).toBe(false);
  expect(users.find(({ email }) => email === 'pp1@example.org')!.firstName).toBe('Renamed');
  expect((await operator.runs()).map(({ kind }) => kind)).toEqual(['sync', 'gap']);
});

test('a gap that came to nothing lets its objects go, without a call and without an operator', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 2);
  const writes = (await platform.writes()).length;
  await operator.enable(false);
  await ctx.commit(person('p0', { firstName: 'Other' }));
  await ctx.commit(person('p0'));
  await operator.enable(true);
  await operator.latest('gap', 'done');
  await ctx.converged();
  expect(await ctx.work()).toEqual([]);
  expect(await platform.writes()).toHaveLength(writes);
});

test('disabled again: the open gap is cancelled; enabled again, it is planned anew', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 6);
  await month(ctx, operator);
  const first = await operator.latest('gap', 'planned');
  await operator.enable(false);
  expect(await operator.reaches(first.id, 'cancelled')).toMatchObject({ code: 'NOT_SENDING' });
  await ctx.commit(gone('person', 'p4'));
  await operator.enable(true);
  const second = await operator.latest('gap', 'planned');
  expect(second.id).not.toBe(first.id);
  expect(second.counts).toMatchObject({ ...report, items: 7, left: 2 });
});

test('cancelled by an operator: not planned again for the same work, but when asked for', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 6);
  await month(ctx, operator);
  const first = await operator.latest('gap', 'planned');
  expect(await operator.decide(first.id, 'cancel')).toMatchObject({ code: null });
  expect(await operator.decide(first.id, 'approve')).toMatchObject({ code: 'RUN_STATE' });
  // Two looks of the conductor at least, each of which would have begun another.
  await operator.reaches(await operator.started('sync', { dryRun: true }), 'done');
  expect((await operator.runs()).filter(({ kind }) => kind === 'gap')).toHaveLength(1);
  const run = await operator.reaches(await operator.started('sync'), 'done');
  expect(run).toMatchObject({ kind: 'sync', progress: { done: 6, total: 6 } });
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/North', '/Sud', '/West']);
});

test('a live change lifts its own object out of the gap; the run finds nothing left of it', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 6);
  await month(ctx, operator);
  const gap = await operator.latest('gap', 'planned');
  await ctx.commit(person('p1', { firstName: 'Renamed', lastName: 'Twice' }));
  const isSettled = async () => !(await ctx.work()).some(({ id }) => id === 'p1');
  await until(isSettled, { deadlineMs: 10_000, what: 'the live change to be applied' });
  await operator.decide(gap.id, 'approve');
  await operator.reaches(gap.id, 'done');
  expect(await operator.fates(gap.id)).toMatchObject({ 'person/p1': 'superseded', 'person/p0': 'applied' });
});

test('of the gap some items are rejected: they stay as they are, held, and the rest is applied', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 6);
  await month(ctx, operator);
  const gap = await operator.latest('gap', 'planned');
  expect(await operator.decide(gap.id, 'reject', { operation: 'deactivate' })).toMatchObject({ code: null });
  expect(await operator.decide(gap.id, 'reject', { operation: 'deactivate' })).toMatchObject({ code: 'RUN_STATE' });
  expect(await operator.decide(gap.id, 'approve')).toMatchObject({ code: null });
  await operator.reaches(gap.id, 'done');
  expect(await operator.fates(gap.id)).toMatchObject({ 'person/p0': 'rejected', 'person/p1': 'applied' });
  expect((await platform.state()).users.find(({ email }) => email === 'pp0@example.org')!.isActive).toBe(true);
  expect(await ctx.work()).toMatchObject([{ kind: 'person', id: 'p0', state: 'held', code: 'REJECTED' }]);
  // Nothing changes for as long as the same is desired: a full sync leaves it alone.
  const run = await operator.reaches(await operator.started('sync'), 'done');
  expect(run.counts).toEqual({ items: 0, parked: 0 });
});

test('a gap that is rejected as a whole ends by itself, and the next one is planned', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 6);
  await month(ctx, operator);
  const gap = await operator.latest('gap', 'planned');
  const writes = (await platform.writes()).length;
  expect(await operator.decide(gap.id, 'reject')).toMatchObject({ code: null });
  await operator.reaches(gap.id, 'done');
  expect(await platform.writes()).toHaveLength(writes);
  await operator.enable(false);
  await ctx.commit(person('p4', { firstName: 'Later' }));
  await operator.enable(true);
  const next = await operator.latest('gap', 'planned');
  expect(next.id).not.toBe(gap.id);
  expect((await operator.items(next.id)).map(({ key }) => key)).toEqual(['person/p4']);
});
