import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EdgeService } from '../service.ts';
import { EdgeContext, get, logIn, short, type Scene } from './fixture.ts';

let ctx: EdgeContext;
let edge: EdgeService;
let scene: Scene;

beforeAll(async () => {
  ctx = await EdgeContext.open();
  await ctx.trust();
  edge = await ctx.edge({ EDGE_CALL_TIMEOUT_MS: '500' });
  return () => ctx[Symbol.asyncDispose]();
});

beforeEach(async () => {
  scene = await ctx.integrate();
  return async () => {
    ctx.learningbank.world.faults.remove(null);
    await ctx.db.raw(`delete from control.integration`);
  };
});

const enter = async (person: string, over: object = {}) => logIn(edge, scene, await ctx.assertion(scene, person, over));

describe('Learningbank says', () => {
  const userOf = async (person: string): Promise<number> => {
    const { rows } = await ctx.db.raw<{ rows: { target_id: string }[] }>(
      `select target_id from sink.link where id = ?`,
      [person],
    );
    return Number(rows[0]!.target_id);
  };

  test('the user is deactivated', async () => {
    const person = await ctx.linked(scene);
    scene.platform.users.byId.get(await userOf(person))!.isActive = false;
    expect(short(await enter(person))).toBe('403 LOGIN_USER_INACTIVE');
  });

  test('there is no such user', async () => {
    const person = await ctx.linked(scene);
    scene.platform.users.byId.delete(await userOf(person));
    expect(short(await enter(person))).toBe('403 LOGIN_PERSON_UNKNOWN');
  });

  test.each([
    [{ kind: 'status', status: 500 }, '503 TARGET_ERROR'],
    [{ kind: 'status', status: 503 }, '503 TARGET_ERROR'],
    [{ kind: 'status', status: 429, retryAfterS: 30 }, '503 TARGET_RATE_LIMITED'],
    [{ kind: 'hang' }, '503 TARGET_UNREACHABLE'],
    [{ kind: 'reset_before' }, '503 TARGET_UNREACHABLE'],
    [{ kind: 'html' }, '503 TARGET_ANSWER_INVALID'],
    [{ kind: 'half_json' }, '503 TARGET_ANSWER_INVALID'],
    [{ kind: 'empty' }, '503 TARGET_ANSWER_INVALID'],
    [{ kind: 'forbidden' }, '502 TARGET_FORBIDDEN'],
    [{ kind: 'unauthorized' }, '502 TARGET_AUTH_FAILED'],
  ])('%j', async (fault, expected) => {
    const person = await ctx.linked(scene);
    await ctx.fault(scene, { match: { route: '/login-links' }, ...fault });
    const answer = await enter(person);
    expect([short(answer), answer.location]).toEqual([expected, null]);
    if (expected.endsWith('RATE_LIMITED')) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test.each([{ kind: 'status', status: 500 }, { kind: 'reset_before' }, { kind: 'unauthorized' }])(
    '%j, once: nobody notices',
    async (fault) => {
      const person = await ctx.linked(scene);
      await ctx.fault(scene, { match: { route: '/login-links' }, ...fault, count: 1 });
      expect(short(await enter(person))).toBe('302');
    },
  );

  test('the credentials are wrong: one platform’s trouble is no other’s', async () => {
    const wrong = await ctx.integrate({ tenant: 'eu1.43', password: 'wrong' });
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select from control.integration`);
    expect(rows).toHaveLength(2);
    await ctx.db.raw(`update control.integration set tenant = ? where id = ?`, [ctx.tenant, wrong.id]);
    const person = await ctx.linked(scene);
    await ctx.link(wrong, person, 1);
    const refused = await logIn(edge, wrong, await ctx.assertion(wrong, person));
    expect(short(refused)).toBe('502 TARGET_AUTH_FAILED');
    expect(short(await enter(person))).toBe('302');
  });

  test('nothing, for long: others are told at once, until it answers again', async () => {
    await ctx.fault(scene, { match: { route: '/login-links' }, kind: 'status', status: 500 });
    const person = await ctx.linked(scene);
    const outcomes: string[] = [];
    while (outcomes.length < 15 && outcomes.at(-1) !== '503 PLATFORM_PAUSED') outcomes.push(short(await enter(person)));
    expect(outcomes[0]).toBe('503 TARGET_ERROR');
    expect(outcomes.at(-1)).toBe('503 PLATFORM_PAUSED');
    ctx.learningbank.world.faults.remove(null);
    await expect.poll(async () => short(await enter(person)), { timeout: 30_000, interval: 200 }).toBe('302');
  });

  test('the rate of the edge is a part of the platform’s: whoever would wait too long is told so', async () => {
    const slow = await ctx.edge({ EDGE_PLATFORM_CALLS_PER_MINUTE: '2' });
    const person = await ctx.linked(scene);
    const outcomes: string[] = [];
    const tries = Array.from({ length: 6 }, async () => {
      outcomes.push(short(await logIn(slow, scene, await ctx.assertion(scene, person))));
    });
    await Promise.all(tries);
    expect(new Set(outcomes)).toEqual(new Set(['302', '503 PLATFORM_PAUSED']));
    expect(outcomes.filter((one) => one === '302').length).toBeLessThan(4);
  });
});

/** Another kind of platform: says what a test wants. */
async function platformSaying(
  answer: (path: string, origin: string) => object,
): Promise<{ readonly url: string } & AsyncDisposable> {
  let origin = '';
  const listener: RequestListener = (request, response) => {
    request.resume();
    response
      .writeHead(201, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer(request.url ?? '', origin)));
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: origin,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a login link is followed to the platform’s own site only', () => {
  test.each([
    'https://evil.example/auto-login?token=x',
    'http://evil.example/auto-login?token=x',
    'OTHER_PORT/p/7/auto-login?token=x',
    'ORIGIN/p/8/auto-login?token=x',
    'ORIGIN/auto-login?token=x',
    'javascript:alert(1)//x',
    'http://ORIGIN_HOST@evil.example/p/7/auto-login',
    'ORIGIN/p/7/../8/auto-login',
  ])('%s', async (link) => {
    await using platform = await platformSaying((path, origin) => {
      if (path.endsWith('/auth/token')) {
        return {
          accessToken: 't',
          tokenType: 'Bearer',
          expiresIn: 3_600,
          platform: { id: 7, name: 'A', url: `${origin}/p/7` },
        };
      }
      const url = link
        .replace('ORIGIN_HOST', new URL(origin).host)
        .replace('OTHER_PORT', 'http://127.0.0.1:1')
        .replace('ORIGIN', origin);
      return { data: { url, expiresAt: new Date(Date.now() + 60_000).toISOString() } };
    });
    scene = await ctx.integrate({ url: `${platform.url}/p/7/api/v1` });
    const answer = await enter(await ctx.linked(scene));
    expect([short(answer), answer.location]).toEqual(['503 TARGET_ANSWER_INVALID', null]);
    expect(answer.body).not.toContain('evil');
  });

  test('a platform that names no site of its own leads nowhere', async () => {
    for (const url of ['', 'x', 'javascript:alert(1)', 'ftp://127.0.0.1/']) {
      await using platform = await platformSaying(() => {
        return { accessToken: 't', tokenType: 'Bearer', expiresIn: 3_600, platform: { id: 7, name: 'A', url } };
      });
      scene = await ctx.integrate({ url: `${platform.url}/p/7/api/v1` });
      expect(short(await enter(await ctx.linked(scene)))).toBe('503 TARGET_ANSWER_INVALID');
    }
  });
});

describe('Learningbank Login: people are matched by e-mail', () => {
  beforeEach(async () => {
    scene = await ctx.integrate({ product: 'login' });
  });
  const user = (email: string, isActive = true): number =>
    scene.platform.users.create({ firstName: 'Ada', lastName: 'L', email, isActive }).id;
  const greeted = async (location: string): Promise<string> => {
    const first = await get(location);
    return (await get(`${scene.site}/`, { cookie: first.headers.get('set-cookie')!.split(';')[0]! })).body;
  };

  test('by the one of the assertion, whatever its case', async () => {
    user('somebody@example.org');
    user('Ada@Example.org');
    const person = await ctx.person(scene, { email: 'old@example.org' });
    const answer = await enter(person, { email: 'aDA@example.ORG' });
    expect(answer.status).toBe(302);
    expect(await greeted(answer.location!)).toContain('Ada');
    expect((await ctx.events(scene)).at(-1)).toMatchObject({ outcome: 'admitted', just_in_time: false });
  });

  test('else by the one the source told us', async () => {
    const person = await ctx.person(scene, { email: ' ada@example.org ' });
    user('ada@example.org');
    expect(short(await enter(person, { email: null }))).toBe('302');
  });

  test('no such user, none that is active, no e-mail', async () => {
    user('left@example.org', false);
    const person = await ctx.person(scene, { email: null });
    expect(short(await enter(person, { email: 'nobody@example.org' }))).toBe('403 LOGIN_PERSON_UNKNOWN');
    expect(short(await enter(person, { email: 'left@example.org' }))).toBe('403 LOGIN_USER_INACTIVE');
    expect(short(await enter(person, { email: null }))).toBe('403 LOGIN_PERSON_UNKNOWN');
  });

  test('several active users: nobody is guessed', async () => {
    const first = user('twice@example.org');
    const second = user('once@example.org');
    scene.platform.users.byId.get(second)!.email = 'twice@example.org';
    await using platform = await platformSaying((path, origin) => {
      if (path.endsWith('/auth/token')) {
        return { accessToken: 't', tokenType: 'Bearer', expiresIn: 3_600, platform: { id: 7, name: 'A', url: origin } };
      }
      const one = (id: number) => ({ id, email: 'twice@example.org', firstName: 'A', lastName: 'B', isActive: true, departments: [], permissionTypes: [] }); // prettier-ignore
      return { data: [one(first), one(second)], meta: { page: 1, pageSize: 50, total: 2, totalPages: 1 } };
    });
    scene = await ctx.integrate({ product: 'login', url: `${platform.url}/api/v1` });
    const person = await ctx.person(scene, { email: 'twice@example.org' });
    expect(short(await enter(person))).toBe('403 LOGIN_PERSON_UNKNOWN');
  });

  test('leavers are refused, and who is not known; nobody is imported', async () => {
    user('ada@example.org');
    const before = scene.platform.users.byId.size;
    const person = await ctx.person(scene, { email: 'ada@example.org', active: false });
    expect(short(await enter(person, { email: 'ada@example.org' }))).toBe('403 LOGIN_PERSON_INACTIVE');
    const impatient = await ctx.edge({ EDGE_JUST_IN_TIME_MS: '100' });
    const stranger = await ctx.assertion(scene, '999999', { email: 'ada@example.org' });
    expect(short(await logIn(impatient, scene, stranger))).toBe('403 LOGIN_PERSON_UNKNOWN');
    expect(scene.platform.users.byId.size).toBe(before);
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select from control.command where kind = 'person.sync'`);
    expect(rows).toHaveLength(0);
  });

  test('disabled, it is off', async () => {
    const person = await ctx.person(scene);
    await ctx.db.raw(`update control.integration set enabled = false`);
    expect(short(await enter(person))).toBe('403 LOGIN_OFF');
  });
});
