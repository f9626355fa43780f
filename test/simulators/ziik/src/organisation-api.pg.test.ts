import { afterAll, beforeAll, expect, test } from 'vitest';
import { addMembership } from './memberships.ts';
import { createRole } from './roles.ts';
import { SiteContext, type TestSite } from './site-context.ts';
import { createUnit, deleteUnit } from './units.ts';

let ziik: SiteContext;
beforeAll(async () => {
  ziik = await SiteContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

/** Kæden › Jylland › Aarhus, with a department there, and Anna in Aarhus and Jylland. */
async function grown(settings: object = {}) {
  const site = await ziik.site(settings);
  const unit = (name: string, parentId: string, unitType = 'unit') =>
    createUnit(ziik.pool, site.id, { parentId, name, unitType });
  const region = await unit('Jylland', site.unitId);
  const shop = await unit('Aarhus', region);
  const counter = await unit('Kassen', shop, 'department');
  const role = await createRole(ziik.pool, site.id, 'Butikschef');
  await createRole(ziik.pool, site.id, 'Unused');
  const anna = await site.person('Anna', {
    memberships: [{ unitId: shop, departmentId: counter, roleIds: [role], position: 0 }],
  });
  await addMembership(ziik.pool, site.id, anna, { unitId: region, position: 1 });
  return { site, region, shop, counter, role, anna };
}

const names = (got: { body: { data: { name: string }[] } }) => got.body.data.map((one) => one.name);

async function adminOf(site: TestSite): Promise<string> {
  await site.sim('POST', 'api-users', { userId: await site.person('Boss', { admin: true }), password: 'x' });
  return (await site.login('boss@example.dk', 'x')).body.jwt as string;
}

test('units are listed without departments, which can be asked for; a deleted one is gone', async () => {
  const { site, shop, counter } = await grown();
  expect(names(await site.api('GET', '/units'))).toEqual(['Kæden', 'Jylland', 'Aarhus']);
  expect(names(await site.api('GET', '/units?type=department'))).toEqual(['Kassen']);
  expect(names(await site.api('GET', '/units?keyword=ARH'))).toEqual(['Aarhus']);
  expect((await site.api('GET', `/units/${shop}`)).body.data).toMatchObject({
    level: 2,
    parent: { name: 'Jylland', parent: { name: 'Kæden', parent: null } },
    departments: [{ id: Number(counter) }],
    stats: { users: 1, children: 0, children_total: 1 },
  });
  await deleteUnit(ziik.pool, site.id, shop);
  expect((await site.api('GET', `/units/${shop}`)).status).toBe(404);
});

test('the tree is the caller’s own and one level below, or all of it; flat where wanted', async () => {
  const { site } = await grown();
  expect((await site.api('GET', '/units/tree')).body.data).toMatchObject([
    { name: 'Kæden', children: [{ name: 'Jylland', children: [] }] },
  ]);
  expect((await site.api('GET', '/units/tree?all')).body.data[0].children[0].children[0].name).toBe('Aarhus');
  expect(names(await site.api('GET', '/units/tree?all&flatten=1'))).toEqual(['Kæden', 'Jylland', 'Aarhus']);
});

test('roles: those in use, or all', async () => {
  const { site } = await grown();
  expect(names(await site.api('GET', '/usertypes'))).toEqual(['Butikschef']);
  expect(names(await site.api('GET', '/usertypes?all'))).toEqual(['Butikschef', 'Unused']);
});

test('memberships come in their order, to those who may edit the user', async () => {
  const { site, anna, role } = await grown();
  expect((await site.api('GET', `/users/${anna}/units`)).status).toBe(403);
  const got = await site.api('GET', `/users/${anna}/units`, undefined, await adminOf(site));
  expect(got.body.data).toMatchObject([
    { unit: { name: 'Aarhus' }, department: { name: 'Kassen' }, userTypes: [{ id: Number(role), name: 'Butikschef' }] },
    { unit: { name: 'Jylland' }, department: [], userTypes: [] },
  ]);
  expect((await site.api('GET', `/users/${anna}`)).body.data).toMatchObject({
    unit: { name: 'Aarhus', level: 2 },
    userTypes: [{ name: 'Butikschef' }],
    settings: { language: 'da', expire: null },
  });
});

test('with the switches, empty objects are objects, and a parent is only an id', async () => {
  const { site, anna, region, shop } = await grown({ emptyObjects: 'object', parents: 'id' });
  const got = await site.api('GET', `/users/${anna}/units`, undefined, await adminOf(site));
  expect(got.body.data[1]).toMatchObject({ abilities: {}, department: {} });
  const unit = (await site.api('GET', `/units/${shop}`)).body.data;
  expect(unit).toMatchObject({ parent_id: Number(region) });
  expect(unit).not.toHaveProperty('parent');
});

test('users are found by unit, role and reference', async () => {
  const { site, anna, region, role } = await grown();
  await site.person('Bo', { reference: 'E 7' });
  const ids = async (path: string) =>
    ((await site.api('GET', path)).body.data as { id: number }[]).map((user) => String(user.id));
  expect(await ids(`/users?unit=${region}`)).toEqual([anna]);
  expect(await ids(`/users/search?userTypes=${role}`)).toEqual([anna]);
  expect((await site.api('GET', '/users/reference/E%207')).body.data.first_name).toBe('Bo');
  expect((await site.api('GET', '/users/reference/none')).status).toBe(404);
});

test('units that are in a loop, as broken imports leave them, are answered all the same', async () => {
  const { site, region, shop, anna } = await grown();
  await ziik.pool.query('update units set parent_id = $2 where id = $1', [region, shop]);
  expect((await site.api('GET', '/units')).status).toBe(200);
  expect((await site.api('GET', '/units/tree?all')).status).toBe(200);
  expect((await site.api('GET', `/users/${anna}`)).status).toBe(200);
});
