import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { gone, member, person, SinkContext, unit } from './fixture.ts';

test('what is halted keeps its code through a restart, and goes on once its cause is gone and an operator says so', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  const integration = await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  await using running = ctx.start();
  await ctx.prove();
  await ctx.converged();
  await ctx.commit(gone('unit', '1'));
  const halted = { state: 'halted', code: 'TOP_UNIT_CHANGED' };
  await until(async () => (await ctx.state(integration)).state === 'halted', { deadlineMs: 5_000, what: 'the halt' });
  expect(await ctx.state(integration)).toEqual(halted);
  await running.stop();
  const seen = (await platform.calls()).length;
  ctx.start();
  const catalogueRead = async () => (await platform.calls()).slice(seen).some(({ route }) => route === '/job-profiles');
  await until(catalogueRead, { deadlineMs: 5_000, what: 'the way to the platform to be open again' });
  await ctx.commit(unit('1', null, 'Acme'), person('a', { firstName: 'Grace' }));
  expect(await ctx.state(integration)).toEqual(halted);
  await ctx.db.raw(`update control.integration set generation = generation + 1`);
  await ctx.converged();
  expect((await platform.state()).users.map(({ firstName }) => firstName)).toEqual(['Grace']);
});
