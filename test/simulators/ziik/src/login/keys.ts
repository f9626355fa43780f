import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { one, type Db, type IdLike } from '../db.ts';

/** How a site signs. */
export type Algorithm = 'EdDSA' | 'RS256';

/** A key a site signs assertions with. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

const columns = `kid, alg, private_jwk as "privateJwk", public_jwk as "publicJwk"`;

/** The newest key of a site; made when it has none. */
export async function currentKey(db: Db, siteId: IdLike): Promise<SigningKey> {
  return (await newest(db, siteId)) ?? makeKey(db, siteId, 'EdDSA');
}

/** One key of a site, published or not. */
export async function keyOf(db: Db, siteId: IdLike, kid: string): Promise<SigningKey> {
  const key = await one<SigningKey>(
    db,
    `select ${columns} from ziik_chat.signing_key where site_id = $1 and kid = $2`,
    [siteId, kid],
  );
  if (!key) throw new RangeError(`site ${siteId} has no such key`);
  return key;
}

async function newest(db: Db, siteId: IdLike): Promise<SigningKey | undefined> {
  return one<SigningKey>(
    db,
    `select ${columns} from ziik_chat.signing_key where site_id = $1 order by made_at desc, kid limit 1`,
    [siteId],
  );
}

/** A new key to sign with; `dropOld` = the ones before leave the published set. */
export async function rotateKeys(
  db: Db,
  siteId: IdLike,
  { alg, dropOld }: { alg: Algorithm; dropOld: boolean },
): Promise<SigningKey> {
  if (dropOld) await db.query('update ziik_chat.signing_key set published = false where site_id = $1', [siteId]);
  return makeKey(db, siteId, alg);
}

async function makeKey(db: Db, siteId: IdLike, alg: Algorithm): Promise<SigningKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const kid = randomUUID();
  const privateJwk = await exportJWK(pair.privateKey);
  const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' };
  // Two first questions at once: the older key signs for both.
  await db.query(
    'insert into ziik_chat.signing_key (kid, site_id, alg, private_jwk, public_jwk) values ($1, $2, $3, $4, $5)',
    [kid, siteId, alg, JSON.stringify(privateJwk), JSON.stringify(publicJwk)],
  );
  return { kid, alg, privateJwk, publicJwk };
}

/** The public keys of a site, for whoever checks its assertions. */
export async function publishedKeys(db: Db, siteId: IdLike): Promise<{ keys: JWK[] }> {
  await currentKey(db, siteId);
  const { rows } = await db.query<{ key: JWK }>(
    'select public_jwk as key from ziik_chat.signing_key where site_id = $1 and published order by made_at desc',
    [siteId],
  );
  return { keys: rows.map((row) => row.key) };
}
