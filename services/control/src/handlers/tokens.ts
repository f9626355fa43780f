import type { Token } from '@orgstream/control-api';
import { AppError } from '@orgstream/core';
import { createToken, listAudit, listTokens, revokeToken, type TokenRow } from '@orgstream/database';
import { maySee, notFound, requireAllTenants, requireToken } from '../access.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import type { Handlers } from '../http/request.ts';

type Mine = 'listTokens' | 'createToken' | 'revokeToken' | 'listAudit';

export function tokenHandlers({ db }: Deps): Pick<Handlers, Mine> {
  return {
    async listTokens({ query, caller }) {
      requireToken(caller);
      const after = decodeCursor(query.cursor, ['instant', 'uuid']);
      const rows = await listTokens(db, {
        within: caller.tenants,
        ...(after ? { after } : {}),
        limit: query.limit + 1,
      });
      return {
        status: 200,
        body: toPage(rows, query.limit, { item: toToken, key: (row) => [row.created_key, row.id] }),
      };
    },
    async createToken({ body, caller, note }) {
      requireToken(caller);
      const { name, role, tenants, expiresAt } = body;
      const object = { name, role, tenants: tenants ?? 'all' };
      note({ object });
      if (tenants === undefined) requireAllTenants(caller);
      else if (!tenants.every((tenant) => maySee(caller, tenant))) throw notFound('tenants');
      // From here on only: what a stranger tries is not for the audit that a tenant reads.
      note({ tenant: tenants?.length === 1 ? tenants[0]! : null });
      const until = expiresAt === undefined ? null : new Date(expiresAt);
      if (until !== null && until.getTime() <= Date.now()) {
        throw new AppError('REQUEST_INVALID', 'body: expiresAt: it has passed', { field: 'expiresAt' });
      }
      // With its offset it may be of a year that no answer can hold.
      if (until !== null && until.getUTCFullYear() > 9_999) {
        throw new AppError('REQUEST_INVALID', 'body: expiresAt: leave it out for a token without end', {
          field: 'expiresAt',
        });
      }
      const made = await createToken(db, { name, role, tenants: tenants ?? null, expiresAt: until, by: caller.name });
      note({ object: { token: made.id, ...object } });
      return { status: 201, body: { ...toToken(made), secret: made.secret } };
    },
    async revokeToken({ params, caller, note }) {
      requireToken(caller);
      note({ object: { token: params.token } });
      if (!(await revokeToken(db, params.token, { within: caller.tenants }))) throw notFound('token');
      return { status: 204 };
    },
    async listAudit({ query, caller }) {
      const before = decodeCursor(query.cursor, ['number'])?.[0];
      const { tenant, integration, action, limit } = query;
      const rows = await listAudit(db, {
        within: caller.tenants,
        tenant,
        integration,
        action,
        before,
        limit: limit + 1,
      });
      const body = toPage(rows, limit, {
        key: (row) => [row.id],
        item: ({ id, at, token_id, integration_id, request_id, actor, outcome, ...row }) => ({
          no: Number(id),
          at: at.toISOString(),
          actor,
          token: token_id,
          action: row.action,
          tenant: row.tenant,
          integration: integration_id,
          object: row.object,
          outcome,
          requestId: request_id,
        }),
      });
      return { status: 200, body };
    },
  };
}

function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    tenants: row.tenants ? [...row.tenants] : null,
    person: row.person_id,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  };
}
