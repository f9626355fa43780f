import { AppError } from '@orgstream/core';
import type { Knex } from 'knex';

/** Who may sign assertions, and for whom. */
export interface IssuerRow {
  /** Of its name: fit for a path, as the name is not. */
  readonly id: string;
  readonly iss: string;
  readonly source: string;
  /** null = every tenant of the source. */
  readonly tenant: string | null;
  readonly product: 'ziik' | 'tamigo';
  readonly jwks_url: string | null;
  readonly jwks: { readonly keys: readonly { readonly kid?: string }[] } | null;
  readonly created_by: string | null;
  readonly created_at: Date;
}

const id = `left(encode(sha256(convert_to(iss, 'UTF8')), 'hex'), 32)`;
const columns = `${id} as id, iss, source, tenant, product, jwks_url, jwks, created_by, created_at`;

/** Adds an issuer; throws ALREADY_EXISTS. */
export async function insertIssuer(
  db: Knex,
  issuer: {
    readonly iss: string;
    readonly source: string;
    readonly tenant: string | null;
    readonly product: 'ziik' | 'tamigo';
    readonly jwksUrl: string | null;
    /** Public keys. */
    readonly jwks: unknown;
    readonly by: string;
  },
): Promise<IssuerRow> {
  const { rows } = await db.raw<{ rows: IssuerRow[] }>(
    `insert into control.issuer (iss, source, tenant, product, jwks_url, jwks, created_by)
     values (:iss, :source, :tenant, :product, :jwksUrl, :jwks, :by) on conflict (iss) do nothing returning ${columns}`,
    { ...issuer, jwks: issuer.jwks == null ? null : JSON.stringify(issuer.jwks) },
  );
  if (!rows[0]) throw new AppError('ALREADY_EXISTS', 'adding an issuer: there is one of this name', { field: 'iss' });
  return rows[0];
}

/** By id, one more than `limit`; `within`: only those of these tenants alone. */
export async function listIssuers(
  db: Knex,
  options: {
    readonly within: readonly string[] | null;
    /** Those that may sign for this one. */
    readonly tenant: string | undefined;
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly IssuerRow[]> {
  const { rows } = await db.raw<{ rows: IssuerRow[] }>(
    `select ${columns} from control.issuer
      where (cast(:within as text[]) is null or tenant = any(cast(:within as text[])))
        and (cast(:tenant as text) is null or tenant = :tenant
             or (tenant is null and source = split_part(cast(:tenant as text), '.', 1)))
        and (cast(:after as text) is null or ${id} > :after)
      order by ${id} limit :limit`,
    {
      within: options.within ? [...options.within] : null,
      tenant: options.tenant ?? null,
      after: options.after ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}

/** True while there is such an issuer, which then stays until the transaction ends: what it signs for is seen by its removal. */
export async function holdIssuer(tx: Knex, iss: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(`select from control.issuer where iss = ? for key share`, [iss]);
  return rows.length > 0;
}

/** Removes an issuer, and ends the sessions that it signed in; whose it was, or undefined when there is none. */
export async function removeIssuer(db: Knex, issuer: string): Promise<Pick<IssuerRow, 'iss' | 'tenant'> | undefined> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: Pick<IssuerRow, 'iss' | 'tenant'>[] }>(
      `delete from control.issuer where ${id} = ? returning iss, tenant`,
      [issuer],
    );
    if (!rows[0]) return undefined;
    await tx.raw(
      `update control.token set revoked_at = coalesce(revoked_at, now()) where person_id is not null and created_by = ?`,
      [rows[0].iss],
    );
    return rows[0];
  });
}
