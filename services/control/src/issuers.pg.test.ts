import type { Client } from '@orgstream/control-api';
import type { ErrorCode } from '@orgstream/core';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ControlContext, type TenantFixture } from './fixture.ts';
import { addIssuer } from './issuer-fixture.ts';

let ctx: ControlContext;
let ours: TenantFixture;
let admin: Client;
let site = 100;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 0, CONTROL_REFUSED_PER_MINUTE: 1_000 });
  admin = await ctx.client('admin');
});
afterAll(() => ctx?.[Symbol.asyncDispose]());
beforeEach(async () => {
  ours = await ctx.addTenant(`eu1.${(site += 1)}`);
});

const code = (expected: ErrorCode, data: Record<string, unknown> = {}) =>
  expect.objectContaining({ code: expected, data: expect.objectContaining(data) });
const jwksUrl = 'https://ziik.example/jwks.json';
let names = 0;
const create = (body: Record<string, unknown>) =>
  admin.createIssuer({ body: { iss: `https://ziik.example/${(names += 1)}`, source: 'eu1', ...body } as never });

describe('issuers', () => {
  test('are added for a tenant or a source, listed and removed', async () => {
    const one = await create({ tenant: ours.tenant, jwksUrl });
    expect(one).toMatchObject({ tenant: ours.tenant, product: 'ziik', jwksUrl, keys: [] });
    const whole = await create({ jwksUrl, product: 'tamigo' });
    expect(whole).toMatchObject({ tenant: null, source: 'eu1', product: 'tamigo' });
    const listed = await admin.listIssuers({ query: { tenant: ours.tenant } });
    expect(listed.items.map(({ id }) => id).sort()).toEqual([one.id, whole.id].sort());
    const own = await (await ctx.client('admin', [ours.tenant])).listIssuers();
    expect(own.items).toEqual([one]);
    await admin.removeIssuer({ params: { issuer: one.id } });
    await expect(admin.removeIssuer({ params: { issuer: one.id } })).rejects.toEqual(code('NOT_FOUND'));
    await admin.removeIssuer({ params: { issuer: whole.id } });
    const { items } = await admin.listAudit({ query: { action: 'removeIssuer', tenant: ours.tenant } });
    expect(items).toMatchObject([{ object: { iss: one.iss }, outcome: 'ok' }]);
  });

  test('are paged without gap or repetition', async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1) made.push((await addIssuer(ctx.db, ours.tenant)).id);
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const query = { tenant: ours.tenant, limit: 2, ...(cursor === undefined ? {} : { cursor }) };
      const { items, next } = await admin.listIssuers({ query });
      seen.push(...items.map(({ id }) => id));
      if (next === null) break;
      cursor = next;
    }
    expect(seen).toEqual(made.sort());
  });

  test('have one name each, of a source and a tenant that are there', async () => {
    const iss = 'https://ziik.example/once';
    await create({ iss, jwksUrl });
    await expect(create({ iss, jwksUrl })).rejects.toEqual(code('ALREADY_EXISTS', { status: 409, field: 'iss' }));
    await expect(create({ source: 'eu9', jwksUrl })).rejects.toEqual(code('SOURCE_UNKNOWN', { field: 'source' }));
    await expect(create({ tenant: 'eu2.1', jwksUrl })).rejects.toEqual(code('REQUEST_INVALID', { field: 'tenant' }));
    await expect(create({ tenant: 'eu1.999', jwksUrl })).rejects.toEqual(code('NOT_FOUND'));
  });

  test('are named with public keys only, which name themselves', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2_048, extractable: true });
    const rsa = { ...(await exportJWK(publicKey)), kid: 'k-1' };
    expect(await create({ jwks: { keys: [rsa] } })).toMatchObject({ keys: ['k-1'], jwksUrl: null });
    const secret = { ...(await exportJWK(privateKey)), kid: 'k-2' };
    const attempt = create({ jwks: { keys: [secret] } });
    await expect(attempt).rejects.toEqual(code('REQUEST_INVALID', { field: 'jwks.keys.0.d' }));
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select jwks from control.issuer`);
    expect(JSON.stringify([rows, ctx.logs])).not.toContain(secret.d);
  });

  test.each([
    [{}, 'jwksUrl'],
    [{ jwksUrl, jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43) }] } }, 'jwksUrl'],
    [{ jwksUrl: 'http://ziik.example/jwks.json' }, 'jwksUrl'],
    [{ jwksUrl: 'https://user:word@ziik.example/jwks.json' }, 'jwksUrl'],
    [{ jwksUrl: 'file:///etc/passwd' }, 'jwksUrl'],
    [{ jwks: { keys: [] } }, 'jwks.keys'],
    [{ jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, 'jwks.keys.0.kty'],
    [{ jwks: { keys: [{ kty: 'RSA', n: 'abc', e: 'AQAB' }] } }, 'jwks.keys.0.n'],
    [{ iss: '', jwksUrl }, 'iss'],
    [{ product: 'okta', jwksUrl }, 'product'],
  ])('%j is refused by its field %s', async (body, field) => {
    await expect(create(body)).rejects.toEqual(code('REQUEST_INVALID', { field }));
  });

  test('on the machine itself may be asked without TLS', async () => {
    expect(await create({ jwksUrl: 'http://127.0.0.1:9/jwks.json' })).toMatchObject({ tenant: null });
  });

  test('are for who is not bound to a tenant to add and remove', async () => {
    const { id } = await addIssuer(ctx.db, ours.tenant);
    const bound = await ctx.client('admin', [ours.tenant]);
    const body = { iss: 'https://evil.example', source: 'eu1', tenant: ours.tenant, jwksUrl };
    await expect(bound.createIssuer({ body })).rejects.toEqual(code('ROLE_TOO_LOW', { status: 403 }));
    await expect(bound.removeIssuer({ params: { issuer: id } })).rejects.toEqual(code('ROLE_TOO_LOW'));
  });
});

describe('login', () => {
  const params = (): { integration: string } => ({ integration: ours.integration });

  test('is on until it is switched off; of two who switch one wins', async () => {
    expect(await admin.getLogin({ params: params() })).toMatchObject({
      version: 0,
      enabled: true,
      webMenu: true,
      app: true,
      changedAt: null,
    });
    const all = await Promise.allSettled(
      [{ enabled: false }, { app: false }, { webMenu: false }].map((body) =>
        admin.changeLogin({ params: params(), body, ifMatch: 0 }),
      ),
    );
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { version, enabled, webMenu, app } = await admin.getLogin({ params: params() });
    expect([version, [enabled, webMenu, app].filter((on) => !on).length]).toEqual([1, 1]);
    const next = await admin.changeLogin({ params: params(), body: { enabled: true, webMenu: true }, ifMatch: 1 });
    expect(next).toMatchObject({ version: 2, enabled: true, webMenu: true, app, changedBy: 'admin of a test' });
    await expect(admin.changeLogin({ params: params(), body: { app: true }, ifMatch: 1 })).rejects.toEqual(
      code('PRECONDITION_FAILED'),
    );
  });

  test('events are filtered, newest first, with ids and codes only', async () => {
    const of = async (query: object) => (await admin.listLoginEvents({ params: params(), query })).items;
    expect((await of({})).map(({ person, outcome, code: why }) => [person, outcome, why])).toEqual([
      ['1', 'refused', 'LOGIN_OFF'],
      [null, 'refused', 'ASSERTION_INVALID'],
      ['2', 'refused', 'LOGIN_PERSON_INACTIVE'],
      ['1', 'admitted', null],
      ['3', 'refused', 'LOGIN_OFF'],
    ]);
    expect(await of({ outcome: 'admitted' })).toMatchObject([{ person: '1', name: 'Ann1 Secretname', tookMs: 12 }]);
    expect((await of({ person: '1', kind: 'shortcuts' })).map(({ kind }) => kind)).toEqual(['shortcuts']);
    expect(await of({ code: 'LOGIN_OFF' })).toHaveLength(2);
    const { items, next } = await admin.listLoginEvents({ params: params(), query: { limit: 3 } });
    const rest = await admin.listLoginEvents({ params: params(), query: { limit: 3, cursor: next! } });
    expect([items.length, rest.items.length, rest.next]).toEqual([3, 2, null]);
  });
});
