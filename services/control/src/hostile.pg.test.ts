import { createClient, type Client } from '@orgstream/control-api';
import { completeSettings } from '@orgstream/core';
import { finishCommand, takeCommand } from '@orgstream/database';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';
import { checkNewPlatform } from './handlers/settings.ts';

/** What somebody tries who means harm, or does not look. */

let ctx: ControlContext;
let ours: TenantFixture;
let theirs: TenantFixture;
let admin: Client;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 2_000, CONTROL_REFUSED_PER_MINUTE: 1_000 });
  ours = await ctx.addTenant('eu1.42');
  theirs = await ctx.addTenant('eu1.43');
  admin = await ctx.client('admin');
  await ctx.db.raw(`update control.command set state = 'done'`);
});
afterAll(() => ctx?.[Symbol.asyncDispose]());

const credentials = { username: 'u', password: 'p' };
const platformUrl = 'http://127.0.0.1:9/api/v1';
const create = (body: { tenant?: string; platformUrl?: string; settings?: Record<string, unknown> }) =>
  admin.createIntegration({
    body: { tenant: 'eu1.77', platformUrl, credentials, protectOwners: false, ...body },
  });

describe('a cursor made by hand', () => {
  test.each([['0000-01-01 00:00:00.000000+00'], ['0000-02-29 00:00:00+00'], ['9999-12-31 23:59:59+00']])(
    '%s is no failure of ours',
    async (at) => {
      const cursor = btoa(JSON.stringify([at, ours.integration]));
      const asked = fetch(`${ctx.url}/v1/integrations?cursor=${cursor}`, {
        headers: { authorization: `Bearer ${await ctx.token('viewer')}` },
      });
      expect((await asked).status).toBeLessThan(500);
    },
  );
});

describe('a new integration', () => {
  test.each(['eu1.9999999999999999999', 'eu1.9223372036854775808', 'eu1.042', 'eu1.0'])(
    'of tenant %s is refused by its field: no site has this id',
    async (tenant) => {
      await expect(create({ tenant })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        data: { status: 400, field: 'tenant' },
      });
    },
  );

  test.each([
    'https://user:word@acme.example/api/v1',
    'https://user@acme.example/api/v1',
    'https://acme.example/api/v1?key=word',
    'https://acme.example/api/v1#word',
  ])('at %s is refused: everybody who looks would read it', async (url) => {
    await expect(create({ platformUrl: url })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      data: { status: 400, field: 'platformUrl' },
    });
  });

  test('does not begin to deactivate the people of another one on the same platform', async () => {
    const settings = completeSettings({ preset: 'standard', deactivateUsers: true });
    const [{ platform_url: shared }] = (
      await ctx.db.raw<{ rows: [{ platform_url: string }] }>(
        `select platform_url from control.integration where id = ?`,
        [theirs.integration],
      )
    ).rows;
    await expect(checkNewPlatform(ctx, shared, settings)).rejects.toMatchObject({ code: 'PLATFORM_SHARED' });
    await checkNewPlatform(ctx, 'http://127.0.0.1:9/of-its-own', settings);
  });

  test.each(['tamigo', 'standard'] as const)('takes no preset %s, as long as no such source exists', async (preset) => {
    const refused = { code: 'SETTING_NOT_OF_PRESET', data: { status: 422, field: 'preset' } };
    await expect(create({ settings: { preset } })).rejects.toMatchObject(refused);
    const params = { integration: ours.integration };
    const { version, newest } = await admin.getSettings({ params });
    const ifMatch = `${version}-${newest}`;
    await expect(admin.changeSettings({ params, body: { preset }, ifMatch })).rejects.toMatchObject(refused);
    await expect(admin.startRun({ params, body: { kind: 'settings', settings: { preset } } })).rejects.toMatchObject(
      refused,
    );
    expect((await admin.getSettings({ params })).newest).toBe(newest);
  });
});

test('what is asked about another tenant is not written into its audit', async () => {
  const intruder = createClient({ url: ctx.url, token: theirs.token });
  const tenant = ours.tenant;
  const asked = [
    intruder.createToken({ body: { name: 'written by a stranger', role: 'viewer', tenants: [tenant] } }),
    intruder.startReplay({ body: { what: 'facts', tenant } }),
    intruder.snapshotSource({ params: { source: 'eu1' }, body: { tenant } }),
    intruder.erasePerson({ body: { tenant, person: '7' } }),
  ];
  for (const one of await Promise.allSettled(asked)) {
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'NOT_FOUND' } });
  }
  const seen = await createClient({ url: ctx.url, token: ours.token }).listAudit();
  expect(seen.items.filter(({ outcome }) => outcome === 'NOT_FOUND')).toEqual([]);
  const all = await admin.listAudit({ query: { limit: 4 } });
  expect(JSON.stringify(all.items)).toContain(tenant);
});

describe('settings whose run is refused', () => {
  test.each(['changeSettings', 'startRun'] as const)('leave no version behind (%s)', async (how) => {
    const params = { integration: ours.integration };
    const before = await admin.getSettings({ params });
    const body = { review: !before.settings.review };
    const asked =
      how === 'changeSettings'
        ? admin.changeSettings({ params, body, ifMatch: `${before.version}-${before.newest}` })
        : admin.startRun({ params, body: { kind: 'settings', settings: body } });
    // It may be refused before anybody looks.
    const outcome = asked.catch((error: unknown) => error);
    const command = await until(() => takeCommand(ctx.db, 'learningbank-sink', { kinds: ['run.start'] }), {
      deadlineMs: 5_000,
      what: 'the command',
    });
    await finishCommand(ctx.db, command!.id, { code: 'RUN_IN_PROGRESS', message: 'one is applied' });
    expect(await outcome).toMatchObject({ code: 'RUN_IN_PROGRESS' });
    expect(await admin.getSettings({ params })).toMatchObject({ version: before.version, newest: before.newest });
  });
});

test('"why" that nobody answered in time is not asked of the target later', async () => {
  const viewer = await ctx.client('viewer');
  const { explained } = await viewer.getObject({
    params: { integration: ours.integration, kind: 'person', id: '1' },
  });
  expect(explained).toBeNull();
  expect(await takeCommand(ctx.db, 'learningbank-sink', { kinds: ['explain'] })).toBeUndefined();
});

test("answers that hold people's addresses are kept sealed", async () => {
  await admin.verifyIntegration({ params: { integration: ours.integration }, idempotencyKey: 'verify-once' });
  const { rows } = await ctx.db.raw<{ rows: { response: Record<string, unknown> }[] }>(
    `select response from control.idempotency where key = 'verify-once'`,
  );
  expect(Object.keys(rows[0]!.response).sort()).toEqual(['keyId', 'sealed']);
});

describe('what no client sends', () => {
  const big = 'x'.repeat(1_200_000);
  const json = { 'content-type': 'application/json' };
  const post = (body: string | Uint8Array, headers: Record<string, string> = {}) => ({
    method: 'POST',
    path: '/v1/tokens',
    headers: { ...json, ...headers },
    body,
  });
  const get = (path: string, headers: Record<string, string> = {}) => ({ method: 'GET', path, headers });
  test.each([
    ['a key of Object', get('/v1/integrations?__proto__=1'), 400],
    ['a constructor', get('/v1/integrations?constructor=1'), 400],
    ['a malformed query', get('/v1/integrations?cursor=%E0%A4%A'), 400],
    ['half a surrogate pair', post('{"name":"\\ud800","role":"viewer"}'), 400],
    ['a zero byte', post('{"name":"a\\u0000b","role":"viewer"}'), 400],
    ['bytes that are no UTF-8', post(new Uint8Array([0x7b, 0xff, 0x7d])), 400],
    ['__proto__ in the body', post('{"__proto__":{"role":"admin"},"name":"a","role":"viewer"}'), 400],
    ['deep nesting', post(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), 400],
    ['no JSON', post('{'), 400],
    ['no body', post(''), 400],
    ['another charset', post('{}', { 'content-type': 'application/json; charset=nonsense' }), 415],
    ['an unknown encoding', post('{}', { 'content-encoding': 'nonsense' }), 415],
    ['a broken gzip', post('{}', { 'content-encoding': 'gzip' }), 400],
    ['too much', post(`{"name":"${big}"}`), 413],
    ['a date out of this world', post('{"name":"a","role":"viewer","expiresAt":"9999-12-31T23:59:59-14:00"}'), 400],
    ['a date that is none', post('{"name":"a","role":"viewer","expiresAt":"2026-02-31T00:00:00Z"}'), 400],
    [
      'If-Match *',
      { ...get('/v1/integrations/{i}', { 'if-match': '*', ...json }), method: 'PATCH', body: '{"paused":true}' },
      400,
    ],
    [
      'a weak tag',
      { ...get('/v1/integrations/{i}', { 'if-match': 'W/"1"', ...json }), method: 'PATCH', body: '{"paused":true}' },
      400,
    ],
    ['a number of a command that is none', get('/v1/commands/9223372036854775808'), 400],
    ['two keys of idempotency', post('{"name":"a","role":"viewer"}', { 'idempotency-key': 'a, b' }), 400],
  ] as const)('%s', async (_, { path, headers, ...init }, status) => {
    const response = await fetch(`${ctx.url}${path.replace('{i}', ours.integration)}`, {
      ...init,
      headers: { ...headers, authorization: `Bearer ${await ctx.token('admin')}` },
    });
    expect([response.status, await response.text()]).toEqual([status, expect.any(String)]);
  });
});

test('two who change at once: one wins', async () => {
  const params = { integration: ours.integration };
  const { generation } = await admin.getIntegration({ params });
  const body = [{ paused: true }, { shadow: true }, { enabled: false }, { name: 'x' }];
  const all = await Promise.allSettled(
    body.map((one) => admin.changeIntegration({ params, body: one, ifMatch: generation })),
  );
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await admin.getIntegration({ params })).toMatchObject({ generation: generation + 1 });
});

test('one POST sent five times at once under a key has its effect once', async () => {
  const idempotencyKey = 'five-at-once';
  const make = () => admin.createToken({ body: { name: 'five at once', role: 'viewer' }, idempotencyKey });
  const all = await Promise.allSettled([make(), make(), make(), make(), make()]);
  const made = all.flatMap((one) => (one.status === 'fulfilled' ? one.value.secret : []));
  expect(new Set(made).size).toBe(1);
  const { items } = await admin.listTokens({ query: { limit: 500 } });
  expect(items.filter(({ name }) => name === 'five at once')).toHaveLength(1);
  expect(await make()).toMatchObject({ secret: made[0] });
});
