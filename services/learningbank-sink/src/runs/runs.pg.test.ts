import { expect, test } from 'vitest';
import { member, person, SinkContext, unit } from '../reconcile/fixture.ts';
import { crowd, live, Operator } from './fixture.ts';

test('the first sync is a run with counts, items and progress', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 5);
  const [first, ...others] = await operator.runs();
  expect(others).toEqual([]);
  expect(first).toMatchObject({ kind: 'sync', state: 'done', isFirst: true, needsApproval: false });
  expect(first!.counts).toEqual({ items: 8, parked: 0, adopt: 1, create: 7 });
  expect(first!.progress).toMatchObject({ done: 8, total: 8, calls: 7 });
  expect(Object.values(await operator.fates(first!.id))).toEqual(Array.from({ length: 8 }, () => 'applied'));
});

test('with review the first plan waits, knows what it would adopt, and nothing is sent before it is approved', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform, { settings: { review: true } });
  const operator = new Operator(ctx, integration);
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'), ...crowd('p', 3), person('x', { email: null }));
  ctx.start();
  await ctx.prove();
  const planned = await operator.latest('sync', 'planned');
  expect(planned).toMatchObject({ needsApproval: true, counts: { items: 6, create: 4, adopt: 1, parked: 1 } });
  expect(await platform.writes()).toEqual([]);
  expect(await ctx.state(integration)).toMatchObject({ state: 'planning' });
  expect(await operator.start('sync')).toMatchObject({ code: 'RUN_IN_PROGRESS' });
  expect(await operator.decide(planned.id, 'approve')).toMatchObject({ code: null });
  await ctx.converged();
  await operator.reaches(planned.id, 'done');
  expect((await operator.fates(planned.id))['person/x']).toBe('parked');
  expect((await platform.state()).users).toHaveLength(3);
});

test('a converged sync plans nothing, sends nothing and is done; another kind of scope plans its own objects only', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 3);
  const before = (await platform.writes()).length;
  const run = await operator.reaches(await operator.started('sync'), 'done');
  expect(run.counts).toEqual({ items: 0, parked: 0 });
  expect(await platform.writes()).toHaveLength(before);
  expect(await operator.start('sync', { scope: { kind: 'person', id: 'nobody' } })).toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(await operator.start('rebuild', { dryRun: true })).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
});

test('a run of a unit or a person repairs what was lost there, and there only; a dry run changes nothing', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 4);
  // The links say that names are other than desired: as if calls had been made that a restored copy does not know of.
  const forget = () =>
    ctx.db.raw(
      `update sink.link set applied = applied || '{"firstName": "Old"}' where kind = 'person' and id in ('p0', 'p1')`,
    );
  await forget();
  const dry = await operator.reaches(await operator.started('sync', { dryRun: true }), 'done');
  expect(dry.counts).toEqual({ items: 2, parked: 0, rename: 2 });
  const writes = (await platform.writes()).length;
  const one = await operator.reaches(await operator.started('sync', { scope: { kind: 'person', id: 'p1' } }), 'done');
  expect(one.counts).toEqual({ items: 1, parked: 0, rename: 1 });
  expect(await platform.writes()).toHaveLength(writes + 1);
  await forget();
  const run = await operator.reaches(await operator.started('sync', { scope: { kind: 'unit', id: '11' } }), 'done');
  expect(await operator.fates(run.id)).toEqual({ 'person/p0': 'applied', 'person/p1': 'applied' });
  expect(await platform.writes()).toHaveLength(writes + 3);
});

test('what is changed meanwhile is superseded; what waits is parked at the end', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 2);
  await ctx.db.raw(`update sink.link set applied = applied || '{"firstName": "Old"}' where kind = 'person'`);
  await ctx.db.raw(`update control.integration set paused = true, generation = generation + 1`);
  const run = await operator.started('sync');
  await operator.reaches(run, 'applying');
  // Somebody else brings p0 into step before its turn comes.
  await ctx.db.raw(`update sink.link set applied = applied || '{"firstName": "First p0"}' where id = 'p0'`);
  await ctx.db.raw(`update control.integration set paused = false, generation = generation + 1`);
  await operator.reaches(run, 'done');
  expect(await operator.fates(run)).toEqual({ 'person/p0': 'superseded', 'person/p1': 'applied' });
});

test('nothing is started while disabled, before a snapshot, twice, or about what is not known', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  const operator = new Operator(ctx, integration);
  await ctx.commit(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  ctx.start();
  expect(await operator.start('sync')).toMatchObject({ code: 'SNAPSHOT_MISSING' });
  await ctx.prove();
  await ctx.converged();
  await operator.latest('sync', 'done');
  expect(await operator.start('settings')).toMatchObject({ code: 'REQUEST_INVALID' });
  expect(await operator.start('settings', { settingsVersion: 7 })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await operator.start('settings', { settingsVersion: 1 })).toMatchObject({ code: 'ACTION_NOT_POSSIBLE' });
  expect(await operator.decide('00000000-0000-0000-0000-000000000000', 'approve')).toMatchObject({ code: 'NOT_FOUND' });
  expect(await operator.decide('not a run', 'approve')).toMatchObject({ code: 'NOT_FOUND' });
  await operator.enable(false);
  expect(await operator.start('sync')).toMatchObject({ code: 'NOT_SENDING' });
});

test('a command about an integration that is gone, or has not logged in, is answered too', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform, { password: 'wrong' });
  ctx.start();
  const unknown = new Operator(ctx, '00000000-0000-0000-0000-000000000000');
  const [gone, locked] = await Promise.all([unknown.start('sync'), new Operator(ctx, integration).start('sync')]);
  expect(gone).toMatchObject({ state: 'failed', code: 'NOT_FOUND' });
  expect(locked).toMatchObject({ state: 'failed', code: 'RUN_STATE' });
});
