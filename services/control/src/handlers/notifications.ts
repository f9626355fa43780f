import type { ConversationDetail, NotificationType } from '@orgstream/control-api';
import { AppError, chooseText, renderTemplate, validateTemplate } from '@orgstream/core';
import { forgetCommand, writeNotificationSetting } from '@orgstream/database';
import { z } from 'zod';
import { notFound, requireIntegration } from '../access.ts';
import { toReply } from '../command-wait.ts';
import type { Deps } from '../deps.ts';
import { decodeCursor, toPage } from '../http/cursor.ts';
import { stale } from '../http/etag.ts';
import type { Handlers } from '../http/request.ts';
import {
  listConversationPage,
  listNotificationPage,
  readNotification,
  toConversation,
  toNotification,
} from '../stores/notification-store.ts';
import { readNotificationTypes, toType } from '../stores/notification-type-store.ts';
import { unknownFields } from '../verify-channel.ts';
import { requireChannel } from './channel.ts';

type Mine =
  | 'listNotificationTypes'
  | 'getNotificationType'
  | 'changeNotificationType'
  | 'previewNotificationType'
  | 'listNotifications'
  | 'getNotification'
  | 'retryNotification'
  | 'listConversations'
  | 'readConversation';

export function notificationHandlers(deps: Deps): Pick<Handlers, Mine> {
  const { db, commands } = deps;
  return {
    async listNotificationTypes({ params, query, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      const after = decodeCursor(query.cursor, ['text'])?.[0] ?? '';
      const { readAt, types } = await readNotificationTypes(db, id);
      const rows = types.filter(({ type }) => type > after);
      const page = toPage(rows, query.limit, { key: ({ type }) => [type], item: (type) => type });
      return { status: 200, body: { ...page, readAt: readAt?.toISOString() ?? null } };
    },

    async getNotificationType({ params, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      const body = await requireType(deps, id, params.type);
      return { status: 200, body, etag: `${body.version}` };
    },

    async changeNotificationType({ params, body, caller, ifMatch, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { type } = params;
      const languages = body.texts && Object.keys(body.texts);
      note({ tenant: head.tenant, integration: head.id, object: { type, enabled: body.enabled, languages } });
      await requireChannel(deps, head);
      const old = await requireType(deps, head.id, type);
      if (ifMatch !== `${old.version}`) throw stale();
      checkTexts(body.texts ?? {});
      const texts = mergeTexts(old.texts, body.texts ?? {});
      const enabled = body.enabled ?? old.enabled;
      const setting = { integration: head.id, type, version: old.version, enabled, texts, by: caller.name };
      const row = await writeNotificationSetting(db, setting);
      if (!row) throw stale();
      const vendor = {
        key: type,
        name: old.name,
        mandatory: old.mandatory,
        body: old.body,
        ...(old.enabledInLearningbank === null ? {} : { enabled: old.enabledInLearningbank }),
      };
      const notificationType = toType(type, vendor, row);
      const warnings = Object.entries(texts).flatMap(([language, text]) =>
        unknownFields(text, old.fields).map((warning) => `${language}: ${warning}`),
      );
      return { status: 200, body: { notificationType, warnings }, etag: `${row.version}` };
    },

    async previewNotificationType({ params, body, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      note({ tenant: head.tenant, integration: head.id, object: { type: params.type, language: body.language } });
      const channel = await requireChannel(deps, head);
      const type = await requireType(deps, head.id, params.type);
      if (body.text !== undefined) checkTexts({ text: body.text }, 'text');
      const chosen = chooseText({
        texts: type.texts,
        language: body.language ?? channel.default_language,
        defaultLanguage: channel.default_language,
        body: type.body,
        name: type.name ?? type.type,
      });
      const { text, warnings } = renderTemplate(body.text ?? chosen.template, {
        ...samplesOf(type.fields),
        ...body.fields,
      });
      return {
        status: 200,
        body: {
          text,
          warnings: [...warnings],
          from: body.text === undefined ? chosen.from : 'given',
          usedLanguage: body.text === undefined ? chosen.language : null,
        },
      };
    },

    async listNotifications({ params, query, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      const { state, code, type, receiver, person, limit } = query;
      const before = decodeCursor(query.cursor, ['number'])?.[0];
      const filter = { integration: id, state, code, type, receiver, person, before, limit };
      const rows = await listNotificationPage(db, filter);
      return { status: 200, body: toPage(rows, limit, { item: toNotification, key: (row) => [row.id] }) };
    },

    async getNotification({ params, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      const body = await readNotification(db, id, params.notification);
      if (!body) throw notFound('notification');
      return { status: 200, body };
    },

    async retryNotification({ params, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      note({ tenant: head.tenant, integration: head.id, object: { notification: params.notification } });
      if (!(await readNotification(db, head.id, params.notification))) throw notFound('notification');
      const payload = { integration: head.id, id: params.notification, by: caller.name };
      return toReply(await commands.ask({ addressee: 'notification-bridge', kind: 'notification.retry', payload }));
    },

    async listConversations({ params, query, caller }) {
      const { id } = await requireIntegration(db, caller, params.integration);
      const after = decodeCursor(query.cursor, ['text'])?.[0];
      const rows = await listConversationPage(db, { integration: id, after, limit: query.limit });
      return { status: 200, body: toPage(rows, query.limit, { item: toConversation, key: (row) => [row.person] }) };
    },

    async readConversation({ params, query, caller, note }) {
      const head = await requireIntegration(db, caller, params.integration);
      const { person } = params;
      note({ tenant: head.tenant, integration: head.id, object: { person } });
      await requireChannel(deps, head);
      const name = await nameOf(deps, head.tenant, person);
      const read = await readAtZiik(deps, { integration: head.id, person, limit: query.limit });
      return { status: 200, body: { person, name, ...read } };
    },
  };
}

async function requireType({ db }: Deps, integration: string, type: string): Promise<NotificationType> {
  const { types, readAt } = await readNotificationTypes(db, integration);
  const found = types.find((one) => one.type === type);
  if (found) return found;
  // Before Learningbank was asked nobody knows which there are: a text may be written in advance.
  if (readAt !== null) throw notFound('notification type');
  return toType(type, undefined, undefined);
}

/** TEMPLATE_INVALID names the text and what is wrong with it. */
function checkTexts(texts: Readonly<Record<string, string | null>>, within = 'texts'): void {
  for (const [language, text] of Object.entries(texts)) {
    const problem = text === null ? undefined : validateTemplate(text)[0];
    if (!problem) continue;
    const field = within === 'texts' ? `texts.${language}` : within;
    throw new AppError('TEMPLATE_INVALID', `body: ${field}: ${problem.message}`, { field });
  }
}

function mergeTexts(
  old: Readonly<Record<string, string>>,
  edit: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = { ...old, ...edit };
  return Object.fromEntries(Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null));
}

const samples: Readonly<Record<string, string>> = {
  firstName: 'Anna',
  lastName: 'Andersen',
  platformName: 'Academy',
  moduleName: 'Safety first',
  eventName: 'Welcome day',
  deadline: '2026-12-31',
  link: 'https://academy.example/courses/12',
};

const samplesOf = (fields: readonly string[]): Record<string, string> =>
  Object.fromEntries(fields.map((field) => [field, samples[field] ?? `‹${field}›`]));

async function nameOf({ db }: Deps, tenant: string, person: string): Promise<string | null> {
  const { rows } = await db.raw<{ rows: { name: string | null }[] }>(
    `select nullif(trim(concat_ws(' ', first_name, last_name)), '') as name from sink.person where tenant = ? and id = ?`,
    [tenant, person],
  );
  return rows[0]?.name ?? null;
}

/** What the bridge answers to `conversation.read`. */
const Read = z.object({
  conversation: z.int().nullable(),
  messages: z.array(
    z.object({
      id: z.int(),
      atMs: z.number(),
      from: z.enum(['sender', 'receiver', 'system']),
      text: z.string(),
      deleted: z.boolean(),
    }),
  ),
});

const authors = { sender: 'sender', receiver: 'person', system: 'other' } as const;

/** A read of several calls; there is no 202 for it, as its answer is kept nowhere. */
const READ_MS = 10_000;

/** Asks the bridge, and forgets the answer: what people write is kept nowhere. */
async function readAtZiik(
  { db, commands }: Deps,
  payload: { readonly integration: string; readonly person: string; readonly limit: number },
): Promise<Pick<ConversationDetail, 'conversation' | 'messages'>> {
  const command = { addressee: 'notification-bridge', kind: 'conversation.read', payload } as const;
  const asked = await commands.ask(command, READ_MS);
  // Also when it is still under way: what is read then has no row to be kept in.
  await forgetCommand(db, asked.id);
  if (asked.state !== 'done') {
    throw new AppError('COMMAND_UNANSWERED', 'reading the conversation: the bridge did not answer in time', {
      waitMs: 1_000,
    });
  }
  const { conversation, messages } = Read.parse(asked.result);
  return {
    conversation,
    messages: messages
      .map(({ id, atMs, from, text, deleted }) => ({
        id,
        at: new Date(atMs).toISOString(),
        from: authors[from],
        text,
        deleted,
      }))
      .sort((a, b) => a.id - b.id),
  };
}
