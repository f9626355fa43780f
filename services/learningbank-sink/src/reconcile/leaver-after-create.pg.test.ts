import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { gone, member, person, SinkContext, unit } from './fixture.ts';

test.each([
  ['deleted', gone('person', 'b'), {}],
  ['inactive where nobody is created inactive', person('b', { active: false }), { createInactive: false }],
  ['inactive without an e-mail', person('b', { active: false, email: null }), {}],
] as const)('a person whose creation is unclear and who is %s by then is deactivated', async (_, leaves, settings) => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform, { settings });
  await ctx.commit(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  await using running = ctx.start();
  await ctx.prove();
  await ctx.converged();
  // Created, and nobody heard of it: the process ends before it could look.
  await platform.fault({ kind: 'hang', afterWrite: true, count: 1, match: { method: 'POST', route: '/users' } });
  await ctx.commit(person('b'), member('mb', 'b', '1'));
  await until(async () => (await platform.state()).users.length === 2, { deadlineMs: 5_000, what: 'the user' });
  await running.stop();
  await ctx.commit(leaves);
  ctx.start();
  await ctx.converged();
  const user = (await platform.state()).users.find(({ email }) => email === 'pb@example.org');
  expect(user?.isActive).toBe(false);
  expect(await ctx.openAttempts()).toBe(0);
  expect((await platform.state()).users).toHaveLength(2);
});

test('a unit whose creation is unclear and which is deleted by then leaves no department behind', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'));
  await using running = ctx.start();
  await ctx.prove();
  await ctx.converged();
  await platform.fault({ kind: 'hang', afterWrite: true, count: 1, match: { method: 'POST', route: '/departments' } });
  await ctx.commit(unit('2', '1', 'North'));
  await until(async () => (await platform.tree()).length === 1, { deadlineMs: 5_000, what: 'the department' });
  await running.stop();
  await ctx.commit(gone('unit', '2'));
  ctx.start();
  await ctx.converged();
  expect(await platform.tree()).toEqual([]);
});

test('a unit that is deleted while the creation of somebody in it is unclear waits for that person, and goes', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), unit('2', '1', 'North'));
  await using running = ctx.start();
  await ctx.prove();
  await ctx.converged();
  await platform.fault({ kind: 'hang', afterWrite: true, count: 1, match: { method: 'POST', route: '/users' } });
  await ctx.commit(person('b'), member('mb', 'b', '2'));
  await until(async () => (await platform.state()).users.length === 1, { deadlineMs: 5_000, what: 'the user' });
  await running.stop();
  await ctx.commit(member('mb', 'b', '1'), gone('unit', '2'));
  ctx.start();
  await ctx.converged();
  expect(await platform.tree()).toEqual([]);
  expect(await ctx.work()).toEqual([]);
});
