import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type JWTPayload } from 'jose';
import { z } from 'zod';
import { one, type Db, type IdLike } from '../db.ts';
import { currentKey, keyOf } from './keys.ts';

/** What to sign: any claim may be overridden, and left out by null, so that attacks can be made too. */
export const AssertionInput = z.looseObject({
  siteId: z.union([z.string().regex(/^\d+$/), z.int().positive()]).transform(String),
  userId: z.union([z.string(), z.int()]).transform(String),
  aud: z.unknown(),
  expiresInS: z.number().default(60),
  /** Sign with this key instead of the newest. */
  kid: z.string().optional(),
  /** Goes over the protected header, after the key was chosen. */
  header: z.record(z.string(), z.unknown()).default({}),
});

/** Signs that a site's user stands here now, whoever that is: Ziik's own session may have outlived the account. */
export async function signAssertion(
  db: Db,
  input: z.input<typeof AssertionInput>,
  { issuer, nowMs }: { issuer: string; nowMs: number },
): Promise<string> {
  const { siteId, userId, aud, expiresInS, kid, header, ...claims } = AssertionInput.parse(input);
  const iat = Math.floor(nowMs / 1_000);
  const email = await emailOf(db, siteId, userId);
  const payload = {
    iss: issuer,
    sub: userId,
    aud,
    iat,
    exp: iat + expiresInS,
    jti: randomUUID(),
    ...(email === null ? {} : { email }),
    ...claims,
  };
  const key = kid === undefined ? await currentKey(db, siteId) : await keyOf(db, siteId, kid);
  return new SignJWT(withoutNulls(payload) as JWTPayload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(await importJWK(key.privateJwk, key.alg));
}

async function emailOf(db: Db, siteId: IdLike, userId: IdLike): Promise<string | null> {
  if (!/^\d{1,18}$/.test(String(userId))) return null;
  const sql = 'select email from users where site_id = $1 and id = $2';
  return (await one<{ email: string | null }>(db, sql, [siteId, userId]))?.email ?? null;
}

function withoutNulls(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
}
