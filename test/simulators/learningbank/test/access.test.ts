import { expect, test } from 'vitest';
import { request, SimContext } from './sim-context.ts';

test('the token names the platform, expires with the clock, and is needed', async () => {
  await using lb = await SimContext.open({ name: 'Byens Bageri', tokenTtlS: 100 });
  const { body } = await lb.login();
  expect(body).toMatchObject({
    tokenType: 'Bearer',
    expiresIn: 100,
    platform: { id: lb.platform.id, name: 'Byens Bageri' },
  });
  expect((await lb.api('GET', '/platform')).status).toBe(200);
  await lb.sim('PUT', '/clock', { advanceMs: 99_000 });
  expect((await lb.api('GET', '/platform')).status).toBe(200);
  await lb.sim('PUT', '/clock', { advanceMs: 2_000 });
  const expired = await lb.api('GET', '/platform');
  expect([expired.status, expired.body.error.code]).toEqual([401, 'invalid_token']);
  expect((await request(`${lb.platform.url}/users`, 'GET')).status).toBe(401);
});

test('wrong credentials are refused; the token may be missing, not wrong', async () => {
  await using lb = await SimContext.open();
  const { username, password } = lb.platform.credentials;
  const login = (body: unknown) => request(`${lb.platform.url}/auth/token`, 'POST', body);
  expect((await login({ username, password })).status).toBe(200);
  for (const wrong of [
    { username, password: 'x' },
    { username: 'x', password },
    { username, password, token: 'x' },
  ]) {
    const got = await login(wrong);
    expect([got.status, got.body.error.code]).toEqual([401, 'invalid_credentials']);
  }
});

test('a token of one platform is worth nothing on another', async () => {
  await using lb = await SimContext.open();
  const other = (await lb.sim('POST', '/platforms', { name: 'Other' })).body;
  const token = (await lb.login()).body.accessToken as string;
  const got = await request(`${other.url}/users`, 'GET', undefined, { Authorization: `Bearer ${token}` });
  expect(got.status).toBe(401);
});

test('calls beyond the rate are refused until the minute is over, and Retry-After says when', async () => {
  await using lb = await SimContext.open({ rateLimitPerMinute: 3 });
  await lb.sim('PUT', '/clock', { nowMs: 1_000_000, frozen: true });
  await lb.login();
  for (let n = 0; n < 3; n += 1) expect((await lb.api('GET', '/platform')).status).toBe(200);
  await lb.sim('PUT', '/clock', { advanceMs: 20_000 });
  const refused = await lb.api('POST', '/departments', { name: 'A' });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '40']);
  await lb.sim('PUT', '/clock', { advanceMs: 40_000 });
  expect((await lb.api('GET', '/departments')).body.meta.total).toBe(1);
});

test('the default rate is 300 a minute', async () => {
  await using lb = await SimContext.open({ rateLimitPerMinute: undefined });
  const statuses = await Promise.all(
    Array.from({ length: 305 }, async () => (await lb.api('GET', '/platform')).status),
  );
  expect(statuses.filter((status) => status === 429)).toHaveLength(5);
});

test('the same Idempotency-Key makes one object', async () => {
  await using lb = await SimContext.open();
  const post = (name: string) => lb.api('POST', '/departments', { name }, { 'Idempotency-Key': 'k1' });
  const first = await post('A');
  expect(await post('A')).toMatchObject({ status: 201, body: first.body });
  expect((await post('B')).status).toBe(409);
  expect((await lb.api('GET', '/departments')).body.meta.total).toBe(2);
});

test('half a JSON, no JSON and unknown paths are answered in the envelope', async () => {
  await using lb = await SimContext.open();
  expect((await lb.api('POST', '/departments', '{"name":"A')).body.error.code).toBe('invalid_json');
  expect((await lb.api('POST', '/departments')).body.error.code).toBe('validation_failed');
  expect((await lb.api('GET', '/nothing/here')).body.error.code).toBe('not_found');
  expect((await lb.api('GET', '/departments/4711')).body.error.code).toBe('not_found');
});

test('a login link signs its user in once, within a minute', async () => {
  await using lb = await SimContext.open();
  const id = await lb.create('/users', { firstName: 'A', lastName: 'B', email: 'a@example.dk' });
  const link = async (body: object) => (await lb.api('POST', '/login-links', body)).body.data.url as string;
  const url = await link({ email: 'A@example.dk', redirectPath: '/course/7?x=1' });
  const first = await request(url, 'GET');
  expect([first.status, first.headers.get('location')]).toEqual([302, `/p/${lb.platform.id}/course/7?x=1`]);
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  const page = await request(new URL(first.headers.get('location') ?? '', url).href, 'GET', undefined, { cookie });
  expect(page.body).toContain(`data-user="${id}"`);
  expect(await request(url, 'GET')).toMatchObject({ status: 410, body: { error: { code: 'link_used_or_expired' } } });
  const late = await link({ userId: id });
  await lb.sim('PUT', '/clock', { advanceMs: 61_000 });
  expect((await request(late, 'GET')).status).toBe(410);
});

test('no login link for nobody, for the deactivated, and to other sites', async () => {
  await using lb = await SimContext.open();
  const id = await lb.create('/users', { firstName: 'A', lastName: 'B', externalId: 'x' });
  const ask = async (body: object) => {
    const got = await lb.api('POST', '/login-links', body);
    return [got.status, got.body.error?.code] as unknown;
  };
  expect(await ask({ email: 'nobody@example.dk' })).toEqual([404, 'user_not_found']);
  for (const redirectPath of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
    expect(await ask({ userId: id, redirectPath })).toEqual([422, 'validation_failed']);
  }
  expect(await ask({ userId: id, externalId: 'x' })).toEqual([422, 'validation_failed']);
  expect(await ask({ externalId: 'x' })).toEqual([201, undefined]);
  await lb.api('POST', `/users/${id}/deactivate`);
  expect(await ask({ externalId: 'x' })).toEqual([403, 'user_inactive']);
});
