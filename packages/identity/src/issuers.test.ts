import { setTimeout as delay } from 'node:timers/promises';
import { isAppError } from '@orgstream/core';
import { describe, expect, test } from 'vitest';
import { verifyAssertion } from './assertion.ts';
import { aud, issuersOf, makeKey, serve, sign, type TestKey } from './fixture.ts';
import type { Issuers } from './issuers.ts';
import { readPublicKeys } from './public-keys.ts';

/** A key set behind an address, with a clock that tests move. */
function remote(answer: () => Response | Promise<Response>) {
  const state = { fetched: 0, nowMs: 0 };
  const issuers = issuersOf(
    { jwksUrl: 'https://ziik.example/jwks' },
    {
      clock: () => state.nowMs,
      fetch: async () => {
        state.fetched += 1;
        return answer();
      },
    },
  );
  return { issuers, state };
}

async function outcome(issuers: Issuers, key: TestKey, header = {}): Promise<string> {
  try {
    await verifyAssertion(await sign(key, {}, header), { audience: aud, issuers });
    return 'taken';
  } catch (error) {
    if (!isAppError(error)) throw error;
    const { reason = '' } = error.data as { readonly reason?: string };
    return `${error.code} ${reason}`.trim();
  }
}

const set = (...keys: readonly TestKey[]): Response => Response.json({ keys: keys.map(({ publicJwk }) => publicJwk) });

describe('keys behind an address', () => {
  test('are fetched once, also by many at once', async () => {
    const key = await makeKey('one');
    const { issuers, state } = remote(() => set(key));
    expect(await Promise.all([1, 2, 3, 4].map(() => outcome(issuers, key)))).toEqual(Array(4).fill('taken'));
    expect(state.fetched).toBe(1);
  });

  test('a new key is known as soon as it is used', async () => {
    const [old, young] = await Promise.all([makeKey('old'), makeKey('young')]);
    let keys = [old];
    const { issuers, state } = remote(() => set(...keys));
    expect(await outcome(issuers, old)).toBe('taken');
    keys = [young, old];
    expect(await outcome(issuers, young)).toBe('taken');
    expect(await outcome(issuers, old)).toBe('taken');
    expect(state.fetched).toBe(2);
  });

  test('made-up key ids cost the issuer a fetch every ten seconds, not one each', async () => {
    const key = await makeKey('one');
    const { issuers, state } = remote(() => set(key));
    await outcome(issuers, key);
    for (let no = 0; no < 50; no += 1)
      expect(await outcome(issuers, key, { kid: `made-up-${no}` })).toBe('ASSERTION_INVALID key');
    expect(state.fetched).toBe(2);
    state.nowMs += 11_000;
    await outcome(issuers, key, { kid: 'made-up' });
    expect(state.fetched).toBe(3);
  });

  test('a key that was taken back works no longer than five minutes and a visit', async () => {
    const [bad, good] = await Promise.all([makeKey('bad'), makeKey('good')]);
    let keys = [bad];
    const { issuers, state } = remote(() => set(...keys));
    expect(await outcome(issuers, bad)).toBe('taken');
    keys = [good];
    state.nowMs += 301_000;
    await outcome(issuers, bad);
    await expect.poll(() => outcome(issuers, bad), { timeout: 10_000 }).toBe('ASSERTION_INVALID key');
  });

  test('an address that fails: old keys work for an hour, then nothing does; it mends itself', async () => {
    const key = await makeKey('one');
    let broken = false;
    const { issuers, state } = remote(() => {
      if (broken) throw new TypeError('fetch failed');
      return set(key);
    });
    expect(await outcome(issuers, key)).toBe('taken');
    broken = true;
    state.nowMs += 1_800_000;
    expect(await outcome(issuers, key)).toBe('taken');
    state.nowMs += 1_900_000;
    expect(await outcome(issuers, key)).toBe('ISSUER_UNREACHABLE no_answer');
    const { fetched } = state;
    for (let no = 0; no < 20; no += 1) await outcome(issuers, key);
    expect(state.fetched).toBe(fetched);
    broken = false;
    state.nowMs += 1_001;
    expect(await outcome(issuers, key)).toBe('taken');
  });

  test('an address that hangs delays nobody whose key is known', async () => {
    const key = await makeKey('one');
    let hangs = false;
    const { issuers, state } = remote(() => (hangs ? new Promise<Response>(() => {}) : set(key)));
    expect(await outcome(issuers, key)).toBe('taken');
    hangs = true;
    state.nowMs += 301_000;
    expect(await outcome(issuers, key)).toBe('taken');
  });

  test.each<[string, () => Response, string]>([
    ['no JSON', () => new Response('<html>'), 'not_json'],
    ['half a JSON', () => new Response('{"keys":['), 'not_json'],
    ['no key set', () => Response.json({ key: [] }), 'no_key_set'],
    ['keys that are none', () => Response.json({ keys: ['a', 7] }), 'no_key_set'],
    ['an error', () => Response.json({ keys: [] }, { status: 500 }), 'status'],
    ['nothing', () => new Response(null, { status: 204 }), 'status'],
    ['too much', () => new Response('x'.repeat(70_000)), 'too_large'],
  ])('an answer with %s', async (_name, answer, reason) => {
    const key = await makeKey('one');
    expect(await outcome(remote(answer).issuers, key)).toBe(`ISSUER_UNREACHABLE ${reason}`);
  });

  test('an empty set has no key', async () => {
    const key = await makeKey('one');
    expect(await outcome(remote(() => Response.json({ keys: [] })).issuers, key)).toBe('ASSERTION_INVALID key');
  });
});

describe('over the wire', () => {
  test('an address that never answers is given up, without end is cut, elsewhere is not followed', async () => {
    const key = await makeKey('one');
    await using hanging = await serve(() => {});
    await using endless = await serve((_request, response) => {
      const more = (): void =>
        void (response.write('x'.repeat(10_000)) ? setImmediate(more) : response.once('drain', more));
      response.writeHead(200, { 'content-type': 'application/json' });
      more();
    });
    await using honest = await serve((_request, response) => response.end(JSON.stringify({ keys: [key.publicJwk] })));
    await using moved = await serve((_request, response) => response.writeHead(302, { location: honest.url }).end());
    const asked = (jwksUrl: string): Promise<string> => outcome(issuersOf({ jwksUrl }), key);
    expect(await Promise.all([hanging, endless, moved, honest].map(({ url }) => asked(url)))).toEqual([
      'ISSUER_UNREACHABLE timeout',
      'ISSUER_UNREACHABLE too_large',
      'ISSUER_UNREACHABLE no_answer',
      'taken',
    ]);
  });

  test('a body that drips is given up as well', async () => {
    const key = await makeKey('one');
    await using dripping = await serve((_request, response) => {
      const drip = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(drip));
    });
    expect(await outcome(issuersOf({ jwksUrl: dripping.url }), key)).toBe('ISSUER_UNREACHABLE timeout');
    await delay(0);
  });

  test.each([
    'http://ziik.example/jwks',
    'http://169.254.169.254/',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    'data:application/json,{}',
    'no address',
  ])(
    // prettier-ignore
    'is not asked: %s',
    async (jwksUrl) => {
      const key = await makeKey('one');
      const never = async (): Promise<Response> => {
        throw new Error('asked');
      };
      expect(await outcome(issuersOf({ jwksUrl }, { fetch: never }), key)).toBe('ISSUER_UNREACHABLE address');
    },
  );
});

describe('keys of a set', () => {
  test('what cannot check a signature that we take is passed over', async () => {
    const [ed, rsa] = await Promise.all([makeKey('ed'), makeKey('rsa', 'RS256')]);
    const others = [
      { kty: 'oct', k: 'c2VjcmV0', kid: 'oct' },
      { ...rsa.publicJwk, kid: 'enc', use: 'enc' },
      { ...rsa.publicJwk, kid: 'ps', alg: 'PS256' },
      { ...ed.publicJwk, kid: 'sign', key_ops: ['sign'] },
      { ...ed.publicJwk, kid: 'broken', x: '!' },
      { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'ec' },
      { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'short' },
      { kty: 'OKP', crv: 'X25519', x: ed.publicJwk.x, kid: 'x25519' },
      {},
    ];
    const keys = await readPublicKeys({ keys: [...others, ed.publicJwk, rsa.publicJwk] });
    expect(keys?.map(({ kid, alg }) => `${kid} ${alg}`)).toEqual(['ed EdDSA', 'rsa RS256']);
  });

  test('a private key that is published is used as a public one', async () => {
    const ed = await makeKey('ed');
    const [key] = (await readPublicKeys({ keys: [{ ...ed.privateJwk, kid: 'ed' }] }))!;
    expect(key?.key.type).toBe('public');
  });
});
