import { afterAll, beforeAll, expect, test } from 'vitest';
import { deactivate } from './people.ts';
import { request, SiteContext } from './site-context.ts';

let ziik: SiteContext;
beforeAll(async () => {
  ziik = await SiteContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

test('e-mail and password give a token; the e-mail is taken without regard to case', async () => {
  const site = await ziik.site({ tokenTtlS: 100 });
  const { status, body } = await site.login('ACADEMY@example.dk');
  expect(status).toBe(200);
  expect(body).toEqual({ jwt: expect.any(String), expires: expect.any(Number) });
  expect(body.expires - Date.now() / 1_000).toBeGreaterThan(90);
  const me = await request(`${site.url}/api/users/current`, 'GET', undefined, body.jwt);
  expect(me.body.data).toMatchObject({ id: Number(site.senderId), email: 'academy@example.dk', name: 'Academy Berg' });
});

test.each([
  ['academy@example.dk', 'wrong'],
  ['nobody@example.dk', 'secret'],
])('%s with %s is nobody', async (username, password) => {
  const site = await ziik.site();
  expect(await site.login(username, password)).toMatchObject({
    status: 401,
    body: { error: { code: 'invalid_credentials', is_ziik_error: true } },
  });
});

test('with the switch, tokens come in an array', async () => {
  const site = await ziik.site({ tokenAnswer: 'array' });
  const { body } = await site.login();
  expect(body).toEqual([{ jwt: expect.any(String), expires: expect.any(Number) }]);
  const renewed = await site.api('POST', '/renew', undefined, body[0].jwt);
  expect(renewed.body).toEqual([{ jwt: expect.any(String), expires: expect.any(Number) }]);
});

test('a token ends with its time, with a revocation and with its user, and is worth nothing on another site', async () => {
  const [site, other] = [await ziik.site({ tokenTtlS: 100 }), await ziik.site()];
  const { jwt } = (await site.login()).body;
  const status = async (of = site) => (await request(`${of.url}/api/users/current`, 'GET', undefined, jwt)).status;
  expect([await status(), await status(other)]).toEqual([200, 401]);
  await ziik.sim('PUT', 'clock', { advanceMs: 101_000 });
  expect([await status(), (await site.api('POST', '/renew', undefined, jwt)).status]).toEqual([401, 401]);
  await ziik.sim('PUT', 'clock', { real: true });
  expect(await status()).toBe(200);
  await deactivate(ziik.pool, site.id, site.senderId);
  expect([await status(), (await site.login()).status]).toEqual([401, 401]);
  const revoked = await ziik.site();
  expect((await revoked.api('GET', '/settings')).status).toBe(200);
  await ziik.sim('PUT', 'clock', { advanceMs: 1_000 });
  await revoked.sim('POST', 'settings', { revokeTokens: true });
  expect((await revoked.api('GET', '/settings')).status).toBe(401);
  await ziik.sim('PUT', 'clock', { real: true });
});

test('search finds active users by their exact e-mail, and does not show it', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna');
  await site.person('Bo', { active: false });
  await site.person('Ib', { expiresAt: null });
  const search = async (query: string) => (await site.api('GET', `/users/search?${query}`)).body;
  const found = await search('email=ANNA@example.dk');
  expect(found.meta).toMatchObject({ total: 1, per_page: 50, last_page: 1 });
  expect(found.data).toMatchObject([{ id: Number(anna), first_name: 'Anna', unit: { name: 'Kæden', level: 0 } }]);
  expect(JSON.stringify(found)).not.toContain('@');
  for (const email of ['anna@example', 'bo@example.dk', '%25'])
    expect((await search(`email=${email}`)).data).toEqual([]);
  expect((await search('keyword=nna+b')).meta.total).toBe(1);
});

test('lists hide the inactive; administrators list those alone', async () => {
  const site = await ziik.site();
  const bo = await site.person('Bo', { active: false });
  const boss = await site.person('Boss', { admin: true });
  await site.sim('POST', 'api-users', { userId: boss, password: 'x' });
  const token = (await site.login('boss@example.dk', 'x')).body.jwt;
  const ids = (got: { body: { data: { id: number }[] } }) => got.body.data.map((user) => user.id);
  expect(ids(await site.api('GET', '/users'))).toEqual([Number(site.senderId), Number(boss)]);
  expect(ids(await site.api('GET', '/users?inactive', undefined, token))).toEqual([Number(bo)]);
  expect((await site.api('GET', '/users?inactive')).status).toBe(403);
  expect((await site.api('GET', `/users/${bo}`)).body.data).toMatchObject({ active: false, email: 'bo@example.dk' });
});

test('a list has 15 a page, never more than 100, and says where it is', async () => {
  const site = await ziik.site();
  for (let n = 0; n < 16; n += 1) await site.person(`P${n}`);
  expect((await site.api('GET', '/users')).body).toMatchObject({
    meta: { current_page: 1, per_page: 15, total: 17, last_page: 2, from: 1, to: 15 },
    links: { prev: null, next: `${site.url}/api/users?page=2` },
  });
  expect((await site.api('GET', '/users?page=2')).body.data).toHaveLength(2);
  expect((await site.api('GET', '/users?page=9')).body).toMatchObject({ data: [], meta: { total: 17, from: null } });
  expect((await site.api('GET', '/users?limit=5000')).body.meta.per_page).toBe(100);
});

test('calls beyond the rate of a token are refused, and Retry-After says for how long', async () => {
  const site = await ziik.site({ rateLimitPerMinute: 2 });
  await site.api('GET', '/settings');
  await site.api('GET', '/settings');
  const refused = await site.api('GET', '/settings');
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
});

test('what is not there is a 404 in the envelope, also for other sites', async () => {
  const [site, other] = [await ziik.site(), await ziik.site()];
  const there = await other.conversation(await other.person('Anna'));
  for (const path of ['/users/4711', '/users/x', '/conversations/4711', `/conversations/${there}`, '/nothing/here']) {
    expect(await site.api('GET', path)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
  }
  expect((await request(`${ziik.simulator.url}/s/4711/api/authenticate`, 'POST', {})).status).toBe(404);
});
