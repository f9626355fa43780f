import { AppError, type RunScope } from '@orgstream/core';
import { insertSettings, readSettingsVersions, type Command } from '@orgstream/database';
import {
  maySee,
  notFound,
  requireAdmin,
  requireAllTenants,
  requireIntegration,
  requireRun,
  requireSync,
  requireTenant,
  visible,
} from '../access.ts';
import { toReply } from '../command-wait.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import type { Caller, Handlers } from '../http/request.ts';
import { checkSettings, mergeSettings } from '../settings.ts';
import { askRun } from '../start-run.ts';
import { commandTenant, readCommandRow, toCommand } from '../stores/command-store.ts';
import { listRunItemPage, listRunPage, readRun, toRun, toRunItem } from '../stores/run-store.ts';
import { readSettings } from '../stores/settings-store.ts';
import { checkPlatform } from './settings.ts';

type Mine =
  'listRuns' | 'startRun' | 'getRun' | 'listRunItems' | 'decideRun' | 'listReplays' | 'startReplay' | 'getCommand';

export function runHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db, commands } = deps;
  const show = async (id: string) => {
    const run = await readRun(db, id);
    if (!run) throw notFound('run');
    return run;
  };
  const runPage = async (
    query: { readonly cursor?: string | undefined; readonly limit: number },
    filter: Omit<Parameters<typeof listRunPage>[1], 'before' | 'limit'>,
  ) => {
    const before = decodeCursor(query.cursor, ['instant', 'uuid']);
    const rows = await listRunPage(db, { ...filter, before, limit: query.limit });
    return toPage(rows, query.limit, { item: toRun, key: (row) => [row.created_key, row.id] });
  };
  return {
    async listRuns({ params, query, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      return { status: 200, body: await runPage(query, { integration: id, kind: query.kind, state: query.state }) };
    },
    async startRun({ params, body, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { id, tenant } = head;
      requireSync(head);
      note({ tenant, integration: id, object: { kind: body.kind, scope: body.scope, dryRun: body.dryRun } });
      await checkScope(deps, body.scope, id);
      const edited = await settingsOf(deps, { id, body, caller });
      const { kind, scope, dryRun } = body;
      return askRun(deps, { integration: id, kind, scope, dryRun, ...edited, by: caller.name });
    },
    async getRun({ params, caller }) {
      await requireRun(db, caller, params.run);
      return { status: 200, body: await show(params.run) };
    },
    async listRunItems({ params, query, caller }) {
      const { tenant } = await requireRun(db, caller, params.run);
      const { state, operation, kind, code, limit } = query;
      const after = decodeCursor(query.cursor, ['number']);
      const rows = await listRunItemPage(db, { run: params.run, tenant, state, operation, kind, code, after, limit });
      return { status: 200, body: toPage(rows, limit, { item: toRunItem, key: (row) => [row.no] }) };
    },
    async decideRun({ params, body, caller, note }) {
      const { integration, tenant } = await requireRun(db, caller, params.run);
      const { decision, operation, items } = body;
      note({ tenant, integration, object: { run: params.run, decision, operation, items: items?.length } });
      if ((items || operation) && decision !== 'approve' && decision !== 'reject') {
        const field = items ? 'items' : 'operation';
        throw new AppError('REQUEST_INVALID', `body: ${field}: only approve and reject take it`, { field });
      }
      const run = await show(params.run);
      if (integration === null) throw new AppError('RUN_STATE', 'a replay of the topic is not decided about');
      if (['done', 'cancelled', 'failed'].includes(run.state))
        throw new AppError('RUN_STATE', `the run is ${run.state}`);
      const payload = {
        integration,
        run: params.run,
        decision,
        ...(items ? { items: items.map(withHash) } : {}),
        ...(operation ? { operation } : {}),
        by: caller.name,
      };
      const asked = await commands.ask({ addressee: 'learningbank-sink', kind: 'run.decide', payload });
      const body_ = { command: asked.id, run: await show(params.run) };
      return { status: asked.state === 'done' ? 200 : 202, body: body_ };
    },
    async listReplays({ query, caller }) {
      return { status: 200, body: await runPage(query, { integration: null, tenants: caller.tenants }) };
    },
    async startReplay({ body, caller, note }) {
      note({ tenant: visible(caller, body.tenant), object: { what: body.what, tenant: body.tenant } });
      return toReply(await commands.ask(await replayCommand(deps, body, caller)));
    },
    async getCommand({ params, caller }) {
      const row = await readCommandRow(db, params.command);
      if (!row || !maySee(caller, await commandTenant(db, row))) throw notFound('command');
      return { status: 200, body: toCommand(row) };
    },
  };
}

const withHash = <
  T extends { readonly kind: 'unit' | 'role' | 'person'; readonly id: string; readonly hash?: string | undefined },
>({
  kind,
  id,
  hash,
}: T) => ({ kind, id, ...(hash === undefined ? {} : { hash }) });

/** A run that is to be undone is of the same integration. */
async function checkScope({ db }: Deps, scope: RunScope, integration: string): Promise<void> {
  if (!('run' in scope)) return;
  const { rows } = await db.raw<{ rows: unknown[] }>(`select from sink.run where id = ? and integration_id = ?`, [
    scope.run,
    integration,
  ]);
  if (rows.length === 0) throw notFound('scope.run');
}

/** The new version of the settings that a run of kind `settings` plans. */
async function settingsOf(
  deps: Deps,
  request: {
    readonly id: string;
    readonly caller: Caller;
    readonly body: { readonly kind: string; readonly settings?: Parameters<typeof mergeSettings>[1] | undefined };
  },
): Promise<{ readonly settingsVersion?: number }> {
  const { id, caller, body } = request;
  if (body.kind !== 'settings') {
    if (body.settings === undefined) return {};
    throw new AppError('REQUEST_INVALID', 'body: settings: only runs of kind settings take it', { field: 'settings' });
  }
  requireAdmin(caller, 'an edit of settings');
  if (!body.settings) throw new AppError('REQUEST_INVALID', 'body: settings: is missing', { field: 'settings' });
  const read = await readSettingsVersions(deps.db, id);
  const base = read && (await readSettings(deps.db, id, read.version));
  if (!read || !base) throw notFound('integration');
  const settings = mergeSettings(base, body.settings);
  checkSettings(settings);
  await checkPlatform(deps, id, settings);
  const settingsVersion = await insertSettings(deps.db, { integration: id, settings, by: caller.name });
  if (settingsVersion === undefined) throw notFound('integration');
  return { settingsVersion };
}

async function replayCommand(
  { db }: Deps,
  body: {
    readonly what: 'facts' | 'renormalise' | 'accept_topic';
    readonly tenant?: string | undefined;
    readonly from?: string | undefined;
  },
  caller: Caller,
): Promise<Command> {
  const by = caller.name;
  if (body.what !== 'facts') {
    for (const field of ['tenant', 'from'] as const) {
      if (body[field] !== undefined)
        throw new AppError('REQUEST_INVALID', `body: ${field}: only facts takes it`, { field });
    }
  }
  if (body.tenant === undefined) {
    requireAdmin(caller, 'what is about all tenants');
    requireAllTenants(caller);
  } else await requireTenant(db, caller, body.tenant);
  if (body.what === 'renormalise') return { addressee: 'normalizer', kind: 'renormalise', payload: { by } };
  if (body.what === 'accept_topic') return { addressee: 'learningbank-sink', kind: 'topic.accept', payload: { by } };
  const { tenant, from } = body;
  const payload = { ...(tenant === undefined ? {} : { tenant }), ...(from === undefined ? {} : { from }), by };
  return { addressee: 'learningbank-sink', kind: 'replay', payload };
}
