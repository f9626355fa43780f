import type { Knex } from '@orgstream/database';

/** Who may sign assertions, and for whom. */
export interface Issuer {
  readonly iss: string;
  readonly source: string;
  /** null = for every tenant of the source. */
  readonly tenant: string | null;
  /** Of Tamigo only the menu logs in, links in messages do not. */
  readonly product: 'ziik' | 'tamigo';
  readonly jwksUrl: string | null;
  readonly jwks: unknown;
}

/** Looked at each time: an issuer that is taken away signs nobody in any more. */
export async function readIssuer(db: Knex, iss: string): Promise<Issuer | undefined> {
  const { rows } = await db.raw<{ rows: Issuer[] }>(
    `select iss, source, tenant, product, jwks_url as "jwksUrl", jwks from control.issuer where iss = ?`,
    [iss],
  );
  return rows[0];
}
