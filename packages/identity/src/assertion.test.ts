import { createHmac, createPublicKey } from 'node:crypto';
import { isAppError } from '@orgstream/core';
import fc from 'fast-check';
import { CompactSign, importJWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { verifyAssertion } from './assertion.ts';
import { aud, claimsOf, forge, iss, issuersOf, makeKey, sign, type TestKey } from './fixture.ts';
import type { Issuers } from './issuers.ts';

let ed: TestKey;
let rsa: TestKey;
let stranger: TestKey;
let issuers: Issuers;

beforeAll(async () => {
  [ed, rsa, stranger] = await Promise.all([makeKey('ed'), makeKey('rsa', 'RS256'), makeKey('ed')]);
  issuers = issuersOf({ jwks: { keys: [ed.publicJwk, rsa.publicJwk] } });
});

/** Reason of the refusal; undefined = taken. */
async function refusal(assertion: string, options: { readonly now?: () => number; readonly issuers?: Issuers } = {}) {
  try {
    await verifyAssertion(assertion, { audience: aud, issuers, ...options });
    return undefined;
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.code === 'ASSERTION_INVALID' ? error.data['reason'] : error.code;
  }
}

describe('an assertion that holds', () => {
  test.each(['ed', 'rsa'] as const)('signed with %s', async (which) => {
    const key = which === 'ed' ? ed : rsa;
    const proved = await verifyAssertion(await sign(key, { jti: 'j-9' }), { audience: aud, issuers });
    expect(proved).toMatchObject({ iss, sub: '7', jti: 'j-9', email: 'a@example.org', issuer: { source: 'eu1' } });
    expect(proved.expiresAt.getTime()).toBeGreaterThan(Date.now());
  });

  test('without an e-mail, without typ', async () => {
    const proved = await verifyAssertion(await sign(ed, { email: null }, { typ: undefined }), {
      audience: aud,
      issuers,
    });
    expect(proved.email).toBeNull();
  });

  test('without a key id, when there is one key of its algorithm', async () => {
    expect(await refusal(await sign(ed, {}, { kid: undefined }))).toBeUndefined();
  });

  test('without a key id, of two keys it is not guessed', async () => {
    const two = issuersOf({ jwks: { keys: [ed.publicJwk, { ...stranger.publicJwk, kid: 'other' }] } });
    expect(await refusal(await sign(ed, {}, { kid: undefined }), { issuers: two })).toBe('key');
  });
});

describe('who signed', () => {
  test('alg none', async () => {
    for (const alg of [
      'none',
      'None',
      'NONE',
      'nOnE',
      '',
      undefined,
      null,
      'HS256',
      'RS512',
      'PS256',
      'ES256',
      'Ed25519',
    ]) {
      expect(await refusal(forge({ alg, kid: 'ed', typ: 'JWT' }, claimsOf()))).toBe('algorithm');
    }
    const [header, payload] = (await sign(ed)).split('.');
    expect(await refusal(`${header}.${payload}.`)).toBe('form');
  });

  test('HS256 with the public key as secret, by each of its spellings', async () => {
    const pem = createPublicKey({ key: rsa.publicJwk as never, format: 'jwk' });
    const secrets = [
      pem.export({ type: 'spki', format: 'pem' }),
      pem.export({ type: 'spki', format: 'der' }),
      JSON.stringify(rsa.publicJwk),
      String(rsa.publicJwk.n),
    ];
    for (const secret of secrets) {
      for (const alg of ['HS256', 'RS256']) {
        const unsigned = forge({ alg, kid: 'rsa', typ: 'JWT' }, claimsOf()).split('.').slice(0, 2).join('.');
        const signature = createHmac('sha256', secret).update(unsigned).digest('base64url');
        expect(await refusal(`${unsigned}.${signature}`)).toBe(alg === 'HS256' ? 'algorithm' : 'signature');
      }
    }
  });

  test('a symmetric key in the set is not used', async () => {
    const secret = Buffer.from('0123456789abcdef0123456789abcdef');
    const jwks = { keys: [{ kty: 'oct', k: secret.toString('base64url'), kid: 'oct' }] };
    const unsigned = forge({ alg: 'EdDSA', kid: 'oct' }, claimsOf()).split('.').slice(0, 2).join('.');
    const token = `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
    expect(await refusal(token, { issuers: issuersOf({ jwks }) })).toBe('key');
  });

  test('the algorithm of a header does not choose another kind of key', async () => {
    expect(await refusal(await sign(rsa, {}, { kid: 'ed' }))).toBe('key');
    expect(await refusal(await sign(ed, {}, { kid: 'rsa' }))).toBe('key');
  });

  test('another key of the same name', async () => {
    expect(await refusal(await sign(stranger))).toBe('signature');
  });

  test('one changed letter of header, claims or signature', async () => {
    const token = await sign(ed);
    const parts = token.split('.') as [string, string, string];
    const changed = (text: string, at: number) =>
      text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    expect(await refusal([parts[0], parts[1], changed(parts[2], 10)].join('.'))).toBe('signature');
    const sub = forge(JSON.parse(Buffer.from(parts[0], 'base64url').toString()), claimsOf({ sub: '8' })).split('.');
    expect(await refusal([sub[0], sub[1], parts[2]].join('.'))).toBe('signature');
  });

  test('keys that the token brings along are not looked at', async () => {
    let fetched = 0;
    const spy = issuersOf(
      { jwks: { keys: [ed.publicJwk] } },
      { fetch: async () => ((fetched += 1), Response.json({})) },
    );
    const { publicJwk } = stranger;
    const address = 'http://127.0.0.1:1/jwks';
    for (const header of [
      { jwk: publicJwk },
      { jku: address },
      { x5u: address },
      { x5c: ['MIIB'] },
      { jku: address, kid: address },
    ]) {
      // prettier-ignore
      expect(await refusal(await sign(stranger, {}, header), { issuers: spy })).toMatch(/^(signature|key)$/);
    }
    // They do no harm beside a good signature either.
    expect(await refusal(await sign(ed, {}, { jku: address, jwk: publicJwk }), { issuers: spy })).toBeUndefined();
    expect(fetched).toBe(0);
  });

  test.each([
    '../../../../dev/null',
    '/etc/passwd',
    'file:///proc/self/environ',
    'https://evil.example/jwks.json',
    `ed' or '1'='1`,
    `ed'; drop table edge.used_jti; --`,
    'ed\u0000',
    '__proto__',
    'constructor',
    'ED',
    ' ed',
    'x'.repeat(4_000),
  ])('a key id is a name and nothing else: %j', async (kid) => {
    expect(await refusal(await sign(ed, {}, { kid }))).toBe('key');
  });

  test.each([{ kid: 1 }, { kid: ['ed'] }, { kid: {} }, { typ: 'JWE' }, { typ: 1 }, { crit: ['exp'] }, { b64: true }])(
    'a header that is odd: %j',
    async (header) => {
      expect(await refusal(forge({ alg: 'EdDSA', kid: 'ed', ...header }, claimsOf()))).toBe('header');
    },
  );

  test('an issuer that nobody configured, or configured otherwise', async () => {
    expect(await refusal(await sign(ed, { iss: 'https://evil.example' }))).toBe('ISSUER_UNKNOWN');
    expect(await refusal(await sign(ed, { iss: `${iss}/` }))).toBe('ISSUER_UNKNOWN');
    for (const odd of [null, 7, '', 'x\0y', 'x'.repeat(600), ['a'], {}]) {
      expect(await refusal(await sign(ed, { iss: odd }))).toBe('claims');
    }
  });
});

describe('what is claimed', () => {
  const now = Math.floor(Date.now() / 1_000);

  test.each<[string, Record<string, unknown>, string]>([
    ['for another integration', { aud: 'another' }, 'audience'],
    ['for control', { aud: 'control' }, 'audience'],
    ['for us in other letters', { aud: aud.toUpperCase() }, 'audience'],
    ['for a list', { aud: [aud] }, 'claims'],
    ['for us and others', { aud: [aud, 'other'] }, 'claims'],
    ['for nobody', { aud: null }, 'claims'],
    ['lives too long', { exp: now + 61, iat: now }, 'lifetime'],
    ['ends before it begins', { exp: now - 1, iat: now }, 'lifetime'],
    ['lives no time', { exp: now, iat: now }, 'lifetime'],
    ['has expired', { iat: now - 120, exp: now - 60 }, 'expired'],
    ['comes from the future', { iat: now + 3_600, exp: now + 3_650 }, 'future'],
    ['is not good yet', { nbf: now + 3_600 }, 'future'],
    ['has no expiry', { exp: null }, 'claims'],
    ['has no begin', { iat: null }, 'claims'],
    ['has no id', { jti: null }, 'claims'],
    ['has no person', { sub: null }, 'claims'],
    ['has an empty id', { jti: '' }, 'claims'],
    ['has a person with a line end', { sub: '7\n' }, 'claims'],
    ['has a number for a person', { sub: 7 }, 'claims'],
    ['has a person with NUL', { sub: '7\0' }, 'claims'],
    ['has an id without end', { jti: 'x'.repeat(300) }, 'claims'],
    ['expiry is a text', { exp: String(now + 60) }, 'claims'],
    ['expiry is broken', { exp: now + 0.5 }, 'claims'],
    ['expiry is not a number', { exp: 'Infinity' }, 'claims'],
    ['times are enormous', { iat: 1e300, exp: 1e300 }, 'claims'],
    ['times are negative', { iat: -10, exp: 50 }, 'claims'],
    ['an e-mail that is none', { email: 'a b' }, 'claims'],
    ['an e-mail that is a list', { email: ['a@example.org'] }, 'claims'],
  ])('%s', async (_name, over, reason) => {
    expect(await refusal(await sign(ed, over))).toBe(reason);
  });

  test('a payload that is no object', async () => {
    const key = await importJWK(ed.privateJwk, 'EdDSA');
    for (const payload of ['[]', 'null', '"x"', '7', '', '{', '{}x']) {
      const signed = new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: 'EdDSA', kid: 'ed' });
      expect(await refusal(await signed.sign(key))).toMatch(/^(form|claims)$/);
    }
  });
});

describe('clocks that differ', () => {
  test.each([
    [-4, undefined],
    [-20, 'future'],
    [0, undefined],
    [60, undefined],
    [64, undefined],
    [66, 'expired'],
    [3_600, 'expired'],
  ])('%i s after it was signed', async (afterS, expected) => {
    const iat = Math.floor(Date.now() / 1_000);
    const token = await sign(ed, { iat, exp: iat + 60 });
    expect(await refusal(token, { now: () => (iat + afterS) * 1_000 })).toBe(expected);
  });
});

describe('what is no token', () => {
  test('huge ones are not read', async () => {
    expect(await refusal(await sign(ed, { pad: 'x'.repeat(8_192) }))).toBe('size');
    expect(await refusal('x'.repeat(10_000_000))).toBe('size');
    expect(await refusal(`${'.'.repeat(8_000)}`)).toBe('form');
  });

  test.each(['', '.', '..', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e', '{}', ' ', 'eyJhbGciOiJFZERTQSJ9..x', 'null'])(
    '%j',
    async (text) => {
      expect(await refusal(text)).toBe('form');
    },
  );

  test('with blanks around or other letters in it', async () => {
    const token = await sign(ed);
    for (const odd of [` ${token}`, `${token} `, `${token}\n`, `${token}=`, `${token}%00`])
      expect(await refusal(odd)).toBe('form');
  });

  test('anything at all is refused, and never with anything but a code', async () => {
    const json = fc.json().map((text) => Buffer.from(text).toString('base64url'));
    const anything = fc.oneof(
      fc.string(),
      fc.tuple(json, json, fc.base64String()).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        expect(await refusal(text)).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });
});

test('nothing of the token is in the error', async () => {
  const token = await sign(stranger, { email: 'secret@example.org' });
  const error: unknown = await verifyAssertion(token, { audience: aud, issuers }).catch((thrown: unknown) => thrown);
  const text = JSON.stringify([error, String(error), (error as Error).stack, (error as Error).cause]);
  expect(text).not.toContain('secret');
  for (const one of token.split('.')) expect(text).not.toContain(one);
});
