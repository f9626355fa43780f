import { AppError } from '@orgstream/core';
import { compactVerify } from 'jose';
import { readClaims } from './claims.ts';
import type { Issuer } from './issuer-store.ts';
import type { Issuers } from './issuers.ts';
import { algorithms, type Algorithm, type PublicKey } from './public-keys.ts';

/** Who stands at the door, as the issuer says. */
export interface Assertion {
  readonly issuer: Issuer;
  readonly iss: string;
  /** The person's id at the source. */
  readonly sub: string;
  readonly email: string | null;
  readonly jti: string;
  readonly expiresAt: Date;
}

export interface VerifyOptions {
  /** Whom it must be for, exactly. */
  readonly audience: string;
  readonly issuers: Issuers;
  /** Milliseconds since 1970. Default Date.now. */
  readonly now?: () => number;
  /** Clocks may differ by so much. Default 5. */
  readonly skewS?: number;
}

const maxBytes = 8_192;

/**
 * Checks a signed assertion (compact JWS, EdDSA or RS256): form, issuer, key, signature, claims, life. It is not burnt
 * yet: `burnJti`. Keys come from the issuer's configuration alone; what the header says about keys but `kid`, a mere name,
 * is not looked at. Throws ASSERTION_INVALID (data.reason), ISSUER_UNKNOWN, ISSUER_UNREACHABLE.
 */
export async function verifyAssertion(
  assertion: string,
  { audience, issuers, now = Date.now, skewS = 5 }: VerifyOptions,
): Promise<Assertion> {
  const { header, iss } = readUnverified(assertion);
  const issuer = await issuers.find(iss);
  if (!issuer) throw new AppError('ISSUER_UNKNOWN', 'checking an assertion: nobody configured its issuer');
  const payload = await verifySignature(assertion, await keysFor(issuers, issuer, header));
  const claims = readClaims(payload, { audience, nowS: now() / 1_000, skewS });
  if (typeof claims === 'string') throw invalid(claims);
  const { sub, email, jti, exp } = claims;
  return { issuer, iss, sub, email: email ?? null, jti, expiresAt: new Date(exp * 1_000) };
}

interface Header {
  readonly alg: Algorithm;
  readonly kid: string | null;
}

function readUnverified(assertion: string): { readonly header: Header; readonly iss: string } {
  if (assertion.length > maxBytes) throw invalid('size');
  const parts = /^([\w-]+)\.([\w-]+)\.[\w-]+$/.exec(assertion);
  if (!parts) throw invalid('form');
  const { iss } = readJson(parts[2]!);
  // Postgres takes no NUL.
  if (typeof iss !== 'string' || iss.length === 0 || iss.length > 512 || iss.includes('\0')) throw invalid('claims');
  return { header: readHeader(readJson(parts[1]!)), iss };
}

function readHeader({ alg, kid, typ, crit, b64 }: Record<string, unknown>): Header {
  const known = algorithms.find((one) => one === alg);
  if (!known) throw invalid('algorithm');
  if (crit !== undefined || b64 !== undefined) throw invalid('header');
  if (typ !== undefined && !(typeof typ === 'string' && typ.toUpperCase() === 'JWT')) throw invalid('header');
  if (kid !== undefined && typeof kid !== 'string') throw invalid('header');
  return { alg: known, kid: kid ?? null };
}

function readJson(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through: it is no JSON.
  }
  throw invalid('form');
}

/** The key that the header names, for the header's algorithm; without a name, the only one there is. */
async function keysFor(issuers: Issuers, issuer: Issuer, header: Header): Promise<PublicKey> {
  const known = chosen(await issuers.keysOf(issuer), header);
  const key = known ?? (issuer.jwksUrl === null ? undefined : chosen(await issuers.keysOf(issuer, true), header));
  if (!key) throw invalid('key');
  return key;
}

function chosen(keys: readonly PublicKey[], { alg, kid }: Header): PublicKey | undefined {
  const fitting = keys.filter((key) => key.alg === alg && (kid === null || key.kid === kid));
  return fitting.length === 1 ? fitting[0] : undefined;
}

async function verifySignature(assertion: string, { alg, key }: PublicKey): Promise<unknown> {
  try {
    const { payload } = await compactVerify(assertion, key, { algorithms: [alg] });
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw invalid('signature');
  }
}

function invalid(reason: string): AppError {
  return new AppError('ASSERTION_INVALID', `checking an assertion (${reason})`, { reason });
}
