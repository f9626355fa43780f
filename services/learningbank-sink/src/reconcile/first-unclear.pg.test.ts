import { expect, test } from 'vitest';
import { SinkContext, unit } from './fixture.ts';

test('an interim rename of a parked unit that is unclear is looked at, and whoever waits for the name goes on', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'), unit('12', '1', 'South'));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  // 11 wants a name that 12 keeps: it is parked, and has to give up North to 13.
  await ctx.commit(unit('11', '1', 'South'));
  await ctx.converged();
  expect((await ctx.work()).map(({ id, state }) => `${id} ${state}`)).toEqual(['11 parked']);
  await platform.fault({ kind: 'reset_after_write', count: 1, match: { method: 'PATCH', route: '/departments/:id' } });
  await ctx.commit(unit('13', '1', 'North'));
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/North', '/North (11)', '/South']);
  expect(await ctx.openAttempts()).toBe(0);
});
