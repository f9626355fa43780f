import { expect, test } from 'vitest';
import { assigned, member, person, role, SinkContext, unit } from './fixture.ts';

test('a first sync makes departments, permission types and people, about one call each', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform({ jobProfiles: ['Barista'] });
  const integration = await ctx.integrate(platform);
  await ctx.commit(
    unit('1', null, 'Acme'),
    unit('11', '1', 'North'),
    unit('111', '11', 'Shop'),
    unit('12', '1', 'South'),
    role('7', 'Barista'),
    ...Array.from({ length: 40 }, (_, n) => [
      person(`${n}`),
      member(`m${n}`, `${n}`, '111'),
      assigned(`a${n}`, `m${n}`, '7'),
    ]).flat(),
  );
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/North', '/North/Shop', '/South']);
  const { users, permissionTypes, departments } = await platform.state();
  expect(users).toHaveLength(40);
  const shop = departments.find(({ name }) => name === 'Shop')!;
  const barista = permissionTypes.find(({ externalId }) => externalId !== null)!;
  expect(users.every(({ departmentIds }) => departmentIds[0] === shop.id)).toBe(true);
  expect(users.every(({ permissionTypeIds }) => permissionTypeIds.includes(barista.id))).toBe(true);
  const calls = await platform.calls();
  expect(calls.filter(({ route }) => route.startsWith('/users')).length / 40).toBeLessThanOrEqual(1.2);
  expect(await ctx.state(integration)).toEqual({ state: 'live', code: null });
  expect(await ctx.openAttempts()).toBe(0);
});
