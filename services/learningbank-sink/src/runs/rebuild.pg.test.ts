import { expect, test } from 'vitest';
import { member, person, SinkContext } from '../reconcile/fixture.ts';
import { live, Operator } from './fixture.ts';

test('a rebuild forgets the links, sends nothing before a fresh snapshot is proved, and finds its own again', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 8);
  const before = await platform.state();
  const writes = (await platform.writes()).length;
  const run = await operator.started('rebuild');
  expect(await operator.run(run)).toMatchObject({ state: 'waiting_for_snapshot' });
  expect(await operator.start('rebuild')).toMatchObject({ code: 'RUN_IN_PROGRESS' });
  expect(await operator.start('sync')).toMatchObject({ code: 'SNAPSHOT_MISSING' });
  const { rows: asked } = await ctx.db.raw<{ rows: { payload: object }[] }>(
    `select payload from control.command where addressee = 'ziik-cdc' and payload ->> 'reason' = 'rebuild'`,
  );
  expect(asked).toEqual([{ payload: { source: 'eu1', tenant: 'eu1.42', reason: 'rebuild' } }]);
  // Meanwhile the source goes on: somebody leaves, somebody comes.
  await ctx.commit(person('p0', { active: false }), person('new'), member('mnew', 'new', '12'));
  expect(await operator.run(run)).toMatchObject({ state: 'waiting_for_snapshot' });
  expect(await platform.writes()).toHaveLength(writes);

  await ctx.db.raw(
    `insert into sink.snapshot (tenant, snapshot_id, epoch, lsn, seq, partition, start_offset, state) values ('eu1.42', 's2', 1, 2, 0, 0, 0, 'proved')`,
  );
  await ctx.db.raw(`select pg_notify('orgstream_work', '')`);
  const done = await operator.reaches(run, 'done');
  await ctx.converged();
  // Everything that we made is recognised by its marker: adopted, not made again; and the two changes are made.
  expect(done.counts).toMatchObject({ create: 1, deactivate: 1 });
  expect(await platform.writes()).toHaveLength(writes + 2);
  const after = await platform.state();
  expect(after.users).toHaveLength(before.users.length + 1);
  expect(after.departments.map(({ id }) => id)).toEqual(before.departments.map(({ id }) => id));
  expect(await ctx.work()).toEqual([]);
  expect((await operator.runs()).map(({ kind, state }) => `${kind} ${state}`)).toEqual(['sync done', 'rebuild done']);
});

test('killed while it waits for the snapshot: the next owner goes on', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  const operator = new Operator(ctx, integration);
  await ctx.commit(['unit', '1', { parentId: null, name: 'Acme' }], person('a'), member('ma', 'a', '1'));
  await ctx.prove();
  const first = await ctx.spawn({ leaseMs: 1_000 });
  await ctx.converged(20_000);
  await operator.latest('sync', 'done');
  const run = await operator.started('rebuild');
  first.kill('SIGKILL');
  await first.exited;
  await ctx.db.raw(
    `insert into sink.snapshot (tenant, snapshot_id, epoch, lsn, seq, partition, start_offset, state) values ('eu1.42', 's2', 1, 2, 0, 0, 0, 'proved')`,
  );
  ctx.start({ leaseMs: 1_000 });
  await operator.reaches(run, 'done');
  await ctx.converged();
  expect((await platform.state()).users).toHaveLength(1);
});
