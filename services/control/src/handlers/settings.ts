import { AppError, type IntegrationSettings } from '@orgstream/core';
import { activateSettings, insertSettings, readSettingsVersions, type SettingsRead } from '@orgstream/database';
import { notFound, requireIntegration } from '../access.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import { stale } from '../http/etag.ts';
import type { Ask, Handlers, Reply } from '../http/request.ts';
import { checkSettings, diffSettings, lowerCaseEmails, mergeSettings } from '../settings.ts';
import { askRun } from '../start-run.ts';
import { isUntouched, listSettingsPage, readSettings } from '../stores/settings-store.ts';

type Edit = 'replaceSettings' | 'changeSettings' | 'rollbackSettings';
type Mine = Edit | 'getSettings' | 'listSettingsVersions';

const etagOf = ({ version, newest }: SettingsRead): string => `${version}-${newest}`;

export function settingsHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db } = deps;
  return {
    async getSettings({ params, caller }) {
      await requireIntegration(db, caller, params.integration);
      const read = await versionsOf(deps, params.integration);
      const settings = await inForce(deps, params.integration, read);
      return { status: 200, body: { ...read, settings }, etag: etagOf(read) };
    },
    replaceSettings: (ask) => edit(deps, ask, async () => lowerCaseEmails(ask.body)),
    changeSettings: (ask) =>
      edit(deps, ask, async (read) => mergeSettings(await inForce(deps, ask.params.integration, read), ask.body)),
    rollbackSettings: (ask) =>
      edit(deps, ask, async () => {
        const settings = await readSettings(db, ask.params.integration, ask.body.version);
        if (!settings) throw notFound('version');
        return settings;
      }),
    async listSettingsVersions({ params, query, caller }) {
      await requireIntegration(db, caller, params.integration);
      const before = decodeCursor(query.cursor, ['number'])?.[0];
      const rows = await listSettingsPage(db, { integration: params.integration, before, limit: query.limit });
      const body = toPage(rows, query.limit, {
        key: (row) => [`${row.version}`],
        item: (row) => ({
          version: row.version,
          inForce: row.in_force,
          createdBy: row.created_by,
          createdAt: row.created_at.toISOString(),
          changes: row.previous === null ? [] : diffSettings(row.previous, row.settings),
        }),
      });
      return { status: 200, body };
    },
  };
}

/** Checks and writes a new version, and asks for the run that brings it into force. */
async function edit<Id extends Edit>(
  deps: Deps,
  ask: Ask<Id>,
  settingsFrom: (read: SettingsRead) => Promise<IntegrationSettings>,
): Promise<Reply<Id>> {
  const { db } = deps;
  const { caller, note } = ask;
  const id = (ask.params as { readonly integration: string }).integration;
  const { tenant } = await requireIntegration(db, caller, id);
  note({ tenant, integration: id });
  const read = await versionsOf(deps, id);
  if (ask.ifMatch !== etagOf(read)) throw stale();
  const settings = await settingsFrom(read);
  checkSettings(settings);
  await checkPlatform(deps, id, settings);
  if (diffSettings(await inForce(deps, id, read), settings).length === 0) {
    return { status: 200, body: { command: null, run: null }, etag: etagOf(read) } as Reply<Id>;
  }
  const version = await insertSettings(db, { integration: id, settings, by: caller.name, read });
  if (version === undefined) throw stale();
  note({ object: { version } });
  if (await isUntouched(db, id)) {
    await activateSettings(db, id, version);
    return { status: 200, body: { command: null, run: null }, etag: etagOf({ version, newest: version }) } as Reply<Id>;
  }
  const { body, status } = await askRun(deps, {
    integration: id,
    kind: 'settings',
    scope: { all: true },
    dryRun: false,
    settingsVersion: version,
    by: caller.name,
  });
  return { status, body, etag: etagOf(await versionsOf(deps, id)) } as Reply<Id>;
}

async function versionsOf({ db }: Deps, id: string): Promise<SettingsRead> {
  const read = await readSettingsVersions(db, id);
  if (!read) throw notFound('integration');
  return read;
}

async function inForce({ db }: Deps, id: string, read: SettingsRead): Promise<IntegrationSettings> {
  const settings = await readSettings(db, id, read.version);
  if (!settings) throw notFound('integration');
  return settings;
}

/** *deactivate users* is for a platform of one's own: it would deactivate another integration's people. */
export async function checkPlatform({ db }: Deps, id: string, settings: IntegrationSettings): Promise<void> {
  if (settings.deactivateUsers && (await sharedWith({ db }, id)) > 0) throw platformShared();
}

/** The same of an integration that is to be. */
export async function checkNewPlatform(
  { db }: Pick<Deps, 'db'>,
  url: string,
  settings: IntegrationSettings,
): Promise<void> {
  if (!settings.deactivateUsers) return;
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select from control.integration where product = 'sync' and platform_url = ? limit 1`,
    [url],
  );
  if (rows.length > 0) throw platformShared();
}

function platformShared(): AppError {
  return new AppError('PLATFORM_SHARED', 'settings: deactivateUsers: another integration uses this platform', {
    field: 'deactivateUsers',
  });
}

/** How many other integrations send people to the same platform. */
export async function sharedWith({ db }: Pick<Deps, 'db'>, id: string): Promise<number> {
  const { rows } = await db.raw<{ rows: { n: number }[] }>(
    `select count(*)::int as n
       from control.integration i
       left join sink.integration_state s on s.integration_id = i.id
       join control.integration o on o.id <> i.id and o.product = 'sync'
       left join sink.integration_state os on os.integration_id = o.id
      where i.id = ? and (o.platform_url = i.platform_url or os.platform = s.platform)`,
    [id],
  );
  return rows[0]?.n ?? 0;
}
