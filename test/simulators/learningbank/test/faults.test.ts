import { expect, test } from 'vitest';
import { SimContext } from './sim-context.ts';

const failed = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    () => 'broken',
  );

test('status: the write is not done, Retry-After is passed on, the count runs out', async () => {
  await using lb = await SimContext.open();
  await lb.sim('POST', '/faults', { kind: 'status', status: 503, retryAfterS: 7, count: 1, match: { method: 'POST' } });
  const got = await lb.api('POST', '/departments', { name: 'A' });
  expect([got.status, got.headers.get('retry-after')]).toEqual([503, '7']);
  expect((await lb.api('GET', '/departments')).body.meta.total).toBe(1);
  expect((await lb.api('POST', '/departments', { name: 'A' })).status).toBe(201);
  expect((await lb.sim('GET', '/faults')).body).toMatchObject([{ kind: 'status', hits: 1 }]);
});

test('reset_after_write: the connection breaks, the write is done; reset_before: it is not', async () => {
  await using lb = await SimContext.open();
  await lb.sim('POST', '/faults', { kind: 'reset_after_write', match: { bodyIncludes: '"After"' } });
  await lb.sim('POST', '/faults', { kind: 'reset_before', match: { bodyIncludes: '"Before"' } });
  expect(await failed(lb.api('POST', '/departments', { name: 'After' }))).toBe('broken');
  expect(await failed(lb.api('POST', '/departments', { name: 'Before' }))).toBe('broken');
  await lb.sim('DELETE', '/faults');
  expect((await lb.api('GET', '/departments?name=After')).body.meta.total).toBe(1);
  expect((await lb.api('GET', '/departments?name=Before')).body.meta.total).toBe(0);
});

test('hang: no answer comes, the connection is cut when told to', async () => {
  await using lb = await SimContext.open();
  await lb.sim('POST', '/faults', { kind: 'hang', ms: 30, match: { route: '/platform' } });
  expect(await failed(lb.api('GET', '/platform'))).toBe('broken');
  expect((await lb.sim('GET', '/calls?summary')).body.byRouteStatus['GET /platform 0']).toBe(1);
});

test.each([
  ['html', /^<!doctype html>/u],
  ['empty', /^undefined$/u],
  ['half_json', /^\{"data"/u],
] as const)('%s: a 200 that says nothing; done only when told to', async (kind, looks) => {
  await using lb = await SimContext.open();
  for (const [afterWrite, total] of [
    [false, 0],
    [true, 1],
  ] as const) {
    const fault = (await lb.sim('POST', '/faults', { kind, afterWrite })).body;
    const got = await lb.api('POST', '/departments', { name: 'A' });
    expect(got.status).toBe(200);
    expect(String(got.body)).toMatch(looks);
    await lb.sim('DELETE', `/faults/${fault.id}`);
    expect((await lb.api('GET', '/departments?name=A')).body.meta.total).toBe(total);
  }
});

test('lying_values: success is claimed, other values are shown, nothing is done', async () => {
  await using lb = await SimContext.open();
  const id = await lb.create('/users', {
    firstName: 'A',
    lastName: 'B',
    email: 'a@example.dk',
    permissionTypeIds: [2],
  });
  const before = (await lb.sim('GET', `/state?platform=${lb.platform.id}`)).body;
  await lb.sim('POST', '/faults', { kind: 'lying_values' });
  const made = await lb.api('POST', '/users', { firstName: 'C', lastName: 'D', email: 'c@example.dk' });
  expect([made.status, made.body.data.firstName === 'C', made.body.data.email]).toEqual([
    201,
    false,
    'other-c@example.dk',
  ]);
  const set = await lb.api('PATCH', `/users/${id}`, { firstName: 'X' });
  expect([set.status, set.body.data.firstName === 'X']).toEqual([200, false]);
  expect((await lb.api('POST', `/users/${id}/deactivate`)).body.data.isActive).toBe(true);
  const delta = await lb.api('PUT', `/users/${id}/permission-types`, { add: [3], remove: [2] });
  expect(delta.body.data.permissionTypes).toMatchObject([{ id: 2 }]);
  expect((await lb.api('DELETE', `/users/${id}`)).status).toBe(200);
  expect((await lb.api('GET', '/users?email=a@example.dk')).body.data[0].email).toBe('other-a@example.dk');
  await lb.sim('DELETE', '/faults');
  expect((await lb.sim('GET', `/state?platform=${lb.platform.id}`)).body).toEqual(before);
});

test('latency delays and then does the work', async () => {
  await using lb = await SimContext.open();
  await lb.sim('POST', '/faults', { kind: 'latency', ms: 50, match: { method: 'POST' } });
  const startedAt = performance.now();
  expect((await lb.api('POST', '/departments', { name: 'A' })).status).toBe(201);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(45);
});

test('unauthorized and forbidden strike the routes, ids and platforms they name, and no others', async () => {
  await using lb = await SimContext.open();
  const a = await lb.create('/users', { firstName: 'A', lastName: 'X' });
  const b = await lb.create('/users', { firstName: 'B', lastName: 'X' });
  await lb.sim('POST', '/faults', { kind: 'forbidden', match: { route: '/users/:id', objectId: a } });
  await lb.sim('POST', '/faults', { kind: 'unauthorized', match: { route: '/auth/token' } });
  await lb.sim('POST', '/faults', { kind: 'status', platform: 1 });
  expect((await lb.api('GET', `/users/${a}`)).status).toBe(403);
  expect((await lb.api('GET', `/users/${b}`)).status).toBe(200);
  expect((await lb.login()).status).toBe(401);
});

test('probability strikes about that often', async () => {
  await using lb = await SimContext.open();
  await lb.sim('POST', '/faults', { kind: 'status', probability: 0.5 });
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => (await lb.api('GET', '/platform')).status),
  );
  const struck = statuses.filter((status) => status === 500).length;
  expect(struck).toBeGreaterThan(50);
  expect(struck).toBeLessThan(150);
});

test('a fault that nobody knows is refused', async () => {
  await using lb = await SimContext.open();
  expect((await lb.sim('POST', '/faults', { kind: 'gremlins' })).status).toBe(422);
  expect((await lb.sim('POST', '/faults', { kind: 'hang', matches: {} })).status).toBe(422);
});
