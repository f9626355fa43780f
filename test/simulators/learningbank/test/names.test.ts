import { expect, test } from 'vitest';
import { SimContext } from './sim-context.ts';

test('a platform is born with the four built-in permission types; Owner is untouchable', async () => {
  await using lb = await SimContext.open();
  const { data } = (await lb.api('GET', '/permission-types')).body;
  expect(data.map((type: { name: string }) => type.name)).toEqual(['Owner', 'Manager', 'Content Creator', 'User']);
  expect(data.every((type: { isSystem: boolean }) => type.isSystem)).toBe(true);
  const [owner, manager] = data as { id: number }[];
  expect((await lb.api('PATCH', `/permission-types/${owner?.id}`, { name: 'Boss' })).status).toBe(403);
  expect((await lb.api('DELETE', `/permission-types/${owner?.id}`)).status).toBe(403);
  expect((await lb.api('DELETE', `/permission-types/${manager?.id}`)).status).toBe(403);
  expect((await lb.api('PATCH', `/permission-types/${manager?.id}`, { name: 'Leader' })).status).toBe(200);
});

test.each(['/permission-types', '/job-profiles'])('%s: names are unique and freed by a rename', async (path) => {
  await using lb = await SimContext.open();
  const cook = await lb.create(path, { name: 'Cook' });
  const chef = await lb.create(path, { name: 'Chef' });
  expect((await lb.api('POST', path, { name: 'Cook' })).body.error.code).toBe('name_taken');
  expect((await lb.api('PATCH', `${path}/${chef}`, { name: 'Cook' })).status).toBe(409);
  expect((await lb.api('PATCH', `${path}/${cook}`, { name: 'Cook' })).status).toBe(200);
  expect((await lb.api('PATCH', `${path}/${cook}`, { name: 'Head cook' })).status).toBe(200);
  expect((await lb.api('PATCH', `${path}/${chef}`, { name: 'Cook' })).status).toBe(200);
  expect((await lb.api('GET', `${path}?name=Cook`)).body.data).toMatchObject([{ id: chef, name: 'Cook' }]);
});

test('a deleted permission type is taken from its users', async () => {
  await using lb = await SimContext.open();
  const cook = await lb.create('/permission-types', { name: 'Cook' });
  const user = await lb.create('/users', { firstName: 'F', lastName: 'L', permissionTypeIds: [2, cook] });
  expect((await lb.api('DELETE', `/permission-types/${cook}`)).status).toBe(204);
  expect((await lb.api('GET', `/users/${user}`)).body.data.permissionTypes).toEqual([{ id: 2, name: 'Manager' }]);
});
