import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { person, SinkContext } from '../reconcile/fixture.ts';
import { live, type Operator } from './fixture.ts';

/** Enough leavers while disabled to trip any brake; the gap is planned. */
async function exodus(ctx: SinkContext, operator: Operator, count: number): Promise<string> {
  await operator.enable(false);
  await ctx.commit(...Array.from({ length: count }, (_, n) => person(`p${n}`, { active: false })));
  await operator.enable(true);
  return (await operator.latest('gap', 'planned')).id;
}

const held = async (operator: Operator, run: string): Promise<readonly string[]> =>
  (await operator.items(run)).filter(({ state }) => state === 'held').map(({ code }) => code ?? '');

test('what an operator approved passes the brake', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 20);
  const run = await exodus(ctx, operator, 12);
  expect(await operator.run(run)).toMatchObject({ counts: { deactivate: 12, left: 12 } });
  await operator.decide(run, 'approve');
  await operator.reaches(run, 'done');
  expect((await platform.state()).users.filter(({ isActive }) => !isActive)).toHaveLength(12);
});

test('a run that applies by itself is braked: it stays open, held items are approved or rejected one by one or all', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 20);
  const gap = await exodus(ctx, operator, 12);
  await operator.decide(gap, 'cancel');
  const run = await operator.started('sync');
  await until(async () => (await held(operator, run)).length === 12, { deadlineMs: 10_000, what: 'twelve held items' });
  expect(new Set(await held(operator, run))).toEqual(new Set(['BRAKE_TRIPPED']));
  expect((await platform.state()).users.every(({ isActive }) => isActive)).toBe(true);
  expect(await operator.run(run)).toMatchObject({ state: 'applying', progress: { done: 0, total: 12 } });
  const [one, two] = (await operator.items(run)).map(({ key, hash }) => ({
    kind: 'person' as const,
    id: key.slice('person/'.length),
    hash: hash!,
  }));
  expect(await operator.decide(run, 'approve', { items: [one!] })).toMatchObject({ code: null });
  await until(async () => (await operator.fates(run))[`person/${one!.id}`] === 'applied', {
    deadlineMs: 10_000,
    what: 'the approved one',
  });
  expect(await operator.decide(run, 'reject', { items: [two!] })).toMatchObject({ code: null });
  expect(await held(operator, run)).toHaveLength(10);
  expect(await operator.decide(run, 'approve', { operation: 'rename' })).toMatchObject({ code: 'RUN_STATE' });
  expect(await operator.decide(run, 'approve', { operation: 'deactivate' })).toMatchObject({ code: null });
  await operator.reaches(run, 'done');
  expect((await platform.state()).users.filter(({ isActive }) => !isActive)).toHaveLength(11);
  expect(await ctx.work()).toMatchObject([{ kind: 'person', id: two!.id, state: 'held', code: 'REJECTED' }]);
});

test('planned again at apply: the same passes, milder passes, not needed is superseded, more destructive is held', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 5);
  await operator.enable(false);
  await ctx.commit(
    person('p0', { firstName: 'Same' }),
    person('p1', { firstName: 'Milder', email: 'milder@example.org' }),
    person('p2', { firstName: 'Needless' }),
    person('p3', { firstName: 'Worse' }),
  );
  await operator.enable(true);
  const { id: run } = await operator.latest('gap', 'planned');
  // What happens now is no news of the source: the replica alone says so, as a replay would, and nothing is marked.
  const says = (id: string, set: string) => ctx.db.raw(`update sink.person set ${set} where id = ?`, [id]);
  await says('p1', `email = 'pp1@example.org'`);
  await says('p2', `first_name = 'First p2'`);
  await says('p3', `active = false`);
  await operator.decide(run, 'approve');
  await until(async () => Object.values(await operator.fates(run)).every((state) => state !== 'approved'), {
    deadlineMs: 10_000,
    what: 'all items to rest',
  });
  expect(await operator.fates(run)).toEqual({
    'person/p0': 'applied',
    'person/p1': 'applied',
    'person/p2': 'superseded',
    'person/p3': 'held',
  });
  const items = await operator.items(run);
  expect(items.find(({ key }) => key === 'person/p3')).toMatchObject({
    code: 'MORE_DESTRUCTIVE',
    operations: ['deactivate'],
  });
  const names = (await platform.state()).users.map(({ firstName }) => firstName).toSorted();
  expect(names).toEqual(['First p2', 'First p3', 'First p4', 'Milder', 'Same']);
  expect(await operator.run(run)).toMatchObject({ state: 'applying' });
  await operator.decide(run, 'approve');
  await operator.reaches(run, 'done');
  expect((await platform.state()).users.filter(({ isActive }) => !isActive)).toHaveLength(1);
});

test('a first sync with more than the brake lets through is not braked', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await live(ctx, 130);
  expect((await platform.state()).users).toHaveLength(130);
});

test('corrections that wait for a replay run are planned and applied by themselves, up to the brake', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 10);
  await ctx.db.raw(`update sink.person set first_name = 'Corrected' where id in ('p1', 'p2')`);
  await ctx.db.raw(
    `insert into sink.work (integration_id, kind, id, lane, for_run, cause_epoch, cause_lsn, committed_at)
     select ?, 'person', id, 3, 'replay', 1, 1, now() from sink.person where id in ('p1', 'p2', 'p3')`,
    [operator.integration],
  );
  const run = await operator.latest('replay', 'done');
  expect(run).toMatchObject({ needsApproval: false, counts: { items: 2, rename: 2 } });
  expect((await platform.state()).users.filter(({ firstName }) => firstName === 'Corrected')).toHaveLength(2);
  await ctx.converged();
  expect(await ctx.work()).toEqual([]);
});
