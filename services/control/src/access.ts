import { AppError, parseTenantKey } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Caller } from './http/request.ts';

/** True when the caller may see this tenant; what belongs to no tenant is for tokens of all tenants. */
export function maySee(caller: Caller, tenant: string | null): boolean {
  return caller.tenants === null || (tenant !== null && caller.tenants.includes(tenant));
}

/** The tenant, for the audit that it reads: what a stranger asks about it is not in there. */
export function visible(caller: Caller, tenant: string | undefined): string | null {
  return tenant !== undefined && maySee(caller, tenant) ? tenant : null;
}

/** Another tenant's things are not there: the same answer as for what does not exist. */
export function notFound(what: string): AppError {
  return new AppError('NOT_FOUND', `${what}: there is none`);
}

/** 404 unless the caller may see the tenant and it is known. */
export async function requireTenant(db: Knex, caller: Caller, tenant: string): Promise<void> {
  if (maySee(caller, tenant)) {
    const { rows } = await db.raw<{ rows: unknown[] }>(`select from control.tenant where key = ?`, [tenant]);
    if (rows.length > 0) return;
  }
  throw notFound('tenant');
}

/** 403 unless the token is of all tenants: for what belongs to none. */
export function requireAllTenants(caller: Caller): void {
  if (caller.tenants === null) return;
  throw new AppError('ROLE_TOO_LOW', 'the token is bound to tenants, and this is about all of them');
}

/** 403 for the session of a Ziik's administrator: it is about that tenant's integrations, not about who may log in here. */
export function requireToken(caller: Caller): void {
  if (caller.person === null) return;
  throw new AppError('ROLE_TOO_LOW', "a session of a Ziik's administrator has nothing to do with tokens");
}

/** 403 unless the caller is an admin: for parts of a request that take more than its route. */
export function requireAdmin(caller: Caller, what: string): void {
  if (caller.role === 'admin') return;
  throw new AppError('ROLE_TOO_LOW', `${what} takes role admin`);
}

/** Sources whose tenants the caller may see; null = all. */
export function sourcesOf(caller: Caller): readonly string[] | null {
  if (caller.tenants === null) return null;
  return [...new Set(caller.tenants.flatMap((tenant) => parseTenantKey(tenant)?.source ?? []))];
}

/** An integration, as far as access and conflicts need it. */
export interface IntegrationHead {
  readonly id: string;
  readonly tenant: string;
  readonly product: 'sync' | 'login';
  readonly generation: number;
  readonly secret_id: string;
  readonly platform_url: string;
}

export async function requireIntegration(db: Knex, caller: Caller, id: string): Promise<IntegrationHead> {
  const { rows } = await db.raw<{ rows: IntegrationHead[] }>(
    `select id, tenant, product, generation, secret_id, platform_url from control.integration where id = ?`,
    [id],
  );
  const found = rows[0];
  if (!found || !maySee(caller, found.tenant)) throw notFound('integration');
  return found;
}

/** 409 for an integration that synchronises nobody: no sink would ever answer. */
export function requireSync({ product }: IntegrationHead): void {
  if (product === 'sync') return;
  throw new AppError('ACTION_NOT_POSSIBLE', 'the integration is for login only: there is nothing to synchronise');
}

/** The integration and tenant of a run the caller may see. */
export async function requireRun(
  db: Knex,
  caller: Caller,
  id: string,
): Promise<{ readonly integration: string | null; readonly tenant: string | null }> {
  const { rows } = await db.raw<{ rows: { integration: string | null; tenant: string | null }[] }>(
    `select r.integration_id as integration, coalesce(i.tenant, r.tenant) as tenant
       from sink.run r left join control.integration i on i.id = r.integration_id where r.id = ?`,
    [id],
  );
  const found = rows[0];
  if (!found || !maySee(caller, found.tenant)) throw notFound('run');
  return found;
}
