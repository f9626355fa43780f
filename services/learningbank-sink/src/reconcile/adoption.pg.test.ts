import { expect, test } from 'vitest';
import { assigned, member, person, role, SinkContext, unit } from './fixture.ts';

test('a first sync adopts what exists: departments, permission types, people by e-mail; foreign permission types stay', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform({
    departments: [{ name: 'North' }, { name: 'Shop', parent: 'North' }, { name: 'Foreign' }],
    permissionTypes: ['Barista', 'By hand'],
    users: [
      {
        firstName: 'Old',
        lastName: 'Name',
        email: 'PA@example.org',
        permissionTypes: ['By hand'],
        departments: ['Foreign'],
      },
      { firstName: 'No', lastName: 'Body', email: 'nobody@example.org' },
    ],
  });
  await ctx.integrate(platform);
  const before = await platform.state();
  await ctx.commit(
    unit('1', null, 'Acme'),
    unit('11', '1', 'North'),
    unit('111', '11', 'Shop'),
    role('7', 'Barista'),
    person('a'),
    member('ma', 'a', '111'),
    assigned('aa', 'ma', '7'),
  );
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  const after = await platform.state();
  expect(await ctx.work()).toEqual([]);
  expect(after.departments.map(({ id, name }) => [id, name])).toEqual(
    before.departments.map(({ id, name }) => [id, name]),
  );
  expect(after.permissionTypes).toHaveLength(before.permissionTypes.length);
  expect(after.users).toHaveLength(2);
  const adopted = after.users.find(({ email }) => email?.toLowerCase() === 'pa@example.org')!;
  const idOf = (name: string): number => after.permissionTypes.find((type) => type.name === name)!.id;
  expect(adopted.firstName).toBe('First a');
  expect(adopted.permissionTypeIds).toEqual(expect.arrayContaining([idOf('By hand'), idOf('Barista')]));
  expect(adopted.departmentIds).toEqual([after.departments.find(({ name }) => name === 'Shop')!.id]);
});

test('a user who is inactive at the target, or matched by two people, is a match case; everybody else goes on', async () => {
  await using ctx = await SinkContext.open();
  const platform = await ctx.platform({
    users: [{ firstName: 'In', lastName: 'Active', email: 'pa@example.org', isActive: false }],
  });
  await ctx.integrate(platform);
  await ctx.commit(unit('1', null, 'Acme'), ...['a', 'b'].flatMap((id) => [person(id), member(`m${id}`, id, '1')]));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  expect((await ctx.work()).map(({ id, state, code }) => `${id} ${state} ${code}`)).toEqual([
    'a conflict MATCH_INACTIVE',
  ]);
  expect((await platform.state()).users).toHaveLength(2);
});

test("two integrations of one platform do not take over each other's users", async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await ctx.synced(unit('1', null, 'Acme'), person('a'), member('ma', 'a', '1'));
  await ctx.integrate(platform, { tenant: 'eu1.43' });
  const other = { tenant: 'eu1.43' };
  await ctx.commit(
    ['unit', '1', { ...other, parentId: null, name: 'Other' }],
    ['person', 'z', { ...other, firstName: 'Z', lastName: 'Z', email: 'pa@example.org' }],
    ['membership', 'mz', { ...other, personId: 'z', unitId: '1' }],
  );
  await ctx.prove('eu1.43');
  await ctx.converged();
  expect((await ctx.work()).map(({ id, code }) => `${id} ${code}`)).toEqual(['z LINKED_ELSEWHERE']);
  expect((await platform.state()).users).toHaveLength(1);
});
