import { AppError, parseTenantKey } from '@orgstream/core';
import { readStop, setStop } from '@orgstream/database';
import { requireAllTenants, requireTenant, sourcesOf, visible } from '../access.ts';
import { toReply } from '../command-wait.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import type { Handlers } from '../http/request.ts';
import { openApiDocument } from '../openapi.ts';
import { readStatus, toSource, toStop } from '../status.ts';
import { listSourcePage } from '../stores/source-store.ts';
import { listSnapshotPage, listTenantPage } from '../stores/tenant-store.ts';

type Mine =
  | 'getStatus'
  | 'listTenants'
  | 'listSnapshots'
  | 'erasePerson'
  | 'listSources'
  | 'snapshotSource'
  | 'getStop'
  | 'setStop'
  | 'getOpenApi';

export function systemHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db, commands } = deps;
  return {
    getStatus: async ({ query, caller }) => ({ status: 200, body: await readStatus(deps, caller, query.waitMs) }),

    async listTenants({ query, caller }) {
      const after = decodeCursor(query.cursor, ['text'])?.[0];
      const rows = await listTenantPage(db, { tenants: caller.tenants, after, limit: query.limit });
      const body = toPage(rows, query.limit, {
        key: (row) => [row.key],
        item: ({ proved_at, integrations, ...row }) => ({
          ...row,
          integrations: [...integrations],
          provedSnapshotAt: proved_at?.toISOString() ?? null,
        }),
      });
      return { status: 200, body };
    },

    async listSnapshots({ params, query, caller }) {
      await requireTenant(db, caller, params.tenant);
      const before = decodeCursor(query.cursor, ['instant', 'text']);
      const rows = await listSnapshotPage(db, { tenant: params.tenant, before, limit: query.limit });
      const body = toPage(rows, query.limit, {
        key: (row) => [row.started_key, row.id],
        item: ({ id, state, started_at, ended_at, detail }) => ({
          id,
          state,
          startedAt: started_at.toISOString(),
          endedAt: ended_at?.toISOString() ?? null,
          detail,
        }),
      });
      return { status: 200, body };
    },

    async erasePerson({ body, caller, note }) {
      await requireTenant(db, caller, body.tenant);
      note({ tenant: body.tenant, object: { person: body.person } });
      const payload = { ...body, by: caller.name };
      return toReply(await commands.ask({ addressee: 'learningbank-sink', kind: 'erase', payload }));
    },

    async listSources({ query, caller }) {
      const after = decodeCursor(query.cursor, ['text'])?.[0];
      const rows = await listSourcePage(db, { names: sourcesOf(caller), after, limit: query.limit });
      return {
        status: 200,
        body: toPage(rows, query.limit, { key: (row) => [row.name], item: (row) => toSource(row, null) }),
      };
    },

    async snapshotSource({ params, body, caller, note }) {
      const { source } = params;
      const { tenant } = body;
      note({ tenant: visible(caller, tenant), object: { source, tenant } });
      if (tenant === undefined) requireAllTenants(caller);
      // A site that has no integration yet may be read too: whether there is one, ziik-cdc says (TENANT_UNKNOWN).
      else if (caller.tenants !== null) await requireTenant(db, caller, tenant);
      if (tenant !== undefined && parseTenantKey(tenant)?.source !== source) {
        throw new AppError('REQUEST_INVALID', 'body: tenant: it is of another source', { field: 'tenant' });
      }
      const [known] = await listSourcePage(db, { names: [source], limit: 1 });
      if (!known) throw new AppError('SOURCE_UNKNOWN', `there is no source ${source}`);
      const payload =
        tenant === undefined ? { source, reason: 'operator', recreate: true } : { source, tenant, reason: 'operator' };
      return toReply(await commands.ask({ addressee: 'ziik-cdc', kind: 'snapshot', payload }));
    },

    getStop: async () => ({ status: 200, body: toStop(await readStop(db)) }),

    async setStop({ body, caller, note }) {
      requireAllTenants(caller);
      note({ object: { stopped: body.stopped } });
      const row = await setStop(db, { stopped: body.stopped, reason: body.reason ?? null, by: caller.name });
      return { status: 200, body: toStop(row) };
    },

    getOpenApi: async () => ({ status: 200, body: openApiDocument }),
  };
}
