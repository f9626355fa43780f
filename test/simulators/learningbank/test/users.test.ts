import { expect, test } from 'vitest';
import { SimContext } from './sim-context.ts';

const ada = { firstName: 'Ada', lastName: 'Ørsted', email: 'Ada@example.dk' };

test('what the caller leaves out is filled with the platform defaults', async () => {
  await using lb = await SimContext.open({
    language: 'pl',
    departments: [{ name: 'Arrivals' }],
    jobProfiles: [{ name: 'Newcomer', isDefault: true }],
    permissionTypes: ['Guest'],
    defaults: { department: 'Arrivals', permissionType: 'Guest' },
  });
  const { data } = (await lb.api('POST', '/users', ada)).body;
  expect(data).toMatchObject({
    email: 'Ada@example.dk',
    username: 'Ada@example.dk',
    language: 'pl',
    isActive: true,
    departments: [{ name: 'Arrivals', isPrimary: true }],
    jobProfile: { name: 'Newcomer' },
    permissionTypes: [{ name: 'Guest' }],
  });
  const unknownLanguage = await lb.api('POST', '/users', { firstName: 'A', lastName: 'B', language: 'tlh' });
  expect(unknownLanguage.body.data.language).toBe('pl');
  expect((await lb.api('GET', '/platform')).body.data.defaults).toEqual({
    departmentId: data.departments[0].id,
    jobProfileId: data.jobProfile.id,
    permissionTypeId: data.permissionTypes[0].id,
  });
});

test('an e-mail is unique without regard to case, freed by a change and by deletion, kept by deactivation', async () => {
  await using lb = await SimContext.open();
  const first = await lb.create('/users', ada);
  const again = await lb.api('POST', '/users', { ...ada, email: 'ADA@EXAMPLE.DK' });
  expect([again.status, again.body.error.code]).toEqual([409, 'email_taken']);
  const other = await lb.create('/users', { ...ada, email: 'b@example.dk' });
  expect((await lb.api('PATCH', `/users/${other}`, { email: 'ada@example.dk' })).status).toBe(409);
  expect((await lb.api('PATCH', `/users/${first}`, { email: 'ada@example.DK' })).status).toBe(200);
  await lb.api('POST', `/users/${first}/deactivate`);
  expect((await lb.api('PATCH', `/users/${other}`, { email: 'ada@example.dk' })).status).toBe(409);
  await lb.api('PATCH', `/users/${first}`, { email: 'gone@example.dk' });
  expect((await lb.api('PATCH', `/users/${other}`, { email: 'ada@example.dk' })).status).toBe(200);
  await lb.api('DELETE', `/users/${other}`);
  await lb.create('/users', { ...ada, username: 'ada2' });
});

test('two users without e-mail live side by side', async () => {
  await using lb = await SimContext.open();
  const first = await lb.create('/users', { firstName: 'A', lastName: 'B', email: null });
  const second = await lb.create('/users', { firstName: 'A', lastName: 'B' });
  expect(second).not.toBe(first);
});

test('a refused update changes nothing of the user', async () => {
  await using lb = await SimContext.open();
  await lb.create('/users', ada);
  const id = await lb.create('/users', { ...ada, email: 'b@example.dk' });
  const before = (await lb.api('GET', `/users/${id}`)).body;
  for (const set of [{ firstName: 'X', email: ada.email }, { firstName: 'X', departmentIds: [9] }, { lastName: '' }]) {
    expect((await lb.api('PATCH', `/users/${id}`, set)).status).toBeGreaterThanOrEqual(400);
  }
  expect((await lb.api('GET', `/users/${id}`)).body).toEqual(before);
});

test('departments are set: the first is the primary one, none means the default', async () => {
  await using lb = await SimContext.open();
  const a = await lb.create('/departments', { name: 'A' });
  const b = await lb.create('/departments', { name: 'B' });
  const id = await lb.create('/users', ada);
  const set = async (departmentIds: number[]) =>
    (await lb.api('PUT', `/users/${id}/departments`, { departmentIds })).body.data.departments as unknown;
  expect(await set([b, a, b])).toEqual([
    { id: b, name: 'B', isPrimary: true },
    { id: a, name: 'A', isPrimary: false },
  ]);
  expect(await set([a])).toEqual([{ id: a, name: 'A', isPrimary: true }]);
  expect(await set([])).toMatchObject([{ id: lb.platform.topDepartmentId, isPrimary: true }]);
  const members = await lb.api('GET', `/users?departmentId=${a}`);
  expect(members.body.meta.total).toBe(0);
});

test('permission types change by a delta: those not named survive', async () => {
  await using lb = await SimContext.open();
  const cook = await lb.create('/permission-types', { name: 'Cook' });
  const id = await lb.create('/users', { ...ada, permissionTypeIds: [2] });
  const change = async (delta: object) => {
    const { data } = (await lb.api('PUT', `/users/${id}/permission-types`, delta)).body;
    return data.permissionTypes.map((type: { id: number }) => type.id) as number[];
  };
  expect(await change({ add: [cook, cook] })).toEqual([2, cook]);
  expect(await change({ add: [3], remove: [cook, 999] })).toEqual([2, 3]);
  const unknown = await lb.api('PUT', `/users/${id}/permission-types`, { add: [999] });
  expect([unknown.status, Object.keys(unknown.body.error.fields)]).toEqual([422, ['add']]);
});

test('deactivation keeps everything, deletion keeps nothing', async () => {
  await using lb = await SimContext.open({ jobProfiles: ['Cook'] });
  const id = await lb.create('/users', { ...ada, jobProfileId: 501, permissionTypeIds: [2] });
  const strip = ({ isActive: _a, updatedAt: _u, ...rest }: Record<string, unknown>) => rest;
  const before = (await lb.api('GET', `/users/${id}`)).body.data;
  const off = (await lb.api('POST', `/users/${id}/deactivate`)).body.data;
  expect([off.isActive, strip(off)]).toEqual([false, strip(before)]);
  expect((await lb.api('POST', `/users/${id}/reactivate`)).body.data.isActive).toBe(true);
  expect((await lb.api('DELETE', `/users/${id}`)).status).toBe(204);
  expect((await lb.api('GET', `/users/${id}`)).status).toBe(404);
  expect((await lb.api('GET', '/users?email=ada@example.dk')).body.meta.total).toBe(0);
});

test('an anonymised user is nobody, for good', async () => {
  await using lb = await SimContext.open();
  const id = await lb.create('/users', { ...ada, externalId: 'x', phone: '+4512345678' });
  const { data } = (await lb.api('POST', `/users/${id}/anonymise`)).body;
  expect(data).toMatchObject({ isAnonymised: true, isActive: false, email: null, phone: null, externalId: null });
  expect(JSON.stringify(data)).not.toContain('Ada');
  expect((await lb.api('POST', `/users/${id}/reactivate`)).status).toBe(409);
});

test.each([
  ['firstName', { ...ada, firstName: 'x'.repeat(256) }],
  ['lastName', { ...ada, lastName: ' ' }],
  ['email', { ...ada, email: `${'x'.repeat(250)}@x.dk` }],
  ['email', { ...ada, email: 'no address' }],
  ['firstDay', { ...ada, firstDay: '2026-02-30' }],
  ['departmentIds', { ...ada, departmentIds: [12_345] }],
  ['permissionTypeIds', { ...ada, permissionTypeIds: [12_345] }],
  ['jobProfileId', { ...ada, jobProfileId: 12_345 }],
])('%s that does not fit is refused by its name', async (field, body) => {
  await using lb = await SimContext.open();
  const got = await lb.api('POST', '/users', body);
  expect([got.status, got.body.error.code, Object.keys(got.body.error.fields)]).toEqual([
    422,
    'validation_failed',
    [field],
  ]);
});

test('a name of exactly 255 characters and an e-mail of exactly 254 fit', async () => {
  await using lb = await SimContext.open();
  const longest = { firstName: 'å'.repeat(255), lastName: '王', email: `${'x'.repeat(249)}@x.dk` };
  expect((await lb.api('POST', '/users', longest)).status).toBe(201);
});

test('lists come in pages of at most 200, in order, each user once', async () => {
  await using lb = await SimContext.open({
    users: Array.from({ length: 450 }, (_, i) => ({ firstName: 'A', lastName: `${i}`, email: `u${i}@example.dk` })),
  });
  const seen: number[] = [];
  for (let page = 1; page <= 3; page += 1) {
    const got = await lb.api('GET', `/users?page=${page}&pageSize=200`);
    expect(got.body.meta).toEqual({ page, pageSize: 200, total: 450, totalPages: 3 });
    seen.push(...got.body.data.map((user: { id: number }) => user.id));
  }
  expect(new Set(seen).size).toBe(450);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect((await lb.api('GET', '/users')).body.data).toHaveLength(50);
  expect((await lb.api('GET', '/users?page=4&pageSize=200')).body.data).toEqual([]);
  expect((await lb.api('GET', '/users?pageSize=201')).status).toBe(422);
});

test('users are found by e-mail, username, external id and active flag', async () => {
  await using lb = await SimContext.open();
  const id = await lb.create('/users', { ...ada, externalId: 'eu1.1:person:7', username: 'Ada1' });
  const twin = await lb.create('/users', { ...ada, email: null, externalId: 'eu1.1:person:7', isActive: false });
  const ids = async (query: string) =>
    (await lb.api('GET', `/users?${query}`)).body.data.map((user: { id: number }) => user.id) as number[];
  expect(await ids('email=ADA%40example.dk')).toEqual([id]);
  expect(await ids('username=ada1')).toEqual([id]);
  expect(await ids('externalId=eu1.1:person:7')).toEqual([id, twin]);
  expect(await ids('externalId=eu1.1:person:7&isActive=false')).toEqual([twin]);
  expect(await ids('isActive=true')).toEqual([id]);
});

test('deleting a user leaves no hole in the list', async () => {
  await using lb = await SimContext.open();
  const ids = [];
  for (const name of ['A', 'B', 'C']) ids.push(await lb.create('/users', { firstName: name, lastName: 'X' }));
  await lb.api('GET', '/users');
  await lb.api('DELETE', `/users/${ids[1]}`);
  ids.push(await lb.create('/users', { firstName: 'D', lastName: 'X' }));
  const { data, meta } = (await lb.api('GET', '/users')).body;
  expect(data.map((user: { firstName: string }) => user.firstName)).toEqual(['A', 'C', 'D']);
  expect(meta.total).toBe(3);
});
