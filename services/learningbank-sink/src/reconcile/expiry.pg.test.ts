import { expect, test } from 'vitest';
import { markExpired } from '../ingest/expiry.ts';
import { member, person, SinkContext, unit } from './fixture.ts';

test('a person whose end date has passed by any clock is deactivated, though the clock of the planner is behind', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  const expiresAtMs = Date.now() + 60_000;
  await ctx.commit(unit('1', null, 'Acme'), person('a', { expiresAtMs }), member('ma', 'a', '1'));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  expect((await platform.state()).users.map(({ isActive }) => isActive)).toEqual([true]);
  expect(await markExpired(ctx.db, new Date(expiresAtMs))).toBe(1);
  await ctx.converged();
  expect((await platform.state()).users.map(({ isActive }) => isActive)).toEqual([false]);
  await ctx.commit(person('a', { expiresAtMs: expiresAtMs + 60_000 }));
  await ctx.converged();
  expect((await platform.state()).users.map(({ isActive }) => isActive)).toEqual([true]);
});
