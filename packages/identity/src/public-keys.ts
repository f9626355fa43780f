import { importJWK, type CryptoKey, type JWK } from 'jose';
import { z } from 'zod';

/** Signatures that are taken. HMAC is not: a verifier's key would be a signer's. */
export const algorithms = ['EdDSA', 'RS256'] as const;
export type Algorithm = (typeof algorithms)[number];

/** A key that a signature can be checked with, for one algorithm only. */
export interface PublicKey {
  readonly kid: string | null;
  readonly alg: Algorithm;
  readonly key: CryptoKey;
}

/** Keys of a set that are looked at; nobody rotates through more. */
const maxKeys = 32;
const minRsaBits = 2_048;
/** A larger key costs more to check than a login may. */
const maxRsaBits = 8_192;

const KeySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

/**
 * The public keys of a JWKS that can check a signature we take. Others (encryption keys, other algorithms, secrets,
 * malformed ones) are passed over: a set may hold them. undefined when it is no key set at all.
 */
export async function readPublicKeys(jwks: unknown): Promise<readonly PublicKey[] | undefined> {
  const parsed = KeySet.safeParse(jwks);
  if (!parsed.success) return undefined;
  const keys = await Promise.all(parsed.data.keys.slice(0, maxKeys).map(readKey));
  return keys.filter((key) => key !== undefined);
}

async function readKey(jwk: Record<string, unknown>): Promise<PublicKey | undefined> {
  const alg = algorithmOf(jwk);
  if (!alg || !isForSignatures(jwk)) return undefined;
  // Only what is public is taken over, whatever else the set gives away.
  const { kty, crv, x, n, e } = jwk;
  const jwkPublic = (alg === 'EdDSA' ? { kty, crv, x } : { kty, n, e }) as JWK;
  try {
    const key = (await importJWK(jwkPublic, alg)) as CryptoKey;
    if (alg === 'RS256' && !isFitRsa(key)) return undefined;
    return { kid: typeof jwk['kid'] === 'string' ? jwk['kid'] : null, alg, key };
  } catch {
    return undefined;
  }
}

function algorithmOf({ kty, crv, alg }: Record<string, unknown>): Algorithm | undefined {
  const own = kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : kty === 'RSA' ? 'RS256' : undefined;
  return alg === undefined || alg === own || (alg === 'Ed25519' && own === 'EdDSA') ? own : undefined;
}

function isForSignatures({ use, key_ops: operations }: Record<string, unknown>): boolean {
  if (use !== undefined && use !== 'sig') return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}

function isFitRsa(key: CryptoKey): boolean {
  const { modulusLength = 0 } = key.algorithm as { readonly modulusLength?: number };
  return modulusLength >= minRsaBits && modulusLength <= maxRsaBits;
}
