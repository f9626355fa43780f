import { beforeAll, describe, expect, test } from 'vitest';
import type { EdgeService } from '../service.ts';
import { EdgeContext, get, logIn, short, type PersonRow, type Scene } from './fixture.ts';

let ctx: EdgeContext;
let edge: EdgeService;
let scene: Scene;

beforeAll(async () => {
  ctx = await EdgeContext.open();
  await ctx.trust();
  edge = await ctx.edge();
  scene = await ctx.integrate();
  return () => ctx[Symbol.asyncDispose]();
});

const enter = async (person: string, to?: string, over: object = {}) =>
  logIn(edge, scene, await ctx.assertion(scene, person, over), to === undefined ? {} : { to });

describe('somebody who is let in', () => {
  test('is sent to Learningbank, which greets them, once', async () => {
    const answer = await enter(await ctx.linked(scene));
    expect(answer.status).toBe(302);
    expect(answer.location).toMatch(new RegExp(`^${scene.site}/auto-login\\?token=`));
    expect(answer.body).toBe('');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    const first = await get(answer.location!);
    expect([first.status, first.location]).toEqual([302, `/p/${scene.platform.id}/`]);
    const page = await get(`${scene.site}/`, { cookie: first.headers.get('set-cookie')!.split(';')[0]! });
    expect(page.body).toContain('Ada');
    expect((await get(answer.location!)).status).toBe(410);
  });

  test.each([
    ['/courses/12?tab=2', '/courses/12?tab=2'],
    ['SITE/courses/12', '/courses/12'],
    ['SITE', '/'],
  ])('lands on the page of the link: %s', async (to, path) => {
    const { location } = await enter(await ctx.linked(scene), to.replace('SITE', scene.site));
    expect((await get(location!)).location).toBe(`/p/${scene.platform.id}${path}`);
  });

  test('has a row without names, paths or tokens', async () => {
    const person = await ctx.linked(scene);
    await enter(person, '/courses/12');
    const [event] = (await ctx.events(scene)).filter((one) => one['person_id'] === person);
    expect(event).toMatchObject({ kind: 'login', outcome: 'admitted', code: null, just_in_time: false, deep_link: true, tenant: ctx.tenant }); // prettier-ignore
    expect(JSON.stringify(event)).not.toMatch(/courses|@|ey[A-Z]/);
  });

  test('costs Learningbank one call, once there is a token', async () => {
    const person = await ctx.linked(scene);
    await enter(person);
    const before = ctx.learningbank.world.calls.list({ since: 0, limit: 100_000, scope: scene.platform.id }).length;
    await enter(person);
    const calls = ctx.learningbank.world.calls
      .list({ since: 0, limit: 100_000, scope: scene.platform.id })
      .slice(before);
    expect(calls.map(({ route }) => route)).toEqual(['/login-links']);
  });
});

describe('an assertion is good once', () => {
  test('the second time it is refused, also after a refusal', async () => {
    const assertion = await ctx.assertion(scene, await ctx.linked(scene));
    expect(short(await logIn(edge, scene, assertion, { to: '//evil.example' }))).toBe('400 LOGIN_LINK_FOREIGN');
    const again = await logIn(edge, scene, assertion);
    expect([short(again), again.location]).toEqual(['401 ASSERTION_USED', null]);
  });

  test('at two replicas at once, one lets in', async () => {
    const other = await ctx.edge();
    for (let round = 0; round < 5; round += 1) {
      const assertion = await ctx.assertion(scene, await ctx.linked(scene));
      const tries = Array.from({ length: 8 }, (_, no) => logIn(no % 2 ? edge : other, scene, assertion));
      const outcomes = (await Promise.all(tries)).map(short).toSorted();
      expect(outcomes).toEqual(['302', ...Array<string>(7).fill('401 ASSERTION_USED')]);
    }
  });

  test('a look ahead does not use it up', async () => {
    const assertion = await ctx.assertion(scene, await ctx.linked(scene));
    const url = `${edge.url}/login/${scene.id}?assertion=${assertion}`;
    expect((await get(url, {}, 'HEAD')).status).toBe(405);
    expect((await get(url, { 'sec-purpose': 'prefetch;prerender' })).status).toBe(503);
    expect(short(await get(url, {}, 'POST'))).toBe('405 METHOD_NOT_ALLOWED');
    expect((await get(url)).status).toBe(302);
  });
});

describe('an assertion that does not hold', () => {
  test.each<[string, object]>([
    ['of another integration', { aud: '5b4f5e7e-5d3c-4c3a-9a55-000000000001' }],
    ['of control', { aud: 'control' }],
    ['with a list of them', { aud: ['SCENE'] }],
    ['that expired', { iat: 1_700_000_000, exp: 1_700_000_060 }],
    ['that lives too long', { expiresInS: 3_600 }],
    ['without an id', { jti: null }],
    ['without a person', { sub: null }],
    ['of a key that is not there', { header: { kid: '../../etc/passwd' } }],
  ])('%s', async (_name, over) => {
    const person = await ctx.linked(scene);
    const changed = JSON.parse(JSON.stringify(over).replace('SCENE', scene.id)) as object;
    const answer = await enter(person, undefined, changed);
    expect([short(answer), answer.location]).toEqual(['401 ASSERTION_INVALID', null]);
  });

  test('of an issuer nobody configured', async () => {
    expect(short(await enter(await ctx.linked(scene), undefined, { iss: 'https://evil.example' }))).toBe(
      '403 ISSUER_UNKNOWN',
    );
  });

  test('none, two, an empty one, a huge one', async () => {
    const at = `${edge.url}/login/${scene.id}`;
    const one = await ctx.assertion(scene, await ctx.linked(scene));
    for (const query of [
      '',
      '?assertion=',
      `?assertion=${one}&assertion=${one}`,
      `?assertion[a]=${one}`,
      `?assertion=${'x'.repeat(20_000)}`,
    ]) {
      expect(short(await get(`${at}${query}`))).toBe('401 ASSERTION_INVALID');
    }
    expect((await get(`${at}?assertion=${one}`)).status).toBe(302);
  });
});

describe('who may sign for whom', () => {
  const issuer = async (over: Parameters<EdgeContext['trust']>[0]): Promise<string> => {
    await ctx.trust(over);
    const answer = await enter(await ctx.linked(scene));
    await ctx.trust();
    return short(answer);
  };

  test('the source’s own issuer, or the tenant’s', async () => {
    expect(await issuer({})).toBe('302');
    expect(await issuer({ tenant: ctx.tenant })).toBe('302');
  });

  test('not another tenant’s, nor another source’s', async () => {
    await ctx.db.raw(
      `insert into control.tenant (key, source, site_id) values ('eu1.777', 'eu1', 777) on conflict do nothing`,
    );
    expect(await issuer({ tenant: 'eu1.777' })).toBe('403 ISSUER_UNKNOWN');
    expect(await issuer({ source: 'us1' })).toBe('403 ISSUER_UNKNOWN');
  });

  test('Tamigo logs in from its menu, not from links', async () => {
    await ctx.trust({ product: 'tamigo' });
    expect(short(await enter(await ctx.linked(scene)))).toBe('302');
    expect(short(await enter(await ctx.linked(scene), '/courses/12'))).toBe('400 LOGIN_LINK_FOREIGN');
    await ctx.trust();
  });

  test('a new key is taken as soon as it signs, an old one no longer than it is published', async () => {
    const fresh = await ctx.edge();
    const person = await ctx.linked(scene);
    expect(short(await logIn(fresh, scene, await ctx.assertion(scene, person)))).toBe('302');
    await ctx.rotate({ alg: 'RS256' });
    expect(short(await logIn(fresh, scene, await ctx.assertion(scene, person)))).toBe('302');
    const late = await ctx.assertion(scene, person);
    await ctx.rotate({ dropOld: true });
    expect(short(await logIn(await ctx.edge(), scene, late))).toBe('401 ASSERTION_INVALID');
  });

  test('keys that cannot be fetched: nobody is let in, and it is said that it passes', async () => {
    const away = `https://127.0.0.1:1/${crypto.randomUUID()}`;
    await ctx.db.raw(`update control.issuer set jwks_url = ?`, [away]);
    expect(short(await enter(await ctx.linked(scene)))).toBe('503 ISSUER_UNREACHABLE');
    await ctx.db.raw(`update control.issuer set jwks_url = ?`, [`${ctx.iss}/.well-known/jwks.json`]);
    expect(short(await enter(await ctx.linked(scene)))).toBe('302');
  });
});

describe('who has left goes no further, whatever Learningbank says', () => {
  test.each<[string, PersonRow]>([
    ['inactive', { active: false }],
    ['deleted', { deleted: true }],
    ['anonymised', { anonymised: true }],
    ['expired a moment ago', { expires: `now() - interval '1 s'` }],
  ])('%s', async (_name, row) => {
    const person = await ctx.linked(scene, row);
    const before = scene.platform.loginLinks.size;
    expect(short(await enter(person))).toBe('403 LOGIN_PERSON_INACTIVE');
    expect(scene.platform.loginLinks.size).toBe(before);
    expect((await ctx.events(scene)).at(-1)).toMatchObject({
      person_id: person,
      outcome: 'refused',
      code: 'LOGIN_PERSON_INACTIVE',
    });
  });

  test('while Learningbank takes its time', async () => {
    const person = await ctx.linked(scene);
    await ctx.fault(scene, {
      match: { route: '/login-links' },
      kind: 'latency',
      ms: 1_500,
      afterWrite: true,
      count: 1,
    });
    const before = scene.platform.loginLinks.size;
    const entering = enter(person);
    await expect.poll(() => scene.platform.loginLinks.size, { timeout: 20_000, interval: 20 }).toBe(before + 1);
    await ctx.db.raw(`update sink.person set active = false where id = ?`, [person]);
    const answer = await entering;
    expect([short(answer), answer.location]).toEqual(['403 LOGIN_PERSON_INACTIVE', null]);
  });

  test('erased', async () => {
    const person = await ctx.linked(scene);
    await ctx.db.raw(`insert into sink.erased (tenant, person_id) values (?, ?)`, [ctx.tenant, person]);
    expect(short(await enter(person))).toBe('403 LOGIN_PERSON_INACTIVE');
    // Forgotten once is forgotten: the refusal is on record, and not whose it was.
    expect((await ctx.events(scene)).at(-1)).toMatchObject({ code: 'LOGIN_PERSON_INACTIVE', person_id: null });
  });

  test('expires later: is let in until then', async () => {
    expect(short(await enter(await ctx.linked(scene, { expires: `now() + interval '1 hour'` })))).toBe('302');
  });

  test('everybody of a site that is gone', async () => {
    const person = await ctx.linked(scene);
    await ctx.db.raw(
      `insert into sink.tenant (tenant, id, epoch, lsn, seq, log_offset, committed_at, deleted) values (?, ?, 1, 1, 1, 1, now(), true)`,
      [ctx.tenant, ctx.tenant],
    );
    expect(short(await enter(person))).toBe('403 LOGIN_PERSON_INACTIVE');
    await ctx.db.raw(`delete from sink.tenant`);
  });
});

describe('links', () => {
  test.each([
    '//evil.example',
    'https://evil.example/',
    '/\\evil.example',
    'javascript:alert(1)',
    'OTHER/courses/12',
    'x',
  ])('%s leads elsewhere: nobody is sent there, and no link is asked for', async (to) => {
    const other = `${ctx.learningbank.url}/p/999`;
    const before = scene.platform.loginLinks.size;
    const answer = await enter(await ctx.linked(scene), to.replace('OTHER', other));
    expect([short(answer), answer.location, scene.platform.loginLinks.size]).toEqual([
      '400 LOGIN_LINK_FOREIGN',
      null,
      before,
    ]);
    expect(answer.body).not.toContain('evil');
  });

  test('two of them', async () => {
    const assertion = await ctx.assertion(scene, await ctx.linked(scene));
    const url = `${edge.url}/login/${scene.id}?assertion=${assertion}&to=/a&to=/b`;
    expect(short(await get(url))).toBe('400 LOGIN_LINK_FOREIGN');
  });
});

describe('switches', () => {
  test('login switched off: nobody, and nothing is used up', async () => {
    const assertion = await ctx.assertion(scene, await ctx.linked(scene));
    await ctx.db.raw(`insert into control.login_setting (integration_id, enabled) values (?, false)`, [scene.id]);
    expect(short(await logIn(edge, scene, assertion))).toBe('403 LOGIN_OFF');
    await ctx.db.raw(`delete from control.login_setting`);
    expect(short(await logIn(edge, scene, assertion))).toBe('302');
  });

  test('login is independent of sync: disabled, paused, in shadow mode or stopped, linked people are let in', async () => {
    for (const [off, on] of [
      ['update control.integration set enabled = false', 'update control.integration set enabled = true'],
      ['update control.integration set paused = true', 'update control.integration set paused = false'],
      ['update control.integration set shadow = true', 'update control.integration set shadow = false'],
      ['update control.stop set stopped = true', 'update control.stop set stopped = false'],
    ] as const) {
      await ctx.db.raw(off);
      expect(short(await enter(await ctx.linked(scene)))).toBe('302');
      await ctx.db.raw(on);
    }
  });
});

describe('the page', () => {
  test('speaks the person’s language, else the browser’s, and shows the code', async () => {
    const danish = await ctx.linked(scene, { active: false, language: 'da' });
    const headers = { 'accept-language': 'sv-SE,sv;q=0.9,en;q=0.5' };
    const own = await logIn(edge, scene, await ctx.assertion(scene, danish), { headers });
    expect(own.body).toContain('Din konto er ikke aktiv');
    const stranger = await logIn(edge, scene, 'x', { headers });
    expect([stranger.headers.get('content-language'), stranger.code]).toEqual(['sv', 'ASSERTION_INVALID']);
    expect((await logIn(edge, scene, 'x', { headers: { 'accept-language': '***' } })).body).toContain('lang="en"');
  });

  test('is kept by nobody, framed by nobody, and runs nothing', async () => {
    const { headers } = await logIn(edge, scene, 'x');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/); // prettier-ignore
    expect([headers.get('cache-control'), headers.get('referrer-policy'), headers.get('x-content-type-options'), headers.get('x-powered-by')]).toEqual(['no-store', 'no-referrer', 'nosniff', null]); // prettier-ignore
  });

  test('is there for integrations that are not', async () => {
    for (const id of [
      '5b4f5e7e-5d3c-4c3a-9a55-000000000001',
      'x',
      `'; drop table edge.used_jti; --`,
      '%00',
      '..%2f..',
    ]) {
      const answer = await get(`${edge.url}/login/${encodeURIComponent(id)}?assertion=x`);
      expect(short(answer)).toBe('404 NOT_FOUND');
    }
    const odd = await get(`${edge.url}/login/%E0%A4%A?assertion=secret`);
    expect([odd.status, odd.body.includes('secret')]).toEqual([400, false]);
  });
});

test('logs hold no token, no e-mail, no address of a page', async () => {
  const person = await ctx.linked(scene, { email: 'very.secret@example.org' });
  const assertion = await ctx.assertion(scene, person, { email: 'very.secret@example.org' });
  const good = await logIn(edge, scene, assertion, { to: '/courses/secret-page' });
  await logIn(edge, scene, assertion);
  await ctx.fault(scene, { kind: 'status', status: 500, count: 5 });
  await logIn(edge, scene, await ctx.assertion(scene, person));
  ctx.learningbank.world.faults.remove(null);
  const token = new URL(good.location!).searchParams.get('token')!;
  const text = ctx.logs.join('\n');
  expect(text).toContain('visit refused');
  for (const secret of [
    assertion,
    ...assertion.split('.'),
    token,
    'very.secret',
    'secret-page',
    scene.platform.credentials.password,
  ]) {
    // prettier-ignore
    expect(text).not.toContain(secret);
  }
});

test('too many logins of one person wait, looks at the menu and other people do not', async () => {
  const strict = await ctx.edge({ EDGE_LOGINS_PER_PERSON: '2', EDGE_REQUESTS_PER_MINUTE: '3' });
  const person = await ctx.linked(scene);
  for (let no = 0; no < 10; no += 1) {
    const assertion = await ctx.assertion(scene, person);
    const { status } = await fetch(`${strict.url}/shortcuts/${scene.id}`, { headers: { authorization: `Bearer ${assertion}` } }); // prettier-ignore
    expect(status).toBe(200);
  }
  const outcomes: string[] = [];
  for (let no = 0; no < 7; no += 1) {
    const answer = await logIn(strict, scene, await ctx.assertion(scene, no < 3 ? person : await ctx.linked(scene)));
    outcomes.push(short(answer));
    if (answer.code === 'TOO_MANY_REQUESTS') expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(outcomes).toEqual(['302', '302', '429 TOO_MANY_REQUESTS', '302', '302', '302', '302']);
});

test('too many visits from one address that prove nobody wait', async () => {
  const strict = await ctx.edge({ EDGE_REQUESTS_PER_MINUTE: '3' });
  const used = await ctx.assertion(scene, await ctx.linked(scene));
  expect(short(await logIn(strict, scene, used))).toBe('302');
  const outcomes: string[] = [];
  for (const assertion of [used, 'x', used, 'x']) outcomes.push((await logIn(strict, scene, assertion)).code ?? '');
  expect(outcomes).toEqual(['ASSERTION_USED', 'ASSERTION_INVALID', 'ASSERTION_USED', 'TOO_MANY_REQUESTS']);
});

test('strangers do not fill the table', async () => {
  const door = await ctx.integrate();
  for (let no = 0; no < 70; no += 1) await logIn(edge, door, 'x');
  expect((await ctx.events(door)).length).toBe(60);
  await logIn(edge, door, await ctx.assertion(door, await ctx.linked(door)));
  expect((await ctx.events(door)).length).toBe(61);
});
