import { expect, test } from 'vitest';
import type { Page, UserCreate } from '@orgstream/clients';
import { ClientContext, failureOf } from './client-context.ts';

const ada: UserCreate = {
  externalId: 'eu1.1:person:7',
  email: 'Ada@example.dk',
  firstName: 'Ada',
  lastName: 'Ørsted',
  language: 'pl',
  isActive: true,
  departmentIds: [],
  permissionTypeIds: [],
};

async function all<T>(pages: AsyncIterable<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages) items.push(...page.items);
  return items;
}

test('the platform says who it is and what it fills in', async () => {
  await using context = await ClientContext.open();
  context.platform.jobProfiles.create({ name: 'Newcomer', isDefault: true });
  const { lb } = context;
  expect(await lb.login()).toEqual({ id: 1, name: 'Acme', url: `${context.simulator.url}/p/1` });
  expect(await lb.platform()).toMatchObject({
    topDepartmentId: 101,
    defaultDepartmentId: 101,
    defaultJobProfileId: 501,
    defaultPermissionTypeId: 4,
  });
});

test('departments are created, read, renamed, moved, marked and deleted, one call each', async () => {
  await using context = await ClientContext.open();
  const { lb } = context;
  await lb.login();
  context.routes();
  const a = await lb.createDepartment({ name: 'Århus 🙂', parentId: 101, externalId: 'eu1.1:unit:1' });
  const b = await lb.createDepartment({ name: 'مطعم', parentId: 101 });
  expect(a).toMatchObject({ name: 'Århus 🙂', parentId: 101, externalId: 'eu1.1:unit:1', isTop: false });
  expect(await lb.getDepartment(a.id)).toEqual(a);
  expect(await lb.updateDepartment(b.id, { name: 'B', externalId: 'x' })).toMatchObject({ name: 'B', externalId: 'x' });
  expect(await lb.moveDepartment(b.id, a.id)).toMatchObject({ id: b.id, parentId: a.id });
  expect((await all(lb.departments({ parentId: a.id, name: 'B' }))).map((one) => one.id)).toEqual([b.id]);
  expect(await lb.deleteDepartment(b.id)).toBeUndefined();
  expect(context.routes()).toEqual([
    'departments.create',
    'departments.create',
    'departments.get',
    'departments.update',
    'departments.update',
    'departments.list',
    'departments.delete',
  ]);
  expect(await failureOf(lb.getDepartment(b.id))).toMatchObject({ code: 'TARGET_NOT_FOUND' });
});

test('permission types and job profiles', async () => {
  await using context = await ClientContext.open();
  const { lb } = context;
  const cook = await lb.createPermissionType({ name: 'Cook', externalId: 'eu1.1:role:3' });
  expect(cook).toMatchObject({ name: 'Cook', isSystem: false, isDefault: false });
  expect(await lb.updatePermissionType(cook.id, { name: 'Chef' })).toEqual({ ...cook, name: 'Chef' });
  expect(await all(lb.permissionTypes({ name: 'Chef' }))).toEqual([{ ...cook, name: 'Chef' }]);
  expect(await all(lb.permissionTypes())).toHaveLength(5);
  await lb.deletePermissionType(cook.id);
  expect(await failureOf(lb.getPermissionType(cook.id))).toMatchObject({ code: 'TARGET_NOT_FOUND' });
  context.platform.jobProfiles.create({ name: 'Cook' });
  expect(await all(lb.jobProfiles({ name: 'Cook' }))).toEqual([{ id: 501, name: 'Cook', isDefault: false }]);
  const waiter = await lb.createJobProfile({ name: 'Waiter' });
  expect(await all(lb.jobProfiles({ name: 'Waiter' }))).toEqual([waiter]);
  expect(await failureOf(lb.createJobProfile({ name: 'Waiter' }))).toMatchObject({ code: 'TARGET_CONFLICT' });
});

test('the life of a user', async () => {
  await using context = await ClientContext.open();
  const { lb } = context;
  const a = await lb.createDepartment({ name: 'A', parentId: 101 });
  const b = await lb.createDepartment({ name: 'B', parentId: 101 });
  const user = await lb.createUser({
    ...ada,
    departmentIds: [b.id, a.id],
    permissionTypeIds: [2],
    lastDay: '2026-12-31',
  });
  expect(user).toMatchObject({ ...ada, departmentIds: [b.id, a.id], permissionTypeIds: [2], lastDay: '2026-12-31' });
  expect(await lb.getUser(user.id)).toEqual(user);
  expect(await lb.updateUser(user.id, { email: 'ada@new.dk', lastDay: null })).toMatchObject({
    email: 'ada@new.dk',
    lastDay: null,
    firstName: 'Ada',
  });
  expect((await lb.setDepartments(user.id, [a.id])).departmentIds).toEqual([a.id]);
  expect((await lb.setDepartments(user.id, [])).departmentIds).toEqual([101]);
  expect((await lb.changePermissionTypes(user.id, { add: [3], remove: [2] })).permissionTypeIds).toEqual([3]);
  expect((await lb.deactivateUser(user.id)).isActive).toBe(false);
  expect((await lb.reactivateUser(user.id)).isActive).toBe(true);
  expect((await all(lb.users({ email: 'ADA@new.dk' }))).map((one) => one.id)).toEqual([user.id]);
  expect((await all(lb.users({ externalId: 'eu1.1:person:7' }))).map((one) => one.id)).toEqual([user.id]);
  expect(await all(lb.users({ email: 'nobody@new.dk' }))).toEqual([]);
  expect(await lb.deleteUser(user.id)).toBeUndefined();
  expect(await failureOf(lb.getUser(user.id))).toMatchObject({ code: 'TARGET_NOT_FOUND' });
  expect(await failureOf(lb.deleteUser(user.id))).toMatchObject({ code: 'TARGET_NOT_FOUND' });
});

test('a user without departments and permission types gets the defaults, and that is no surprise', async () => {
  await using context = await ClientContext.open();
  const user = await context.lb.createUser({ ...ada, language: 'tlh' });
  expect(user).toMatchObject({ departmentIds: [101], permissionTypeIds: [4], language: 'da' });
});

test('the same idempotency key makes one user', async () => {
  await using context = await ClientContext.open();
  const first = await context.lb.createUser(ada, { idempotencyKey: 'attempt-1' });
  expect(await context.lb.createUser(ada, { idempotencyKey: 'attempt-1' })).toEqual(first);
  expect(context.platform.users.byId.size).toBe(1);
});

test('a login link is for one user and a path of the platform', async () => {
  await using context = await ClientContext.open();
  const user = await context.lb.createUser(ada);
  const link = await context.lb.createLoginLink({ userId: user.id }, '/course/7');
  const answer = await fetch(link.url, { redirect: 'manual' });
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/p/1/course/7']);
  expect(await failureOf(context.lb.createLoginLink({ email: 'nobody@example.dk' }))).toMatchObject({
    code: 'TARGET_NOT_FOUND',
    data: { targetCode: 'user_not_found' },
  });
  await context.lb.deactivateUser(user.id);
  expect(await failureOf(context.lb.createLoginLink({ userId: user.id }))).toMatchObject({
    code: 'TARGET_FORBIDDEN',
    data: { targetCode: 'user_inactive' },
  });
});

test('a list is read page by page, one call each, only as far as it is wanted, and from any page', async () => {
  await using context = await ClientContext.open();
  const { lb } = context;
  for (let n = 0; n < 450; n += 1) context.platform.users.create({ firstName: 'A', lastName: `${n}` });
  expect(new Set((await all(lb.users())).map((user) => user.id)).size).toBe(450);
  expect(context.routes()).toEqual(['auth.token', 'users.list', 'users.list', 'users.list']);
  for await (const page of lb.users()) {
    expect([page.items.length, page.totalPages, page.total]).toEqual([200, 3, 450]);
    break;
  }
  expect(context.routes()).toEqual(['users.list']);
  expect(await all(lb.users({}, { fromPage: 3 }))).toHaveLength(50);
  expect(context.routes()).toEqual(['users.list']);
});

test('calls one after the other do not open a connection each', async () => {
  await using context = await ClientContext.open();
  for (let n = 0; n < 20; n += 1) await context.lb.getDepartment(101);
  // undici may open a second one while the first is still finishing a body.
  expect(await context.simulator.connections()).toBeLessThanOrEqual(2);
});
