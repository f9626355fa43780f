import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request, SiteContext, type TestSite } from './site-context.ts';

let ziik: SiteContext;
beforeAll(async () => {
  ziik = await SiteContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

const sign = async (site: TestSite, body: object) =>
  (await site.sim('POST', 'assertions', body)).body.assertion as string;

/** Against the keys that the site publishes now. */
async function verify(site: TestSite, assertion: string) {
  const { body } = await request(`${site.url}/.well-known/jwks.json`);
  return jwtVerify(assertion, createLocalJWKSet(body));
}

test('an assertion holds against the published keys, and says who, for whom and how long', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna');
  const { payload, protectedHeader } = await verify(site, await sign(site, { userId: anna, aud: 'i-1' }));
  expect(payload).toEqual({
    iss: site.url,
    sub: anna,
    aud: 'i-1',
    email: 'anna@example.dk',
    iat: expect.any(Number),
    exp: Number(payload.iat) + 60,
    jti: expect.stringMatching(/^[\da-f-]{36}$/),
  });
  expect(protectedHeader).toMatchObject({ alg: 'EdDSA', kid: expect.any(String) });
  const again = await verify(site, await sign(site, { userId: anna, aud: 'i-1' }));
  expect(again.payload.jti).not.toBe(payload.jti);
});

test('any claim and header can be overridden, or left out', async () => {
  const site = await ziik.site();
  const odd = {
    userId: site.senderId,
    aud: ['a', 'b'],
    jti: null,
    email: 'x@y.dk',
    exp: 4_000_000_000,
    sub: 'x',
    more: 1,
  };
  const assertion = await sign(site, { ...odd, header: { typ: 'at+jwt' } });
  const { payload, protectedHeader } = await verify(site, assertion);
  expect(payload).toMatchObject({ aud: ['a', 'b'], email: 'x@y.dk', exp: 4_000_000_000, sub: 'x', more: 1 });
  expect(payload).not.toHaveProperty('jti');
  expect(protectedHeader.typ).toBe('at+jwt');
});

test('keys rotate: the new one signs, the old ones hold until they are dropped; private parts are never shown', async () => {
  const site = await ziik.site();
  const old = await sign(site, { userId: site.senderId, aud: 'x' });
  const rotated = (await site.sim('POST', 'keys', { rotate: true, alg: 'RS256' })).body;
  expect(rotated).toMatchObject({ iss: site.url, keys: [{ alg: 'RS256' }, { alg: 'EdDSA' }] });
  expect(rotated.keys.some((key: object) => 'd' in key)).toBe(false);
  const fresh = await sign(site, { userId: site.senderId, aud: 'x' });
  expect(decodeProtectedHeader(fresh)).toMatchObject({ alg: 'RS256', kid: rotated.keys[0].kid });
  await verify(site, old);
  await verify(site, fresh);
  const withOld = await sign(site, { userId: site.senderId, aud: 'x', kid: rotated.keys[1].kid });
  expect(decodeProtectedHeader(withOld).kid).toBe(rotated.keys[1].kid);
  const dropped = (await site.sim('POST', 'keys', { rotate: true, dropOld: true })).body;
  expect(dropped.keys).toHaveLength(1);
  await expect(verify(site, fresh)).rejects.toThrow('no applicable key');
});

test('sites do not share keys', async () => {
  const [site, other] = [await ziik.site(), await ziik.site()];
  const assertion = await sign(site, { userId: site.senderId, aud: 'x' });
  await expect(verify(other, assertion)).rejects.toThrow('no applicable key');
});
