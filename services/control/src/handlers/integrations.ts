import type { Finding, SettingsEdit } from '@orgstream/control-api';
import { AppError, defaultSettings, parseTenantKey, type IntegrationSettings } from '@orgstream/core';
import { changeIntegration, createIntegration, listSources, removeIntegration } from '@orgstream/database';
import { maySee, notFound, requireAdmin, requireIntegration } from '../access.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import { stale } from '../http/etag.ts';
import type { Handlers } from '../http/request.ts';
import { listIntegrationPage, readIntegration, toIntegration } from '../stores/integration-store.ts';
import { checkSettings, mergeSettings } from '../settings.ts';
import { checkNewPlatform } from './settings.ts';
import { findOwners, verify } from '../verify.ts';

type Mine =
  | 'listIntegrations'
  | 'createIntegration'
  | 'getIntegration'
  | 'changeIntegration'
  | 'removeIntegration'
  | 'verifyIntegration';

export function integrationHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db } = deps;
  const show = async (id: string) => {
    const integration = await readIntegration(db, id);
    if (!integration) throw notFound('integration');
    return { body: integration, etag: `${integration.generation}` };
  };
  return {
    async listIntegrations({ query, caller }) {
      const after = decodeCursor(query.cursor, ['instant', 'uuid']);
      const rows = await listIntegrationPage(db, {
        tenants: caller.tenants,
        tenant: query.tenant,
        after,
        limit: query.limit,
      });
      const body = toPage(rows, query.limit, { item: toIntegration, key: (row) => [row.created_key, row.id] });
      return { status: 200, body };
    },

    async createIntegration({ body, caller, note }) {
      if (!maySee(caller, body.tenant)) throw notFound('tenant');
      note({ tenant: body.tenant, object: { name: body.name, product: body.product } });
      deps.checkVendorUrl('platformUrl', body.platformUrl);
      await requireSource(deps, parseTenantKey(body.tenant)!.source, 'tenant');
      const platformUrl = body.platformUrl.replace(/\/+$/, '');
      const { settings, findings } = await startSettings(deps, { ...body, platformUrl });
      const id = await createIntegration(db, {
        tenant: body.tenant,
        name: body.name,
        product: body.product,
        platformUrl,
        credentials: deps.secrets.seal(JSON.stringify(body.credentials)),
        settings,
      });
      note({ integration: id });
      const { body: integration, etag } = await show(id);
      return { status: 201, body: { integration, findings }, etag };
    },

    async getIntegration({ params, caller }) {
      await requireIntegration(db, caller, params.integration);
      return { status: 200, ...(await show(params.integration)) };
    },

    async changeIntegration({ params, body, caller, ifMatch, note }) {
      const { id, tenant, generation } = await requireIntegration(db, caller, params.integration);
      const { credentials, ...edit } = body;
      note({ tenant, integration: id, object: { ...edit, ...(credentials ? { credentials: 'renewed' } : {}) } });
      if (edit.name !== undefined) requireAdmin(caller, 'name');
      if (credentials !== undefined) requireAdmin(caller, 'credentials');
      if (ifMatch !== `${generation}`) throw stale();
      const sealed = credentials && deps.secrets.seal(JSON.stringify(credentials));
      const changed = await changeIntegration(db, id, generation, { ...edit, credentials: sealed });
      if (changed === undefined) throw stale();
      return { status: 200, ...(await show(id)) };
    },

    async removeIntegration({ params, caller, ifMatch, note }) {
      const { id, tenant, generation } = await requireIntegration(db, caller, params.integration);
      note({ tenant, integration: id });
      if (ifMatch !== `${generation}` || !(await removeIntegration(db, id, generation))) throw stale();
      return { status: 204 };
    },

    async verifyIntegration({ params, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      note({ tenant: head.tenant, integration: head.id });
      return { status: 200, body: await verify(deps, head) };
    },
  };
}

/** 404 unless there is such a source; `field` is where it was named. */
export async function requireSource({ db }: Deps, source: string, field: string): Promise<void> {
  if ((await listSources(db)).some(({ name }) => name === source)) return;
  throw new AppError('SOURCE_UNKNOWN', `${field}: there is no source ${source}`, { field });
}

/** Settings of a new integration: defaults, what was given, and the platform's Owners as protected. */
async function startSettings(
  deps: Deps,
  given: {
    readonly settings?: SettingsEdit | undefined;
    readonly protectOwners: boolean;
    readonly platformUrl: string;
    readonly credentials: { readonly username: string; readonly password: string; readonly token?: string | undefined };
  },
): Promise<{ readonly settings: IntegrationSettings; readonly findings: Finding[] }> {
  const settings = mergeSettings(defaultSettings, given.settings ?? {});
  checkSettings(settings);
  await checkNewPlatform(deps, given.platformUrl, settings);
  if (!given.protectOwners) return { settings, findings: [] };
  const { token, ...rest } = given.credentials;
  const { emails, findings } = await findOwners(deps, given.platformUrl, { ...rest, ...(token ? { token } : {}) });
  const protectedEmails = [...new Set([...settings.protectedEmails, ...emails])];
  return { settings: { ...settings, protectedEmails }, findings };
}
