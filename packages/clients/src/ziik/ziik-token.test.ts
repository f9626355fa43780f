import { expect, test } from 'vitest';
import type { Asked, Reply } from '../../test/hostile-server.ts';
import { failureOf, password, tokenReply, user, username, ZiikContext } from '../../test/ziik-context.ts';

/** A Ziik whose tokens are numbered; `renewed` says what /renew answers. */
async function open(
  how: {
    livesS?: number;
    renewed?: (asked: Asked) => Reply;
    wrapped?: (token: object) => unknown;
    skewS?: number;
  } = {},
) {
  let nowMs = 1_700_000_000_000;
  let given = 0;
  let valid = '';
  const { livesS = 1_000, wrapped = (token: object) => token, skewS = 0 } = how;
  const give = () => ({ json: wrapped(tokenReply((valid = `t${(given += 1)}`), livesS + skewS, nowMs)) });
  const ctx = await ZiikContext.open(() => ({ json: {} }), { now: () => nowMs });
  ctx.server.answer((asked) => {
    if (asked.path === '/api/authenticate') return give();
    if (asked.authorization !== `Bearer ${valid}`) return { status: 401, json: { error: { code: 'invalid_token' } } };
    if (asked.path === '/api/renew') return how.renewed?.(asked) ?? give();
    return { json: { data: user } };
  });
  return Object.assign(ctx, { pass: (seconds: number) => (nowMs += seconds * 1_000), refuse: () => (valid = 'none') });
}

test.each([
  ['an object', (token: object) => token],
  ['an array', (token: object) => [token]],
  ['an object in data', (token: object) => ({ data: token })],
  [
    'an array in data, seconds as a string',
    (token: object) => ({ data: [{ ...token, expires: `${(token as { expires: number }).expires}` }] }),
  ],
])('a token comes as %s', async (_, wrapped) => {
  await using ctx = await open({ wrapped });
  expect(await ctx.ziik.me()).toMatchObject({ id: 7 });
  ctx.pass(950);
  await ctx.ziik.me();
  expect(ctx.server.paths()).toEqual([
    'POST /api/authenticate',
    'GET /api/users/current',
    'POST /api/renew',
    'GET /api/users/current',
  ]);
});

test('credentials go into the body of the one call that needs them', async () => {
  await using ctx = await open();
  await ctx.ziik.me();
  expect(ctx.server.asked[0]).toEqual({
    method: 'POST',
    path: '/api/authenticate',
    authorization: undefined,
    body: { username, password },
  });
  expect(JSON.stringify(ctx.server.asked.slice(1))).not.toContain(password);
});

test('a token is renewed by itself when less than a tenth of its life is left, not before', async () => {
  await using ctx = await open();
  await ctx.ziik.me();
  ctx.pass(899);
  await ctx.ziik.me();
  expect(ctx.server.paths()).not.toContain('POST /api/renew');
  ctx.pass(2);
  await Promise.all([ctx.ziik.me(), ctx.ziik.me(), ctx.ziik.me()]);
  expect(ctx.server.paths().filter((path) => path.startsWith('POST'))).toEqual(['POST /api/renew']);
});

test('a token that is dead already is not renewed: the password is used', async () => {
  await using ctx = await open();
  await ctx.ziik.me();
  ctx.server.paths();
  ctx.pass(1_001);
  await ctx.ziik.me();
  expect(ctx.server.paths()).toEqual(['POST /api/authenticate', 'GET /api/users/current']);
});

test.each([
  ['a refusal', { status: 401, json: { error: { code: 'invalid_token' } } }],
  ['an error', { status: 500, json: {} }],
  ['nonsense', { json: [] }],
  ['a route that is not there', { status: 404, json: { error: { code: 'not_found' } } }],
] as const)('%s instead of a renewed token: the password is used', async (_, reply) => {
  await using ctx = await open({ renewed: () => reply });
  await ctx.ziik.me();
  ctx.pass(950);
  expect(await ctx.ziik.me()).toMatchObject({ id: 7 });
  expect(ctx.server.paths().slice(2)).toEqual(['POST /api/renew', 'POST /api/authenticate', 'GET /api/users/current']);
});

test("a 429 on the renewal is the caller's to wait for", async () => {
  await using ctx = await open({ renewed: () => ({ status: 429, json: {}, headers: { 'retry-after': '7' } }) });
  await ctx.ziik.me();
  ctx.pass(950);
  expect(await failureOf(ctx.ziik.me())).toMatchObject({ code: 'ZIIK_RATE_LIMITED', waitMs: 7_000 });
});

test('a hundred 401s at once cost one renewal, and each call is repeated once', async () => {
  await using ctx = await open();
  await ctx.ziik.me();
  ctx.refuse();
  ctx.server.paths();
  await Promise.all(Array.from({ length: 100 }, () => ctx.ziik.me()));
  const paths = ctx.server.paths();
  expect(paths.filter((path) => path === 'POST /api/authenticate')).toHaveLength(1);
  expect(paths.length).toBeLessThanOrEqual(201);
});

test('a token that stays refused is one renewal, then ZIIK_AUTH_FAILED', async () => {
  await using ctx = await ZiikContext.open(() => ({ status: 401, json: { error: { code: 'invalid_token' } } }));
  expect(await failureOf(ctx.ziik.me())).toMatchObject({ code: 'ZIIK_AUTH_FAILED' });
  expect(ctx.server.paths()).toHaveLength(4);
});

test("a clock that is ahead of Ziik's does not cost a sign-in per call", async () => {
  await using ctx = await open({ skewS: -5_000 });
  await ctx.ziik.me();
  await ctx.ziik.me();
  expect(ctx.server.paths()).toEqual(['POST /api/authenticate', 'GET /api/users/current', 'GET /api/users/current']);
});

test.each([400, 401, 403, 422])(
  'a sign-in that is answered %i is ZIIK_AUTH_FAILED, without a word of the credentials',
  async (status) => {
    await using ctx = await ZiikContext.open(() => ({ json: {} }));
    ctx.server.answer(({ body }) => ({
      status,
      json: { error: { code: 'invalid_credentials', message: JSON.stringify(body) }, echo: body },
    }));
    const error = await failureOf(ctx.ziik.authenticate());
    expect(error).toMatchObject({ code: 'ZIIK_AUTH_FAILED', data: { targetCode: 'invalid_credentials' } });
    expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toMatch(/horse|academy/u);
    expect(error.cause).toBeUndefined();
  },
);

test('authenticate signs in anew, whatever is held, so that it proves the password', async () => {
  await using ctx = await open();
  await Promise.all([ctx.ziik.me(), ctx.ziik.authenticate()]);
  await ctx.ziik.authenticate();
  expect(ctx.server.paths().filter((path) => path === 'POST /api/authenticate')).toHaveLength(3);
});

test.each([
  { jwt: 'a\r\nX-Evil: 1', expires: 2_000_000_000 },
  { jwt: '', expires: 2_000_000_000 },
  { jwt: 'a' },
  { expires: 1 },
  [],
  null,
  'token',
])('a token answer of %j is ZIIK_ANSWER_INVALID', async (json) => {
  await using ctx = await ZiikContext.open(() => ({ json: {} }));
  ctx.server.answer(() => ({ json }));
  expect(await failureOf(ctx.ziik.authenticate())).toMatchObject({ code: 'ZIIK_ANSWER_INVALID' });
});
