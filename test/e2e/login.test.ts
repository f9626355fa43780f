import { createClient } from '@orgstream/control-api';
import { deactivate, hire } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChatScene, type ChatScene, type LoginAnswer } from './chat-scene.ts';

/** From Ziik through edge into Learningbank, on the real stack; and nobody else. */
let scene: ChatScene;
let params: { readonly integration: string };
let site: string;

beforeAll(async () => {
  scene = await openChatScene();
  params = { integration: scene.joined.integration };
  site = scene.joined.platform.url.replace(/\/api\/v1$/, '');
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const soon = { deadlineMs: 90_000, intervalMs: 100 };

/** Nothing of an answer may be stored, or named to the next page; no page but ours shows it. */
function expectClosed({ headers }: LoginAnswer): void {
  expect(headers.get('cache-control')).toContain('no-store');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
}

async function expectRefused(answer: LoginAnswer, code: string): Promise<void> {
  expectClosed(answer);
  expect({ status: answer.status, location: answer.location }).toEqual({ status: expect.any(Number), location: null });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.headers.get('content-type')).toContain('text/html');
  const { items } = await scene.api.listLoginEvents({ params, query: { limit: 1 } });
  expect(items[0]).toMatchObject({ outcome: 'refused', code });
}

/** Goes where edge leads: Learningbank's page. */
async function openPage({
  status,
  location,
}: LoginAnswer): Promise<{ readonly status: number; readonly page: string }> {
  expect(status).toBe(302);
  const first = await fetch(location!, { redirect: 'manual' });
  const cookie = first.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const next = first.headers.get('location');
  if (next === null) return { status: first.status, page: await first.text() };
  const second = await fetch(new URL(next, location!), { headers: { cookie } });
  return { status: second.status, page: await second.text() };
}

/** What our copy of a person says. */
async function waitPerson(
  id: string,
  what: string,
  fits: (row: { active: boolean; admin: boolean }) => boolean,
): Promise<void> {
  const sql = 'select active, admin from sink.person where tenant = $1 and id = $2';
  await until(
    async () => (await scene.database.query<{ active: boolean; admin: boolean }>(sql, [scene.joined.tenant, id])).rows.some(fits), // prettier-ignore
    { ...soon, what },
  );
}

describe('a linked person', () => {
  test('is let in by name; the link works once, and nothing of the answer may be stored', async () => {
    const answer = await scene.login(await scene.assertion(scene.person('ida')));
    expectClosed(answer);
    expect(new URL(answer.location!).origin).toBe(new URL(site).origin);
    expect(await openPage(answer)).toMatchObject({ status: 200, page: expect.stringContaining('Welcome, Ida') });
    const again = await fetch(answer.location!, { redirect: 'manual' });
    expect(again.status).toBeGreaterThanOrEqual(400);
    const { items } = await scene.api.listLoginEvents({ params, query: { limit: 1 } });
    expect(items[0]).toMatchObject({ outcome: 'admitted', code: null, person: scene.person('ida'), deepLink: false });
  });

  test('lands on the page of a deep link, as path and as address', async () => {
    for (const to of ['/courses/12', `${site}/courses/12`]) {
      const answer = await scene.login(await scene.assertion(scene.person('ida')), to);
      expect((await openPage(answer)).page).toContain('Course 12');
    }
  });

  test('is found by the link, whatever e-mail the assertion carries', async () => {
    const answer = await scene.login(await scene.assertion(scene.person('omar'), { email: scene.email('ida') }));
    expect((await openPage(answer)).page).toContain('Welcome, Omar');
  });
});

describe('refused', () => {
  test('an assertion used before', async () => {
    const assertion = await scene.assertion(scene.person('ida'));
    expect((await scene.login(assertion)).status).toBe(302);
    await expectRefused(await scene.login(assertion), 'ASSERTION_USED');
  });

  test('one assertion used ten times at once lets in one', async () => {
    const assertion = await scene.assertion(scene.person('ida'));
    const answers = await Promise.all(Array.from({ length: 10 }, () => scene.login(assertion)));
    expect(answers.filter(({ status }) => status === 302)).toHaveLength(1);
  });

  test('an expired assertion, one for somebody else’s integration, and one that lives too long', async () => {
    const nowS = Math.floor(Date.now() / 1_000);
    for (const claims of [
      { iat: nowS - 600, exp: nowS - 560 },
      { aud: 'control' },
      { aud: '00000000-0000-4000-8000-000000000000' },
      { iat: nowS, exp: nowS + 3_600 },
    ]) {
      await expectRefused(await scene.login(await scene.assertion(scene.person('ida'), claims)), 'ASSERTION_INVALID');
    }
  });

  test('a link to a foreign host, however it is written', async () => {
    for (const to of ['https://evil.example/courses/12', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
      await expectRefused(await scene.login(await scene.assertion(scene.person('ida')), to), 'LOGIN_LINK_FOREIGN');
    }
  });

  test('a leaver, before Learningbank was told', async () => {
    const jan = scene.person('jan');
    const { generation } = await scene.api.getIntegration({ params });
    await scene.api.changeIntegration({ params, body: { paused: true }, ifMatch: generation });
    try {
      await deactivate(scene.ziik, scene.siteId, jan);
      await waitPerson(jan, 'the leaver to be known', ({ active }) => !active);
      await expectRefused(await scene.login(await scene.assertion(jan)), 'LOGIN_PERSON_INACTIVE');
      expect((await scene.user(jan))?.isActive).toBe(true);
    } finally {
      const paused = await scene.api.getIntegration({ params });
      await scene.api.changeIntegration({ params, body: { paused: false }, ifMatch: paused.generation });
    }
    await scene.converge();
    expect((await scene.user(jan))?.isActive).toBe(false);
  });

  test('everybody, while login is switched off; and no shortcut is shown', async () => {
    const switchTo = async (enabled: boolean): Promise<void> => {
      const { version } = await scene.api.getLogin({ params });
      await scene.api.changeLogin({ params, body: { enabled }, ifMatch: version });
    };
    await switchTo(false);
    await expectRefused(await scene.login(await scene.assertion(scene.person('ida'))), 'LOGIN_OFF');
    expect(await shortcuts(scene.person('ida'))).toEqual([]);
    await switchTo(true);
    expect((await scene.login(await scene.assertion(scene.person('ida')))).status).toBe(302);
  });
});

/** What Ziik's menu shows to a person. */
async function shortcuts(personId: string, of = scene): Promise<readonly Record<string, unknown>[]> {
  const { edgeUrl } = await of.file();
  const authorization = `Bearer ${await of.assertion(personId)}`;
  const response = await fetch(`${edgeUrl}/shortcuts/${of.joined.integration}`, { headers: { authorization } });
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly shortcuts: Record<string, unknown>[] }).shortcuts;
}

test('linked people see the shortcut under the integration’s name, a leaver sees none', async () => {
  const name = (await scene.api.getIntegration({ params })).name;
  const shown = await shortcuts(scene.person('ida'));
  expect(shown).toContainEqual(expect.objectContaining({ name, place: 'web-menu' }));
  expect(shown).toContainEqual(expect.objectContaining({ name, place: 'app-tile', behaviour: 'in-app' }));
  const bo = scene.person('bo');
  await deactivate(scene.ziik, scene.siteId, bo);
  await scene.converge();
  expect(await shortcuts(bo)).toEqual([]);
});

test('somebody hired a moment ago is brought to Learningbank at the door, and let in', async () => {
  // Whatever is slow, the person at the door is not held up by it.
  const { personId } = await hire(scene.ziik, scene.siteId, {
    firstName: 'Nye',
    lastName: 'Holm',
    email: `nye-${scene.siteId}@kaeden.example`,
    language: 'da',
    memberships: [{ unitId: scene.unit('Odense'), roleIds: [scene.role('Seller')] }],
  });
  await waitPerson(personId, 'the newcomer to be known', ({ active }) => active);
  const answer = await scene.login(await scene.assertion(personId));
  expect(await openPage(answer)).toMatchObject({ status: 200, page: expect.stringContaining('Welcome, Nye') });
  await scene.prove();
});

test('somebody who came while the integration was off is brought to Learningbank at the door; the rest waits', async () => {
  await using other = await openChatScene();
  const of = { integration: other.joined.integration };
  const enable = async (enabled: boolean): Promise<void> => {
    const { generation } = await other.api.getIntegration({ params: of });
    await other.api.changeIntegration({ params: of, body: { enabled }, ifMatch: generation });
  };
  await enable(false);
  const come = (firstName: string) =>
    hire(other.ziik, other.siteId, {
      firstName,
      lastName: 'Holm',
      email: `${firstName}@kaeden.example`,
      language: 'da',
      memberships: [{ unitId: other.unit('Odense'), roleIds: [] }],
    });
  const [{ personId }, { personId: waiting }] = [await come('Nanna'), await come('Niels')];
  const known = 'select from sink.person where tenant = $1 and id = any($2)';
  await until(
    async () => (await other.database.query(known, [other.joined.tenant, [personId, waiting]])).rowCount === 2,
    { ...soon, what: 'both to be known' },
  );
  await enable(true);
  const admitted = async (): Promise<LoginAnswer | undefined> => {
    const answer = await other.login(await other.assertion(personId));
    return answer.status === 302 ? answer : undefined;
  };
  // On a slow machine it may take longer than the door waits: then it says so, and the next tap is let in.
  const answer = await until(admitted, { ...soon, what: 'the newcomer to be let in' });
  expect((await openPage(answer)).page).toContain('Welcome, Nanna');
  expect(await other.user(waiting)).toBeUndefined();
});

test('Learningbank Login finds people by their e-mail, and imports nobody', async () => {
  const email = 'LIS@Kaeden.example';
  await using only = await openChatScene({
    product: 'login',
    unsynced: true,
    platform: { users: [{ firstName: 'Lisbeth', lastName: 'Holm', email }] },
  });
  const sql = 'select from sink.person where tenant = $1';
  await until(async () => (await only.database.query(sql, [only.joined.tenant])).rowCount! >= 10, {
    ...soon,
    what: 'everybody to be known',
  });
  const admitted = await only.login(await only.assertion(only.person('lis')), '/courses/12');
  expect((await openPage(admitted)).page).toContain('Lisbeth');
  const refused = await only.login(await only.assertion(only.person('mia')));
  expect(refused).toMatchObject({ location: null, page: expect.stringContaining('LOGIN_PERSON_UNKNOWN') });
  await deactivate(only.ziik, only.siteId, only.person('lis'));
  const leaver = 'select from sink.person where tenant = $1 and id = $2 and not active';
  await until(
    async () => (await only.database.query(leaver, [only.joined.tenant, only.person('lis')])).rowCount === 1,
    { ...soon, what: 'the leaver to be known' },
  );
  const left = await only.login(await only.assertion(only.person('lis')));
  expect(left).toMatchObject({ location: null, page: expect.stringContaining('LOGIN_PERSON_INACTIVE') });
  expect((await only.target()).users.map((user) => [user.firstName, user.isActive])).toEqual([['Lisbeth', true]]);
  const shown = await shortcuts(only.person('mia'), only);
  expect(shown).toContainEqual(expect.objectContaining({ place: 'app-shortcuts' }));
  expect((await only.calls()).filter(({ method, route }) => method !== 'GET' && route !== '/auth/token').map(({ route }) => route)) // prettier-ignore
    .toEqual(expect.not.arrayContaining(['/users', '/departments', '/permission-types']));
});

describe('an administrator of Ziik at the admin API', () => {
  const signIn = async (personId: string) => {
    const { controlUrl } = await scene.file();
    const assertion = await scene.assertion(personId, { aud: 'control' });
    const { token } = await createClient({ url: controlUrl }).createSession({ body: { assertion } });
    return createClient({ url: controlUrl, token });
  };

  test('is admin of this tenant’s integrations for as long as Ziik says so; other tenants are not there', async () => {
    const ali = scene.person('ali');
    await scene.ziik.query('update users set admin = true where id = $1', [ali]);
    await waitPerson(ali, 'the administrator to be known', ({ admin }) => admin);
    const api = await signIn(ali);
    const { items } = await api.listIntegrations({});
    expect(items.map(({ tenant }) => tenant)).toContain(scene.joined.tenant);
    expect(new Set(items.map(({ tenant }) => tenant))).toEqual(new Set([scene.joined.tenant]));
    await using other = await openChatScene();
    await expect(api.getIntegration({ params: { integration: other.joined.integration } })).rejects.toMatchObject({
      data: { status: 404 },
    });
    await expect(api.createToken({ body: { name: 'more', role: 'admin' } })).rejects.toMatchObject({
      data: { status: 403 },
    });
    await scene.ziik.query('update users set admin = false where id = $1', [ali]);
    await waitPerson(ali, 'the demotion to be known', ({ admin }) => !admin);
    await expect(api.listIntegrations({})).rejects.toMatchObject({ code: 'ADMIN_REQUIRED' });
  });

  test('everybody else is refused, and that is on record', async () => {
    await expect(signIn(scene.person('eva'))).rejects.toMatchObject({ code: 'ADMIN_REQUIRED' });
    const { items } = await scene.api.listAudit({ query: { tenant: scene.joined.tenant, limit: 10 } });
    expect(JSON.stringify(items)).toContain('ADMIN_REQUIRED');
  });
});
