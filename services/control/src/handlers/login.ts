import type { Issuer, LoginSetting } from '@orgstream/control-api';
import { AppError, parseTenantKey } from '@orgstream/core';
import {
  changeLoginSetting,
  insertIssuer,
  listIssuers,
  readLoginSetting,
  removeIssuer,
  type IssuerRow,
  type LoginSettingRow,
} from '@orgstream/database';
import { notFound, requireAllTenants, requireIntegration, requireTenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import { stale } from '../http/etag.ts';
import type { Handlers } from '../http/request.ts';
import { listLoginEventPage, toLoginEvent } from '../stores/login-store.ts';
import { iso } from '../stores/sql.ts';
import { requireSource } from './integrations.ts';

type Mine = 'getLogin' | 'changeLogin' | 'listLoginEvents' | 'listIssuers' | 'createIssuer' | 'removeIssuer';

export function loginHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db } = deps;
  return {
    async getLogin({ params, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      const row = await readLoginSetting(db, id);
      return { status: 200, body: toLogin(id, row), etag: `${row.version}` };
    },

    async changeLogin({ params, body, caller, ifMatch, note }) {
      const { id, tenant } = await requireIntegration(db, caller, params.integration);
      note({ tenant, integration: id, object: { ...body } });
      const { version } = await readLoginSetting(db, id);
      if (ifMatch !== `${version}`) throw stale();
      const { enabled, webMenu, app } = body;
      const row = await changeLoginSetting(db, { integration: id, version, enabled, webMenu, app, by: caller.name });
      if (!row) throw stale();
      return { status: 200, body: toLogin(id, row), etag: `${row.version}` };
    },

    async listLoginEvents({ params, query, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      const { kind, outcome, code, person, limit } = query;
      const before = decodeCursor(query.cursor, ['number'])?.[0];
      const rows = await listLoginEventPage(db, { integration: id, kind, outcome, code, person, before, limit });
      return { status: 200, body: toPage(rows, limit, { item: toLoginEvent, key: (row) => [row.id] }) };
    },

    async listIssuers({ query, caller }) {
      const after = decodeCursor(query.cursor, ['text'])?.[0];
      const { tenant, limit } = query;
      const rows = await listIssuers(db, { within: caller.tenants, tenant, after, limit });
      return { status: 200, body: toPage(rows, limit, { item: toIssuer, key: (row) => [row.id] }) };
    },

    async createIssuer({ body, caller, note }) {
      requireAllTenants(caller);
      const { iss, source, tenant, product, jwksUrl, jwks } = body;
      note({ tenant: tenant ?? null, object: { iss, source, product, jwksUrl } });
      deps.checkVendorUrl('jwksUrl', jwksUrl);
      await requireSource(deps, source, 'source');
      if (tenant !== undefined) {
        if (parseTenantKey(tenant)?.source !== source) {
          throw new AppError('REQUEST_INVALID', 'body: tenant: it is of another source', { field: 'tenant' });
        }
        await requireTenant(db, caller, tenant);
      }
      const keys = { jwksUrl: jwksUrl ?? null, jwks: jwks ?? null };
      const row = await insertIssuer(db, { iss, source, tenant: tenant ?? null, product, ...keys, by: caller.name });
      return { status: 201, body: toIssuer(row) };
    },

    async removeIssuer({ params, caller, note }) {
      requireAllTenants(caller);
      note({ object: { issuer: params.issuer } });
      const removed = await removeIssuer(db, params.issuer);
      if (!removed) throw notFound('issuer');
      note({ tenant: removed.tenant, object: { issuer: params.issuer, iss: removed.iss } });
      return { status: 204 };
    },
  };
}

function toLogin(integration: string, row: LoginSettingRow): LoginSetting {
  return {
    integration,
    version: row.version,
    enabled: row.enabled,
    webMenu: row.web_menu,
    app: row.app,
    changedBy: row.changed_by,
    changedAt: iso(row.changed_at),
  };
}

function toIssuer(row: IssuerRow): Issuer {
  const { id, iss, source, tenant, product, jwks } = row;
  return {
    id,
    iss,
    source,
    tenant,
    product,
    jwksUrl: row.jwks_url,
    keys: (jwks?.keys ?? []).map(({ kid }) => kid ?? ''),
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
  };
}
