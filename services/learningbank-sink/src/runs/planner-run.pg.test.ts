import { expect, test } from 'vitest';
import { SinkContext } from '../reconcile/fixture.ts';
import { plannerVersion } from '../plan/index.ts';
import { live } from './fixture.ts';

test('a planner that desires the same is noted; one that desires something else is a run that waits', async () => {
  await using ctx = await SinkContext.open();
  const { operator, platform } = await live(ctx, 3);
  const version = async (): Promise<number> => {
    const { rows } = await ctx.db.raw<{ rows: { v: number }[] }>(
      `select planner_version as v from sink.integration_state`,
    );
    return rows[0]!.v;
  };
  expect(await version()).toBe(plannerVersion);
  const older = () => ctx.db.raw(`update sink.integration_state set planner_version = 0`);
  await older();
  expect(await operator.latest('planner', 'done')).toMatchObject({ counts: { items: 0 } });
  expect(await version()).toBe(plannerVersion);

  // As if an older planner had applied another name: work knows of nothing.
  await ctx.db.raw(`delete from sink.run where kind = 'planner'`);
  await ctx.db.raw(`update sink.link set applied = applied || '{"firstName": "Old"}' where id = 'p1'`);
  await older();
  const planned = await operator.latest('planner', 'planned');
  expect(planned).toMatchObject({ needsApproval: true, counts: { items: 1, rename: 1 } });
  const writes = (await platform.writes()).length;
  expect(await operator.decide(planned.id, 'approve')).toMatchObject({ code: null });
  await operator.reaches(planned.id, 'done');
  expect(await platform.writes()).toHaveLength(writes + 1);
  expect(await version()).toBe(plannerVersion);
});

test('the planner was replaced since the plan was made: refused', async () => {
  await using ctx = await SinkContext.open();
  const { operator } = await live(ctx, 1);
  await operator.putSettings(2, { uniqueUnits: true });
  const run = await operator.started('settings', { settingsVersion: 2 });
  await operator.reaches(run, 'planned');
  await ctx.db.raw(`update sink.run set planner_version = 0 where id = ?`, [run]);
  expect(await operator.decide(run, 'approve')).toMatchObject({ code: 'RUN_PLANNER_CHANGED' });
  expect(await operator.run(run)).toMatchObject({ state: 'failed', code: 'RUN_PLANNER_CHANGED' });
});
