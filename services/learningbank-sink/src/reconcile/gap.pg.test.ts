import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { assigned, member, person, role, SinkContext, unit } from './fixture.ts';

test('enabled again: a live change brings the units and roles it needs along, the rest of the gap waits', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform();
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), unit('11', '1', 'North'), person('a'), member('ma', 'a', '11'));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  const enable = (enabled: boolean) =>
    ctx.db.raw(`update control.integration set enabled = ?, generation = generation + 1`, [enabled]);
  await enable(false);
  await ctx.commit(
    unit('11', '1', 'Nord'),
    unit('12', '1', 'South'),
    unit('13', '12', 'Shop'),
    unit('14', '12', 'Kiosk'),
    role('7', 'Barista'),
    role('8', 'Clerk'),
    person('a', { active: false }),
    person('b'),
    member('mb', 'b', '12'),
  );
  await enable(true);
  await ctx.commit(person('c'), member('mc', 'c', '13'), assigned('ac', 'mc', '7'));
  await until(async () => (await platform.state()).users.length === 2, { deadlineMs: 5_000, what: 'the live change' });
  const settled = async (): Promise<boolean> => !(await ctx.work()).some(({ id }) => id === 'c');
  await until(settled, { deadlineMs: 5_000, what: 'the live change to be settled' });
  expect(await platform.tree()).toEqual(['/North', '/South', '/South/Shop']);
  const { users, permissionTypes } = await platform.state();
  expect(users.map(({ email, isActive }) => [email, isActive])).toEqual([
    ['pa@example.org', true],
    ['pc@example.org', true],
  ]);
  expect(permissionTypes.some(({ name }) => name === 'Barista')).toBe(true);
  expect((await ctx.work()).map(({ kind, id }) => `${kind} ${id}`)).toEqual([
    'person a', 'person b', 'role 8', 'unit 11', 'unit 14',
  ]); // prettier-ignore
});
