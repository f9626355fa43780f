import { createHash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { administers } from './administrator.ts';

export type TokenRole = 'viewer' | 'operator' | 'admin';

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: TokenRole;
  /** null = all tenants. */
  readonly tenants: readonly string[] | null;
  readonly created_by: string | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
  /** Of a session: who signed in, by an assertion. */
  readonly person_tenant: string | null;
  readonly person_id: string | null;
}

/** `created_key` sorts as created_at does and loses nothing. */
export type TokenListRow = TokenRow & { readonly created_key: string };

const columns =
  'id, name, role, tenants, created_by, created_at, expires_at, revoked_at, last_used_at, person_tenant, person_id';
/** Of a session only while who signed in is an administrator; true of any other token. */
const mayAct = `(t.person_id is null or ${administers('t.person_tenant', 't.person_id')})`;
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Makes a bearer token of `control`. Only its hash is stored: the secret is in the answer, and nowhere else. */
export async function createToken(
  db: Knex,
  token: {
    readonly name: string;
    readonly role: TokenRole;
    readonly tenants?: readonly string[] | null;
    readonly expiresAt?: Date | null;
    /** Makes it a session. */
    readonly person?: { readonly tenant: string; readonly id: string };
    readonly by: string;
  },
): Promise<TokenRow & { readonly secret: string }> {
  const secret = `ost_${randomBytes(32).toString('base64url')}`;
  const { rows } = await db.raw<{ rows: TokenRow[] }>(
    `insert into control.token (name, hash, role, tenants, created_by, expires_at, person_tenant, person_id)
     values (:name, :hash, :role, :tenants, :by, :expiresAt, :personTenant, :personId) returning ${columns}`,
    {
      name: token.name,
      hash: hashOf(secret),
      role: token.role,
      tenants: token.tenants ? [...token.tenants] : null,
      by: token.by,
      expiresAt: token.expiresAt ?? null,
      personTenant: token.person?.tenant ?? null,
      personId: token.person?.id ?? null,
    },
  );
  return { ...rows[0]!, secret };
}

/** A token that was shown; `mayAct` false: a session of somebody who is no administrator any more. */
export type UsedToken = TokenRow & { readonly mayAct: boolean };

/** The token with this secret, unless it is unknown, revoked or expired. Its use is noted once a minute. */
export async function useToken(db: Knex, secret: string): Promise<UsedToken | undefined> {
  const { rows } = await db.raw<{ rows: (UsedToken & { readonly note_use: boolean })[] }>(
    `select ${columns}, ${mayAct} as "mayAct", coalesce(last_used_at < now() - interval '1 minute', true) as note_use
       from control.token t
      where hash = ? and revoked_at is null and (expires_at is null or expires_at > now())`,
    [hashOf(secret)],
  );
  const found = rows[0];
  if (!found) return undefined;
  const { note_use: noteUse, ...token } = found;
  if (noteUse) await db.raw(`update control.token set last_used_at = now() where id = ?`, [token.id]);
  return token;
}

/** Neither revoked nor expired since it was used; a session's owner is still an administrator. */
export async function isTokenInForce(db: Knex, id: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select from control.token t
      where id = ? and revoked_at is null and (expires_at is null or expires_at > now()) and ${mayAct}`,
    [id],
  );
  return rows.length > 0;
}

/** Tokens, oldest first; `within`: only those bound to some of these tenants. */
export async function listTokens(
  db: Knex,
  options: {
    readonly within: readonly string[] | null;
    readonly after?: readonly [createdAt: string, id: string];
    readonly limit: number;
  },
): Promise<readonly TokenListRow[]> {
  const { rows } = await db.raw<{ rows: TokenListRow[] }>(
    `select ${columns}, to_char(created_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' as created_key
       from control.token
      where (cast(:within as text[]) is null or tenants <@ cast(:within as text[]))
        and (cast(:at as text) is null
             or (created_at, id) > (cast(:at as text)::timestamptz, cast(:id as text)::uuid))
      order by created_at, id limit :limit`,
    {
      within: options.within ? [...options.within] : null,
      at: options.after?.[0] ?? null,
      id: options.after?.[1] ?? null,
      limit: options.limit,
    },
  );
  return rows;
}

/** Revokes a token, at once and for ever; true also when it was revoked before, false when there is none. */
export async function revokeToken(
  db: Knex,
  id: string,
  options: { readonly within: readonly string[] | null },
): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update control.token set revoked_at = coalesce(revoked_at, now())
      where id = :id and (cast(:within as text[]) is null or tenants <@ cast(:within as text[])) returning id`,
    { id, within: options.within ? [...options.within] : null },
  );
  return rows.length > 0;
}

/** Forgets sessions that ended a day ago and more. */
export async function forgetSessions(db: Knex): Promise<void> {
  await db.raw(`delete from control.token where person_id is not null and expires_at < now() - interval '1 day'`);
}
