import { expect, test } from 'vitest';
import { gone, member, person, SinkContext, unit } from './fixture.ts';

test('the user we log in as is protected without being listed: who leaves with its address is not deactivated', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform({
    credentials: { username: 'api@example.org' },
    users: [{ firstName: 'Ann', lastName: 'Admin', email: 'api@example.org' }],
  });
  await ctx.integrate(platform);
  await ctx.commit(
    unit('1', null, 'Acme'),
    person('a', { email: 'API@example.org' }),
    person('b'),
    member('ma', 'a', '1'),
    member('mb', 'b', '1'),
  );
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  await ctx.commit(gone('person', 'a'), person('b', { active: false }));
  await ctx.converged();
  const active = (await platform.state()).users.map(({ email, isActive }) => [email?.toLowerCase(), isActive]);
  expect(active).toEqual([
    ['api@example.org', true],
    ['pb@example.org', false],
  ]);
  expect((await ctx.work()).map(({ id, state, code }) => `${id} ${state} ${code}`)).toEqual(['a parked PROTECTED']);
});

test('an Owner of the platform is protected without being listed: neither moved nor deactivated, the name follows', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform({
    users: [
      { firstName: 'Olga', lastName: 'Owner', email: 'po@example.org', permissionTypes: ['Owner'] },
      { firstName: 'Uma', lastName: 'User', email: 'pu@example.org', permissionTypes: ['User'] },
    ],
  });
  await ctx.integrate(platform);
  await ctx.commit(
    unit('1', null, 'Acme'),
    unit('11', '1', 'North'),
    ...['o', 'u'].flatMap((id) => [person(id), member(`m${id}`, id, '11')]),
  );
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  const olga = async () => (await platform.state()).users.find(({ email }) => email === 'po@example.org')!;
  expect(await olga()).toMatchObject({ firstName: 'First o', departmentIds: [platform.facts.topDepartmentId] });
  await ctx.commit(person('o', { active: false }), person('u', { active: false }));
  await ctx.converged();
  expect((await platform.state()).users.map(({ email, isActive }) => [email, isActive])).toEqual([
    ['po@example.org', true],
    ['pu@example.org', false],
  ]);
  expect((await ctx.work()).map(({ id, state, code }) => `${id} ${state} ${code}`)).toEqual(['o parked PROTECTED']);
});
