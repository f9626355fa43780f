import { partitionOf, topics } from '@orgstream/core';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { insertOffsets } from '../ingest/offset-store.ts';
import { TENANT } from '../ingest/fixture.ts';
import { member, person, SinkContext, unit } from './fixture.ts';

test('while ingest catches up after an older database was put back, nothing is sent of its tenants; then everything is', async () => {
  await using ctx = await SinkContext.open();
  await insertOffsets(ctx.db, topics.directoryChanges, 'cluster', [{ partition: 1, low: 0, high: 0 }]);
  const own = partitionOf(TENANT, 2);
  const elsewhere = ['eu1.1', 'eu1.2', 'eu1.3', 'eu1.4', 'eu1.5'].find((tenant) => partitionOf(tenant, 2) !== own)!;
  const [behind, other] = [await ctx.platform(), await ctx.platform()];
  await ctx.integrate(behind);
  await ctx.integrate(other, { tenant: elsewhere });
  const at = { tenant: elsewhere };
  await ctx.commit(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  await ctx.commit(['unit', '1', { parentId: null, name: 'Other', ...at }], ['person', 'x', { email: 'x@example.org', ...at }]); // prettier-ignore
  await ctx.prove();
  await ctx.prove(elsewhere);
  {
    await using _ = ctx.start();
    await ctx.converged();
  }
  const catchUp = (until: number) =>
    ctx.db.raw(`update sink.ingest_offset set catch_up_until = ? where partition = ?`, [until, own]);
  await catchUp(1_000_000);
  await ctx.commit(person('b'), member('mb', 'b', '1'), person('a', { active: false }));
  await ctx.commit(['person', 'x', { email: 'x@example.org', firstName: 'Later', ...at }]);
  ctx.start();
  // Later than the leaver of the tenant that has to wait.
  const passed = async (): Promise<boolean> =>
    (await other.state()).users.some(({ firstName }) => firstName === 'Later');
  await until(passed, { deadlineMs: 10_000, what: 'the other tenant to go on' });
  const settled = async (): Promise<boolean> => !(await ctx.work()).some(({ id }) => id === 'x');
  await until(settled, { deadlineMs: 10_000, what: 'its work to be settled' });
  expect((await behind.state()).users.map(({ isActive }) => isActive)).toEqual([true]);
  expect((await ctx.work()).map(({ id, state }) => `${id} ${state}`)).toEqual(['a ready', 'b ready']);

  await catchUp(0);
  await ctx.converged();
  expect((await behind.state()).users.map(({ isActive }) => isActive)).toEqual([false, true]);
});
