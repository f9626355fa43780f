import { randomUUID } from 'node:crypto';
import { insertIssuer, type Knex } from '@orgstream/database';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** Somebody who signs assertions, and whom control knows. */
export interface TestIssuer {
  readonly id: string;
  readonly iss: string;
  /** An assertion that is right in every way, but for what is given. */
  assert(claims: { readonly sub: string } & Readonly<Record<string, unknown>>): Promise<string>;
}

/** An issuer of one tenant, or of all of `eu1`. */
export async function addIssuer(db: Knex, tenant: string | null): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const iss = `https://ziik.example/${tenant ?? 'all'}/${randomUUID()}`;
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] };
  const { id } = await insertIssuer(db, {
    iss,
    source: 'eu1',
    tenant,
    product: 'ziik',
    jwksUrl: null,
    jwks,
    by: 'test',
  });
  return {
    id,
    iss,
    assert(claims) {
      const now = Math.floor(Date.now() / 1_000);
      const all = { iss, aud: 'control', iat: now, exp: now + 60, jti: randomUUID(), ...claims };
      return new SignJWT(all).setProtectedHeader({ alg: 'EdDSA', kid: 'k1' }).sign(privateKey);
    },
  };
}
