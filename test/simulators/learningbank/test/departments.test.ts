import { expect, test } from 'vitest';
import { SimContext } from './sim-context.ts';

test('the top department can be neither renamed, moved nor deleted, but marked', async () => {
  await using lb = await SimContext.open();
  const top = lb.platform.topDepartmentId;
  const other = await lb.create('/departments', { name: 'A' });
  for (const got of [
    await lb.api('PATCH', `/departments/${top}`, { name: 'Other' }),
    await lb.api('PATCH', `/departments/${top}`, { parentId: other }),
    await lb.api('DELETE', `/departments/${top}`),
  ]) {
    expect([got.status, got.body.error.code]).toEqual([403, 'protected']);
  }
  const marked = await lb.api('PATCH', `/departments/${top}`, { externalId: 'eu1.1:unit:1' });
  expect(marked.body.data).toMatchObject({ isTop: true, parentId: null, externalId: 'eu1.1:unit:1' });
});

test('siblings differ in name; the same name is free elsewhere, and after a rename, move or deletion', async () => {
  await using lb = await SimContext.open();
  const north = await lb.create('/departments', { name: 'North' });
  const south = await lb.create('/departments', { name: 'South' });
  const shop = await lb.create('/departments', { name: 'Shop', parentId: north });
  const clash = await lb.api('POST', '/departments', { name: 'Shop', parentId: north });
  expect([clash.status, clash.body.error.code]).toEqual([409, 'name_taken']);
  const twin = await lb.create('/departments', { name: 'Shop', parentId: south });
  expect((await lb.api('PATCH', `/departments/${twin}`, { parentId: north })).body.error.code).toBe('name_taken');
  expect((await lb.api('PATCH', `/departments/${twin}`, { name: 'Shop' })).status).toBe(200);
  expect((await lb.api('PATCH', `/departments/${shop}`, { name: 'Store' })).status).toBe(200);
  expect((await lb.api('PATCH', `/departments/${twin}`, { parentId: north })).status).toBe(200);
  expect((await lb.api('DELETE', `/departments/${twin}`)).status).toBe(204);
  await lb.create('/departments', { name: 'Shop', parentId: north });
});

test('a department cannot go below itself', async () => {
  await using lb = await SimContext.open();
  const a = await lb.create('/departments', { name: 'A' });
  const b = await lb.create('/departments', { name: 'B', parentId: a });
  const c = await lb.create('/departments', { name: 'C', parentId: b });
  for (const parentId of [a, b, c]) {
    const got = await lb.api('PATCH', `/departments/${a}`, { parentId });
    expect([got.status, got.body.error.code]).toEqual([422, 'cycle']);
  }
});

test('a department with children stays; members of a deleted one lose it or fall to the default department', async () => {
  await using lb = await SimContext.open();
  const a = await lb.create('/departments', { name: 'A' });
  const b = await lb.create('/departments', { name: 'B', parentId: a });
  const names = { firstName: 'F', lastName: 'L' };
  const only = await lb.create('/users', { ...names, departmentIds: [b] });
  const both = await lb.create('/users', { ...names, departmentIds: [b, a] });
  const refused = await lb.api('DELETE', `/departments/${a}`);
  expect([refused.status, refused.body.error.code]).toEqual([409, 'not_empty']);
  expect((await lb.api('DELETE', `/departments/${b}`)).status).toBe(204);
  const idsOf = async (id: number) =>
    (await lb.api('GET', `/users/${id}`)).body.data.departments.map((one: { id: number }) => one.id) as number[];
  expect(await idsOf(only)).toEqual([lb.platform.topDepartmentId]);
  expect(await idsOf(both)).toEqual([a]);
  expect((await lb.api('GET', `/departments/${b}`)).status).toBe(404);
});

test('lists filter by name, parent and external id, exactly', async () => {
  await using lb = await SimContext.open();
  const a = await lb.create('/departments', { name: 'Århus ', externalId: 'x' });
  const b = await lb.create('/departments', { name: 'Shop', parentId: a });
  await lb.create('/departments', { name: 'shop', parentId: a });
  const ids = async (query: string) =>
    (await lb.api('GET', `/departments?${query}`)).body.data.map((one: { id: number }) => one.id) as number[];
  expect(await ids('externalId=x')).toEqual([a]);
  expect(await ids(`parentId=${a}&name=Shop`)).toEqual([b]);
  expect(await ids(`name=${encodeURIComponent('Århus ')}`)).toEqual([a]);
  expect(await ids('name=nobody')).toEqual([]);
});

test('values that do not fit are refused by field', async () => {
  await using lb = await SimContext.open();
  const long = '🙂'.repeat(255);
  expect((await lb.api('POST', '/departments', { name: long })).status).toBe(201);
  for (const name of [`${long}x`, '  ', 7, undefined]) {
    const got = await lb.api('POST', '/departments', { name });
    expect(got.status).toBe(422);
    expect(Object.keys(got.body.error.fields)).toEqual(['name']);
  }
  const orphan = await lb.api('POST', '/departments', { name: 'A', parentId: 4_711 });
  expect(Object.keys(orphan.body.error.fields)).toEqual(['parentId']);
});
