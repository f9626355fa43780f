import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK, type JWTPayload } from 'jose';
import type { Algorithm } from './public-keys.ts';
import type { Issuer } from './issuer-store.ts';
import { createIssuers, type Issuers } from './issuers.ts';

/** A key of an issuer, as tests sign with it. */
export interface TestKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

export async function makeKey(kid: string, alg: Algorithm = 'EdDSA'): Promise<TestKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' };
  return { kid, alg, privateJwk: await exportJWK(pair.privateKey), publicJwk };
}

export const iss = 'https://ziik.example/s/42';
export const aud = '5b4f5e7e-5d3c-4c3a-9a55-000000000001';

/** Claims that hold now; null leaves one out. */
export function claimsOf(over: Readonly<Record<string, unknown>> = {}): JWTPayload {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss, sub: '7', aud, iat, exp: iat + 60, jti: 'j-1', email: 'a@example.org', ...over };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
}

export async function sign(
  key: TestKey,
  over: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new SignJWT(claimsOf(over))
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(await importJWK(key.privateJwk, key.alg));
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token put together by hand, with any header and any signature. */
export function forge(header: unknown, payload: unknown, signature: Buffer | string = 'x'): string {
  return `${part(header)}.${part(payload)}.${Buffer.from(signature).toString('base64url')}`;
}

/** Issuers without a database. */
export function issuersOf(
  over: Partial<Issuer>,
  options: { readonly fetch?: typeof fetch; readonly clock?: () => number } = {},
): Issuers {
  const issuer: Issuer = { iss, source: 'eu1', tenant: null, product: 'ziik', jwksUrl: null, jwks: null, ...over };
  const rest = createIssuers({ db: undefined as never, ...options });
  return { ...rest, find: async (asked) => (asked === issuer.iss ? issuer : undefined) };
}

/** A server for key sets. */
export async function serve(listener: RequestListener): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
