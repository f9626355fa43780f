import { randomBytes } from 'node:crypto';
import type { Channel, ChannelSet, Finding } from '@orgstream/control-api';
import { AppError } from '@orgstream/core';
import {
  changeChannel,
  insertChannel,
  readChannel,
  removeChannel,
  rotateHookSecret,
  type ChannelEdit,
  type ChannelFields,
  type ChannelRow,
} from '@orgstream/database';
import { notFound, requireAdmin, requireIntegration, type IntegrationHead } from '../access.ts';
import { toReply } from '../command-wait.ts';
import type { Deps } from '../deps.ts';
import { stale } from '../http/etag.ts';
import type { Handlers } from '../http/request.ts';
import { readChannelView } from '../stores/channel-store.ts';
import { verifyChannel } from '../verify-channel.ts';
import { trySender, type Sender } from '../ziik-sender.ts';

type Mine =
  | 'getChannel'
  | 'putChannel'
  | 'changeChannel'
  | 'removeChannel'
  | 'verifyChannel'
  | 'rotateHookSecret'
  | 'testNotification';

/** What an operator may set; all else decides who speaks for the tenant, and through which door. */
const operatorFields: readonly string[] = ['enabled', 'quiet', 'quietDuringRuns'];

export function channelHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db, commands } = deps;
  return {
    async getChannel({ params, caller }) {
      await requireIntegration(db, caller, params.integration);
      const channel = await show(deps, params.integration);
      return { status: 200, body: channel, etag: `${channel.version}` };
    },

    async putChannel({ params, body, caller, ifMatch, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { sender, ...fields } = { ...body, ziikUrl: bare(body.ziikUrl) };
      note({ tenant: head.tenant, integration: head.id, object: { ...fields, sender: 'given' } });
      deps.checkVendorUrl('ziikUrl', fields.ziikUrl);
      const old = await readChannel(db, head.id);
      checkMatch(old, ifMatch);
      const tried = await trySender(deps, head, { ziikUrl: fields.ziikUrl, sender });
      const hook = hookFor(deps, fields.intake, old);
      const set = { ...fields, sender: sealed(deps, tried.id, sender), hookSecret: hook?.sealed };
      const key = { integration: head.id, by: caller.name };
      await write(deps, key, old, set);
      return { status: old ? 200 : 201, ...(await answer(deps, head.id, hook?.secret, tried.findings)) };
    },

    async changeChannel({ params, body, caller, ifMatch, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { sender, ...edit } = body;
      note({
        tenant: head.tenant,
        integration: head.id,
        object: { ...edit, ...(sender ? { sender: 'given' } : {}) },
      });
      for (const field of Object.keys(body)) if (!operatorFields.includes(field)) requireAdmin(caller, field);
      const old = await requireChannel(deps, head);
      checkMatch(old, ifMatch);
      deps.checkVendorUrl('ziikUrl', edit.ziikUrl);
      const ziikUrl = edit.ziikUrl === undefined ? old.ziik_url : bare(edit.ziikUrl);
      // The password that is stored was given for the address that is stored.
      if (ziikUrl !== old.ziik_url && !sender) {
        throw new AppError('REQUEST_INVALID', 'body: sender: a new ziikUrl takes the sender with it', {
          field: 'sender',
        });
      }
      const tried = sender && (await trySender(deps, head, { ziikUrl, sender }));
      const hook = hookFor(deps, edit.intake ?? old.intake, old);
      await write(deps, { integration: head.id, by: caller.name }, old, {
        ...edit,
        ziikUrl,
        ...(tried && sender ? { sender: sealed(deps, tried.id, sender) } : {}),
        hookSecret: hook?.sealed,
      });
      return { status: 200, ...(await answer(deps, head.id, hook?.secret, tried?.findings ?? [])) };
    },

    async removeChannel({ params, caller, ifMatch, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      note({ tenant: head.tenant, integration: head.id });
      const old = await requireChannel(deps, head);
      checkMatch(old, ifMatch);
      if (!(await removeChannel(db, head.id, old.version))) throw stale();
      return { status: 204 };
    },

    async verifyChannel({ params, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      note({ tenant: head.tenant, integration: head.id });
      const findings = await verifyChannel(deps, head, await requireChannel(deps, head));
      return { status: 200, body: { ok: !findings.some(({ level }) => level === 'error'), findings } };
    },

    async rotateHookSecret({ params, body, caller, ifMatch, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      note({ tenant: head.tenant, integration: head.id, object: { keepOldS: body.keepOldS } });
      const old = await requireChannel(deps, head);
      checkMatch(old, ifMatch);
      const made = makeHookSecret(deps);
      const key = { integration: head.id, by: caller.name, version: old.version };
      const rotated = await rotateHookSecret(db, key, { secret: made.sealed, keepOldS: body.keepOldS });
      if (!rotated) throw stale();
      const { version, until } = rotated;
      const oldHookSecretUntil = until?.toISOString() ?? null;
      return { status: 200, body: { hookSecret: made.secret, oldHookSecretUntil, version }, etag: `${version}` };
    },

    async testNotification({ params, body, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { person, type } = body;
      note({ tenant: head.tenant, integration: head.id, object: { person, type } });
      await requireChannel(deps, head);
      const payload = { integration: head.id, person, ...(type === undefined ? {} : { type }), by: caller.name };
      return toReply(await commands.ask({ addressee: 'notification-bridge', kind: 'notification.test', payload }));
    },
  };
}

/** The channel of an integration that the caller may see. */
export async function requireChannel({ db }: Deps, { id }: Pick<IntegrationHead, 'id'>): Promise<ChannelRow> {
  const channel = await readChannel(db, id);
  if (!channel) throw notFound('channel');
  return channel;
}

async function show({ db }: Deps, id: string): Promise<Channel> {
  const channel = await readChannelView(db, id);
  if (!channel) throw notFound('channel');
  return channel;
}

async function answer(
  deps: Deps,
  id: string,
  hookSecret: string | undefined,
  findings: Finding[],
): Promise<{ readonly body: ChannelSet; readonly etag: string }> {
  const channel = await show(deps, id);
  return { body: { channel, hookSecret: hookSecret ?? null, findings }, etag: `${channel.version}` };
}

/** What is there is changed by who has read it; where nothing is there, nobody has. */
function checkMatch(old: ChannelRow | undefined, ifMatch: string | null): void {
  if (ifMatch === null && old) {
    throw new AppError('PRECONDITION_REQUIRED', 'If-Match is missing: there is a channel', { field: 'If-Match' });
  }
  if (ifMatch !== null && ifMatch !== `${old?.version}`) throw stale();
}

async function write(
  { db }: Deps,
  key: { readonly integration: string; readonly by: string },
  old: ChannelRow | undefined,
  fields: ChannelFields | ChannelEdit,
): Promise<void> {
  const done = old
    ? (await changeChannel(db, { ...key, version: old.version }, fields)) !== undefined
    : await insertChannel(db, key, fields as ChannelFields);
  if (!done) throw stale();
}

const bare = (url: string): string => url.replace(/\/+$/, '');

function sealed({ secrets }: Deps, id: number, { email, password }: Sender): ChannelFields['sender'] {
  return { id, secret: secrets.seal(JSON.stringify({ username: email, password })) };
}

interface HookSecret {
  readonly secret: string;
  readonly sealed: ReturnType<Deps['secrets']['seal']>;
}

/** One is made where the hook is to be open and there is none. */
function hookFor(deps: Deps, intake: 'hook' | 'poll', old: ChannelRow | undefined): HookSecret | undefined {
  return intake === 'hook' && (old?.hook_secret_id ?? null) === null ? makeHookSecret(deps) : undefined;
}

function makeHookSecret({ secrets }: Deps): HookSecret {
  const secret = `osh_${randomBytes(32).toString('base64url')}`;
  return { secret, sealed: secrets.seal(secret) };
}
