import { createZiikClient, type ZiikClient, type ZiikClientOptions } from '@orgstream/clients';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SiteContext, type TestSite } from '../../src/site-context.ts';
import { createUnit } from '../../src/index.ts';

let ziik: SiteContext;
beforeAll(async () => {
  ziik = await SiteContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

const clientOf = (site: TestSite, options: Partial<ZiikClientOptions> = {}): ZiikClient =>
  createZiikClient({
    siteUrl: site.url,
    credentials: { username: 'academy@example.dk', password: 'secret' },
    timeoutMs: 30_000,
    ...options,
  });

/** Some of what is read is for administrators. */
async function adminOf(site: TestSite): Promise<ZiikClient> {
  const boss = await site.person('Boss', { admin: true });
  await site.sim('POST', 'api-users', { userId: boss, password: 'x' });
  return clientOf(site, { credentials: { username: 'boss@example.dk', password: 'x' } });
}

async function all<T>(pages: AsyncIterable<{ readonly items: readonly T[] }>): Promise<T[]> {
  const items: T[] = [];
  for await (const { items: more } of pages) items.push(...more);
  return items;
}

const oddities = [
  { tokenAnswer: 'object', emptyObjects: 'object', parents: 'object' },
  { tokenAnswer: 'array', emptyObjects: 'array', parents: 'id' },
];

test.each(oddities)('with %j, an organisation is read the same', async (settings) => {
  const site = await ziik.site(settings);
  const shop = await createUnit(ziik.pool, site.id, { parentId: site.unitId, name: 'Butik' });
  const anna = await site.person('Anna', { language: 'sv', memberships: [{ unitId: shop, roleIds: [] }] });
  const client = await adminOf(site);
  expect(await client.me()).toMatchObject({ email: 'boss@example.dk', active: true, admin: true });
  expect(await client.settings()).toEqual({ identifier: 'kaeden', name: 'Kæden', defaultLanguage: 'da', chat: true });
  expect(await client.user(Number(anna))).toMatchObject({
    firstName: 'Anna',
    language: 'sv',
    unitId: Number(shop),
    expiresAt: null,
  });
  expect(await client.memberships(Number(anna))).toEqual([
    { unitId: Number(shop), departmentId: null, userTypeIds: [] },
  ]);
  const units = [
    { id: Number(site.unitId), name: 'Kæden', parentId: null },
    { id: Number(shop), name: 'Butik', parentId: Number(site.unitId) },
  ];
  expect(await all(client.units())).toMatchObject(units);
  expect(await client.unit(Number(shop))).toMatchObject(units[1]!);
  expect(await client.unitTree()).toMatchObject([{ ...units[0], children: [{ ...units[1], children: [] }] }]);
  expect(await client.userTypes()).toEqual([]);
  expect((await all(client.searchUsers({ email: 'ANNA@example.dk' }))).map(({ id }) => id)).toEqual([Number(anna)]);
});

test('a full read is the active and the inactive, page by page', async () => {
  const site = await ziik.site();
  const client = await adminOf(site);
  for (let n = 0; n < 12; n += 1) await site.person(`P${n}`, { active: n % 3 !== 0 });
  const active = await all(client.users({}, { pageSize: 3 }));
  const inactive = await all(client.users({ inactive: true }, { pageSize: 3 }));
  expect([active.length, inactive.length]).toEqual([10, 4]);
  expect(new Set([...active, ...inactive].map(({ id }) => id)).size).toBe(14);
});

test('a token that is revoked, and one that grows old, is replaced without anybody noticing', async () => {
  const site = await ziik.site({ tokenTtlS: 100 });
  let nowMs = Date.now();
  const routes: string[] = [];
  const client = clientOf(site, { now: () => nowMs, onCall: ({ route, status }) => routes.push(`${route} ${status}`) });
  await client.me();
  await ziik.sim('PUT', 'clock', { advanceMs: 95_000 });
  nowMs += 95_000;
  await client.me();
  expect(routes.splice(0)).toEqual([
    'auth.authenticate 200',
    'users.current 200',
    'auth.renew 200',
    'users.current 200',
  ]);
  await ziik.sim('PUT', 'clock', { advanceMs: 1_000 });
  await site.sim('POST', 'settings', { revokeTokens: true });
  await client.me();
  expect(routes).toEqual(['users.current 401', 'auth.authenticate 200', 'users.current 200']);
  await ziik.sim('PUT', 'clock', { real: true });
});

test("somebody else's site, and what is not there, is a typed failure", async () => {
  const [site, other] = [await ziik.site(), await ziik.site()];
  const stranger = await other.person('Anna');
  const client = clientOf(site);
  await expect(client.user(Number(stranger))).rejects.toMatchObject({ code: 'ZIIK_NOT_FOUND' });
  await expect(client.conversation(4_711_000)).rejects.toMatchObject({ code: 'ZIIK_NOT_FOUND' });
  await expect(client.messages(4_711_000)).rejects.toMatchObject({ code: 'ZIIK_NOT_FOUND' });
  await expect(client.createConversation(Number(site.senderId))).rejects.toMatchObject({
    code: 'ZIIK_REFUSED',
    data: { fields: ['recipients'] },
  });
  await expect(all(client.users({ inactive: true }))).rejects.toMatchObject({ code: 'ZIIK_FORBIDDEN' });
  const nobody = clientOf(site, { credentials: { username: 'academy@example.dk', password: 'wrong' } });
  await expect(nobody.me()).rejects.toMatchObject({ code: 'ZIIK_AUTH_FAILED' });
});

const faults = [
  ['html', 'ZIIK_ANSWER_INVALID'],
  ['empty', 'ZIIK_ANSWER_INVALID'],
  ['half_json', 'ZIIK_ANSWER_INVALID'],
  ['lying_values', 'ZIIK_ANSWER_INVALID'],
  ['reset_before', 'ZIIK_UNREACHABLE'],
  ['forbidden', 'ZIIK_FORBIDDEN'],
  ['unauthorized', 'ZIIK_AUTH_FAILED'],
  ['status', 'ZIIK_ERROR'],
] as const;

test.each(faults)('%s is %s', async (kind, code) => {
  const site = await ziik.site();
  const client = clientOf(site);
  await client.authenticate();
  const fault = await site.sim('POST', 'api-faults', { kind, match: { method: 'GET' } });
  await expect(client.user(Number(site.senderId))).rejects.toMatchObject({ code });
  await ziik.sim('DELETE', `api-faults/${fault.body.id}`);
  expect(await client.user(Number(site.senderId))).toMatchObject({ active: true });
});
