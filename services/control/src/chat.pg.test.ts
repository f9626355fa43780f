import type { Client, Input } from '@orgstream/control-api';
import type { ErrorCode } from '@orgstream/core';
import { createSecretBox } from '@orgstream/runtime';
import { forgetHookSecrets } from '@orgstream/database';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runBridge } from './chat-fixture.ts';
import { ControlContext, secretKey, type TenantFixture } from './fixture.ts';
import { senderOf } from './ziik-fixture.ts';

let ctx: ControlContext;
let ours: TenantFixture;
let admin: Client;
let params: { readonly integration: string };
let site = 100;

beforeAll(async () => {
  ctx = await ControlContext.open({ CONTROL_WAIT_MS: 5_000, CONTROL_REFUSED_PER_MINUTE: 1_000 });
  admin = await ctx.client('admin');
});
afterAll(() => ctx?.[Symbol.asyncDispose]());
beforeEach(async () => {
  ours = await ctx.addTenant(`eu1.${(site += 1)}`);
  params = { integration: ours.integration };
});

const code = (expected: ErrorCode, data: Record<string, unknown> = {}) =>
  expect.objectContaining({ code: expected, data: expect.objectContaining(data) });
const codesOf = (findings: readonly { readonly code: string }[]): string[] => findings.map((one) => one.code).sort();
const put = (body: Record<string, unknown> = {}, ifMatch?: number) =>
  admin.putChannel({
    params,
    body: { ziikUrl: ctx.ziik.urlOf(ours.tenant), sender: senderOf, ...body },
    ...(ifMatch === undefined ? {} : { ifMatch }),
  });
/** How many secrets there are that nothing refers to. */
async function orphans(): Promise<number> {
  const { rows } = await ctx.db.raw<{ rows: { n: number }[] }>(
    `select count(*)::int as n from control.secret s
      where not exists (select from control.integration i where i.secret_id = s.id)
        and not exists (select from cdc.source c where c.url_secret_id = s.id)
        and not exists (select from control.channel c
                         where s.id in (c.sender_secret_id, c.hook_secret_id, c.old_hook_secret_id))`,
  );
  return rows[0]!.n;
}
const secretsOf = async (): Promise<{ sender: string; hook: string | null; old: string | null }> => {
  const box = createSecretBox(secretKey);
  const { rows } = await ctx.db.raw<{ rows: { name: string; key_id: string; sealed: Buffer }[] }>(
    `select v.name, s.key_id, s.sealed from control.channel c
      cross join lateral (values ('sender', c.sender_secret_id), ('hook', c.hook_secret_id), ('old', c.old_hook_secret_id)) v (name, id)
       join control.secret s on s.id = v.id where c.integration_id = ?`,
    [ours.integration],
  );
  const opened = Object.fromEntries(rows.map((row) => [row.name, box.open({ keyId: row.key_id, sealed: row.sealed })]));
  return { sender: opened['sender'] ?? '', hook: opened['hook'] ?? null, old: opened['old'] ?? null };
};

describe('setting up a channel', () => {
  beforeEach(() => admin.removeChannel({ params, ifMatch: 1 }));

  test('tries the sender first, seals it, and shows the hook secret once', async () => {
    const { channel, hookSecret, findings } = await put();
    expect(channel).toMatchObject({ version: 1, enabled: true, intake: 'hook', sender: { id: 900 }, quiet: false });
    expect(channel.hookPath).toBe(`/hooks/learningbank/${ours.integration}`);
    expect(hookSecret).toMatch(/^osh_[\w-]{43}$/);
    expect(findings).toEqual([]);
    const stored = await secretsOf();
    expect(stored.hook).toBe(hookSecret);
    expect(JSON.parse(stored.sender)).toEqual({ username: senderOf.email, password: senderOf.password });
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select encode(sealed, 'escape') from control.secret`);
    const { rows: audit } = await ctx.db.raw<{ rows: unknown[] }>(`select * from control.audit`);
    const seen = JSON.stringify([await admin.getChannel({ params }), rows, audit, ctx.logs]);
    for (const secret of [hookSecret!, senderOf.password, senderOf.email]) expect(seen).not.toContain(secret);
  });

  test.each([
    ['a wrong password', { sender: { ...senderOf, password: 'wrong' } }, 'ZIIK_AUTH_FAILED', 'sender'],
    ['a Ziik that does not answer', { ziikUrl: 'http://127.0.0.1:9' }, 'ZIIK_UNREACHABLE', 'sender'],
  ] as const)('is refused with %s, and leaves nothing', async (_, body, expected, field) => {
    await expect(put(body)).rejects.toEqual(code(expected, { status: 409, field }));
    await expect(admin.getChannel({ params })).rejects.toEqual(code('NOT_FOUND'));
    expect(await orphans()).toBe(0);
  });

  test('is refused for an inactive sender, and for the Ziik of another tenant', async () => {
    ctx.ziik.site(ours.tenant).active = false;
    await expect(put()).rejects.toEqual(code('REQUEST_INVALID', { field: 'sender' }));
    await expect(put({ ziikUrl: ctx.ziik.urlOf('eu1.999') })).rejects.toEqual(
      code('REQUEST_INVALID', { field: 'ziikUrl' }),
    );
  });

  test('tells what is unwise', async () => {
    Object.assign(ctx.ziik.site(ours.tenant), { admin: true, chat: false });
    expect(codesOf((await put()).findings)).toEqual(['CHAT_MODULE_OFF', 'SENDER_IS_ADMINISTRATOR']);
  });

  test('of two who do it at once one has done it, and no secret is left over', async () => {
    const all = await Promise.allSettled([put(), put(), put()]);
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await orphans()).toBe(0);
  });

  test('a polled one has no hook secret until its intake is the hook', async () => {
    const { hookSecret } = await put({ intake: 'poll' });
    expect(hookSecret).toBeNull();
    const changed = await admin.changeChannel({ params, body: { intake: 'hook' }, ifMatch: 1 });
    expect((await secretsOf()).hook).toBe(changed.hookSecret);
    const again = await admin.changeChannel({ params, body: { intake: 'poll' }, ifMatch: 2 });
    expect(again).toMatchObject({ hookSecret: null, channel: { intake: 'poll', version: 3 } });
  });
});

describe('changing a channel', () => {
  test('replacing takes the version that was read, and keeps the hook secret', async () => {
    const before = await secretsOf();
    await expect(put()).rejects.toEqual(code('PRECONDITION_REQUIRED', { status: 428 }));
    await expect(put({}, 7)).rejects.toEqual(code('PRECONDITION_FAILED', { status: 412 }));
    const { channel, hookSecret } = await put({ quiet: true, maxAgeS: 3_600 }, 1);
    expect([channel.version, channel.quiet, channel.maxAgeS, hookSecret]).toEqual([2, true, 3_600, null]);
    expect((await secretsOf()).hook).toBe(before.hook);
    expect(await orphans()).toBe(0);
  });

  test('of two who read the same one wins', async () => {
    const all = await Promise.allSettled(
      [{ quiet: true }, { enabled: false }, { maxAgeS: 60 }].map((body) =>
        admin.changeChannel({ params, body, ifMatch: 1 }),
      ),
    );
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await admin.getChannel({ params })).toMatchObject({ version: 2 });
  });

  test('a stored password is never sent to another address', async () => {
    const stranger = ctx.ziik.urlOf('eu1.666');
    await expect(admin.changeChannel({ params, body: { ziikUrl: stranger }, ifMatch: 1 })).rejects.toEqual(
      code('REQUEST_INVALID', { field: 'sender' }),
    );
    const same = await admin.changeChannel({
      params,
      body: { ziikUrl: `${ctx.ziik.urlOf(ours.tenant)}/` },
      ifMatch: 1,
    });
    expect(same.channel.ziikUrl).toBe(ctx.ziik.urlOf(ours.tenant));
  });

  test('an operator makes it quiet, and does not choose who speaks', async () => {
    const operator = await ctx.client('operator', [ours.tenant]);
    for (const body of [{ sender: senderOf }, { intake: 'poll' }, { maxAgeS: 60 }] as const) {
      await expect(operator.changeChannel({ params, body: { ...body, quiet: true }, ifMatch: 1 })).rejects.toEqual(
        code('ROLE_TOO_LOW'),
      );
    }
    const { channel } = await operator.changeChannel({ params, body: { quiet: true }, ifMatch: 1 });
    expect(channel).toMatchObject({ quiet: true, version: 2, changedBy: 'operator of a test' });
  });

  test('switched on again it sends nothing of the time when it was off; other changes keep nothing back', async () => {
    const { since } = await admin.getChannel({ params });
    const off = await admin.changeChannel({ params, body: { enabled: false, quiet: true }, ifMatch: 1 });
    expect(off.channel.since).toBe(since);
    const on = await admin.changeChannel({ params, body: { enabled: true }, ifMatch: 2 });
    expect(Date.parse(on.channel.since)).toBeGreaterThan(Date.parse(since));
    const again = await admin.changeChannel({ params, body: { enabled: true, quiet: false }, ifMatch: 3 });
    expect(again.channel.since).toBe(on.channel.since);
  });

  test('a new sender is tried, and the old credentials are erased', async () => {
    const wrong = { ...senderOf, password: 'nope' };
    await expect(admin.changeChannel({ params, body: { sender: wrong }, ifMatch: 1 })).rejects.toEqual(
      code('ZIIK_AUTH_FAILED', { field: 'sender' }),
    );
    await admin.changeChannel({ params, body: { sender: senderOf }, ifMatch: 1 });
    expect(await orphans()).toBe(0);
  });

  test('removing it leaves no secret and no text, and the ledger', async () => {
    await admin.removeChannel({ params, ifMatch: 1 });
    expect(await orphans()).toBe(0);
    expect((await admin.listNotifications({ params })).items).toHaveLength(7);
    const { items } = await admin.listNotificationTypes({ params });
    expect(items.find(({ type }) => type === 'module.assigned')).toMatchObject({ texts: {}, version: 0 });
  });
});

describe('the hook secret', () => {
  test('is rotated: the old one is good for a while, the one before is erased', async () => {
    const first = (await secretsOf()).hook;
    const one = await admin.rotateHookSecret({ params, body: {}, ifMatch: 1 });
    expect(await secretsOf()).toMatchObject({ hook: one.hookSecret, old: first });
    expect(Date.parse(one.oldHookSecretUntil!) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    const two = await admin.rotateHookSecret({ params, body: { keepOldS: 60 }, ifMatch: one.version });
    expect(await secretsOf()).toMatchObject({ hook: two.hookSecret, old: one.hookSecret });
    expect(await orphans()).toBe(0);
    expect(await admin.getChannel({ params })).toMatchObject({ oldHookSecretUntil: two.oldHookSecretUntil });
  });

  test('of two who rotate it at once one has, and the secret that Learningbank has is still taken', async () => {
    const first = (await secretsOf()).hook;
    const all = await Promise.allSettled([1, 2, 3].map(() => admin.rotateHookSecret({ params, body: {}, ifMatch: 1 })));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await secretsOf()).old).toBe(first);
    await expect(admin.rotateHookSecret({ params, body: {}, ifMatch: 1 })).rejects.toEqual(
      code('PRECONDITION_FAILED', { status: 412 }),
    );
    const without = { params, body: {} } as unknown as Parameters<Client['rotateHookSecret']>[0];
    await expect(admin.rotateHookSecret(without)).rejects.toEqual(code('PRECONDITION_REQUIRED', { status: 428 }));
    expect(await admin.getChannel({ params })).toMatchObject({ version: 2 });
    expect(await orphans()).toBe(0);
  });

  test('that has leaked is good no longer', async () => {
    const { hookSecret, oldHookSecretUntil } = await admin.rotateHookSecret({
      params,
      body: { keepOldS: 0 },
      ifMatch: 1,
    });
    expect(oldHookSecretUntil).toBeNull();
    expect(await secretsOf()).toMatchObject({ hook: hookSecret, old: null });
    expect(await orphans()).toBe(0);
  });

  test('that is no longer taken is erased in the end, and no other', async () => {
    await admin.rotateHookSecret({ params, body: {}, ifMatch: 1 });
    await forgetHookSecrets(ctx.db);
    expect((await secretsOf()).old).not.toBeNull();
    await ctx.db.raw(
      `update control.channel set old_hook_secret_until = now() - interval '1 s' where integration_id = ?`,
      [ours.integration],
    );
    expect(await admin.getChannel({ params })).toMatchObject({ oldHookSecretUntil: null });
    await forgetHookSecrets(ctx.db);
    expect((await secretsOf()).old).toBeNull();
    expect(await orphans()).toBe(0);
  });

  test('a repeated request is given the same one, and it is kept sealed', async () => {
    const ask = () => admin.rotateHookSecret({ params, body: {}, ifMatch: 1, idempotencyKey: `rotate-${site}` });
    const [one, two] = [await ask(), await ask()];
    expect(two).toEqual(one);
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select response from control.idempotency`);
    expect(JSON.stringify(rows)).not.toContain(one.hookSecret);
  });
});

describe('verifying a channel', () => {
  test('finds texts with fields that the type does not have', async () => {
    const { ok, findings } = await admin.verifyChannel({ params });
    expect([ok, codesOf(findings)]).toEqual([true, ['TEXT_FIELDS_UNKNOWN']]);
  });

  test('finds a sender that was changed in Ziik, and a module that is off', async () => {
    Object.assign(ctx.ziik.site(ours.tenant), { active: false, admin: true, chat: false, identifier: 'another' });
    const { ok, findings } = await admin.verifyChannel({ params });
    expect(ok).toBe(false);
    expect(codesOf(findings)).toEqual([
      'CHAT_MODULE_OFF',
      'SENDER_INACTIVE',
      'SENDER_IS_ADMINISTRATOR',
      'TEXT_FIELDS_UNKNOWN',
      'ZIIK_OF_ANOTHER_TENANT',
    ]);
  });

  test('finds a hook without a secret that can be read, and an intake that never had anything', async () => {
    await ctx.db.raw(
      `update control.secret set sealed = '\\x00' where id = (select hook_secret_id from control.channel where integration_id = ?)`,
      [ours.integration],
    );
    await ctx.db.raw(`update edge.intake set received_at = null, types = null, types_read_at = null`);
    const { ok, findings } = await admin.verifyChannel({ params });
    expect(ok).toBe(false);
    expect(codesOf(findings)).toEqual([
      'NOTHING_RECEIVED',
      'SECRET_UNREADABLE',
      'TEXT_FIELDS_UNKNOWN',
      'TYPES_UNKNOWN',
    ]);
  });

  test('finds that Learningbank sends nothing to Ziik', async () => {
    await ctx.db.raw(`update edge.intake set types = '[{"key": "module.assigned", "enabled": false}]'`);
    expect(codesOf((await admin.verifyChannel({ params })).findings)).toContain('TYPES_ALL_OFF');
  });

  test('is part of verifying the integration, with who may sign people in', async () => {
    const before = codesOf((await admin.verifyIntegration({ params })).findings);
    expect(before).toEqual(expect.arrayContaining(['ISSUER_MISSING', 'TEXT_FIELDS_UNKNOWN']));
    await admin.changeLogin({ params, body: { enabled: false }, ifMatch: 0 });
    const after = codesOf((await admin.verifyIntegration({ params })).findings);
    expect(after).not.toContain('ISSUER_MISSING');
  });
});

describe('notification types', () => {
  const byType = () => ({ ...params, type: 'module.assigned' });

  test("are Learningbank's with our switch and texts, page by page", async () => {
    const { items, readAt } = await admin.listNotificationTypes({ params });
    expect(readAt).not.toBeNull();
    expect(
      items.map(({ type, enabled, enabledInLearningbank, version }) => [type, enabled, enabledInLearningbank, version]),
    ).toEqual([
      ['module.assigned', true, true, 1],
      ['user.activation', true, false, 0],
    ]);
    const first = await admin.listNotificationTypes({ params, query: { limit: 1 } });
    const second = await admin.listNotificationTypes({ params, query: { limit: 1, cursor: first.next! } });
    expect([...first.items, ...second.items]).toEqual(items);
    expect(second.next).toBeNull();
  });

  test('are switched and edited: what is left out stays, null removes', async () => {
    const { notificationType, warnings } = await admin.changeNotificationType({
      params: byType(),
      body: { enabled: false, texts: { sv: 'Hej {{firstName}}', en: null } },
      ifMatch: 1,
    });
    expect(notificationType).toMatchObject({ enabled: false, version: 2, changedBy: 'admin of a test' });
    expect(Object.keys(notificationType.texts).sort()).toEqual(['da', 'sv']);
    expect(warnings).toEqual([]);
    expect(await admin.getNotificationType({ params: byType() })).toEqual(notificationType);
    const edit = { params: byType(), body: { enabled: true }, ifMatch: 1 };
    await expect(admin.changeNotificationType(edit)).rejects.toEqual(code('PRECONDITION_FAILED'));
  });

  test('of two who edit the same one wins, the first time too', async () => {
    const type = 'user.activation';
    const edit = (text: string) =>
      admin.changeNotificationType({ params: { ...params, type }, body: { texts: { en: text } }, ifMatch: 0 });
    const all = await Promise.allSettled(['a', 'b', 'c'].map(edit));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await admin.getNotificationType({ params: { ...params, type } })).version).toBe(1);
  });

  test('a text with a fault is refused by its field, one with unknown fields is warned of', async () => {
    const edit = (texts: Record<string, string>) =>
      admin.changeNotificationType({ params: byType(), body: { texts }, ifMatch: 1 });
    await expect(edit({ da: 'Hej {{firstName' })).rejects.toEqual(
      code('TEMPLATE_INVALID', { status: 400, field: 'texts.da' }),
    );
    await expect(edit({ '../da': 'Hej' })).rejects.toEqual(code('REQUEST_INVALID'));
    const { warnings } = await edit({ fi: 'Hei {{salary}}', '': 'Hello' });
    expect(warnings.sort()).toEqual([
      'en: nonsense: unknown merge field, left out',
      'fi: salary: unknown merge field, left out',
    ]);
  });

  test('a type that came is one, whatever Learningbank names', async () => {
    await ctx.db.raw(`update bridge.notification set type = 'x.new' where id = ?`, [ours.notification]);
    await ctx.db.raw(`update bridge.notification set type = 'x.test', is_test = true where id = ?`, [
      ours.notification + 1,
    ]);
    const { items } = await admin.listNotificationTypes({ params });
    expect(items.map(({ type }) => type)).toEqual(['module.assigned', 'user.activation', 'x.new']);
  });

  test('a type that Learningbank does not have is none, once it was asked', async () => {
    const other = { ...params, type: 'no.such-type' };
    await expect(admin.getNotificationType({ params: other })).rejects.toEqual(code('NOT_FOUND'));
    await ctx.db.raw(`update edge.intake set types = null, types_read_at = null`);
    const body = { texts: { en: 'In advance' } };
    const { notificationType } = await admin.changeNotificationType({ params: other, body, ifMatch: 0 });
    expect(notificationType).toMatchObject({ type: 'no.such-type', name: null, version: 1 });
  });
});

describe('a preview', () => {
  const preview = (body: NonNullable<Input<'previewNotificationType'>['body']>, type = 'module.assigned') =>
    admin.previewNotificationType({ params: { ...params, type }, body });

  test("is the text in the receiver's language, filled in", async () => {
    expect(await preview({ language: 'da-DK', fields: { firstName: 'Ib', link: 'https://a.example' } })).toEqual({
      text: 'Hej Ib: Safety first https://a.example',
      warnings: [],
      from: 'own',
      usedLanguage: 'da',
    });
    expect(await preview({ language: 'fi' })).toMatchObject({
      text: '',
      warnings: ['nonsense: unknown merge field, left out'],
      usedLanguage: 'en',
    });
  });

  test('of a text that is not stored yet stores nothing', async () => {
    expect(await preview({ text: '{{firstName}} {{firstName}}', fields: { firstName: '{{link}}' } })).toEqual({
      text: '{{link}} {{link}}',
      warnings: [],
      from: 'given',
      usedLanguage: null,
    });
    await expect(preview({ text: '{{a' })).rejects.toEqual(code('TEMPLATE_INVALID', { field: 'text' }));
    expect(await admin.getNotificationType({ params: { ...params, type: 'module.assigned' } })).toMatchObject({
      version: 1,
    });
  });

  test("falls back to Learningbank's text, and to name and link", async () => {
    await admin.changeNotificationType({
      params: { ...params, type: 'module.assigned' },
      body: { texts: { en: null, da: null } },
      ifMatch: 1,
    });
    expect(await preview({})).toMatchObject({ text: 'Hi Anna', from: 'learningbank', usedLanguage: null });
    expect(await preview({}, 'user.activation')).toMatchObject({
      text: 'Activation https://academy.example/courses/12',
      from: 'fallback',
    });
  });
});

describe('the ledger', () => {
  test('is filtered, newest first, without gap or repetition, and without what was said', async () => {
    const seen: number[] = [];
    for (let cursor: string | undefined; ;) {
      const { items, next } = await admin.listNotifications({
        params,
        query: cursor === undefined ? { limit: 3 } : { limit: 3, cursor },
      });
      seen.push(...items.map(({ no }) => no));
      if (next === null) break;
      cursor = next;
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => b - a));
    expect(seen).toHaveLength(7);
    const of = async (query: object) => (await admin.listNotifications({ params, query })).items.map(({ id }) => id);
    expect(await of({ state: 'queued' })).toEqual(['n7', 'n4']);
    expect(await of({ code: 'ZIIK_REFUSED' })).toEqual(['n2']);
    expect(await of({ receiver: '1001' })).toEqual(['n2', 'n1']);
    expect(await of({ person: '4', type: 'module.assigned' })).toEqual(['n5']);
    expect(await of({ type: 'event.reminder' })).toEqual([]);
    const one = await admin.getNotification({ params: { ...params, notification: ours.notification } });
    expect(one).toMatchObject({ id: 'n1', state: 'sent', name: 'Ann1 Secretname', messages: [7001], nextAt: null });
    expect(JSON.stringify(await admin.listNotifications({ params }))).not.toContain('secret.example');
  });

  test('a retry and a test are for the bridge; what it says is the answer', async () => {
    await using _ = runBridge(ctx.db, ({ kind, payload }) => {
      if (kind === 'notification.retry') return { code: 'ACTION_NOT_POSSIBLE', message: 'it was sent' };
      return { result: payload };
    });
    const notification = ours.notification;
    await expect(admin.retryNotification({ params: { ...params, notification } })).rejects.toEqual(
      code('ACTION_NOT_POSSIBLE', { status: 409 }),
    );
    const asked = await admin.testNotification({ params, body: { person: '1', type: 'module.assigned' } });
    expect(asked).toMatchObject({
      state: 'done',
      result: { integration: ours.integration, person: '1', type: 'module.assigned', by: 'admin of a test' },
    });
  });

  test('a notification of another integration is none of this one', async () => {
    const other = await ctx.addTenant(`eu1.${(site += 1)}`);
    const there = { ...params, notification: other.notification };
    await expect(admin.getNotification({ params: there })).rejects.toEqual(code('NOT_FOUND'));
    await expect(admin.retryNotification({ params: there })).rejects.toEqual(code('NOT_FOUND'));
  });
});

describe('conversations', () => {
  test('are those of people who were written to, with how it went last', async () => {
    const { items } = await admin.listConversations({ params });
    expect(items.map((one) => [one.person, one.conversation, one.sent, one.lastState, one.lastCode])).toEqual([
      ['1', 501, 1, 'failed', 'ZIIK_REFUSED'],
      ['2', 502, 1, 'sent', null],
    ]);
    const first = await admin.listConversations({ params, query: { limit: 1 } });
    const second = await admin.listConversations({ params, query: { limit: 1, cursor: first.next! } });
    expect([first.items[0]?.person, second.items[0]?.person, second.next]).toEqual(['1', '2', null]);
  });

  test('are read at Ziik, oldest first, and kept nowhere', async () => {
    await using _ = runBridge(ctx.db);
    const read = await admin.readConversation({ params: { ...params, person: '1' } });
    expect(read).toMatchObject({ person: '1', name: 'Ann1 Secretname', conversation: 501 });
    expect(read.messages.map(({ id, from, text }) => [id, from, text])).toEqual([
      [1, 'sender', 'Thanks!'],
      [2, 'person', 'Thanks!'],
    ]);
    const { rows } = await ctx.db.raw<{ rows: unknown[] }>(`select result from control.command`);
    expect(JSON.stringify([rows, ctx.logs])).not.toContain('Thanks!');
  });

  test('leave a line about who read whose, refused or not, and not a word of what was read', async () => {
    await using _ = runBridge(ctx.db, (command) =>
      (command.payload as { person: string }).person === '77'
        ? { code: 'RECEIVER_UNKNOWN', message: 'nobody' }
        : {
            result: {
              conversation: 501,
              messages: [{ id: 1, atMs: 1, from: 'receiver', text: 'I am ill', deleted: false }],
            },
          },
    );
    const viewer = await ctx.client('viewer');
    const read = (client: Client, person: string) => client.readConversation({ params: { ...params, person } });
    expect((await read(admin, '1')).messages).toMatchObject([{ text: 'I am ill' }]);
    await Promise.allSettled([read(admin, '77')]);
    await Promise.allSettled([read(viewer, '1')]);
    const { items } = await admin.listAudit({ query: { action: 'readConversation', limit: 3 } });
    const about = { tenant: ours.tenant, integration: ours.integration };
    expect(items).toMatchObject([
      { actor: 'viewer of a test', outcome: 'ROLE_TOO_LOW', object: {} },
      { actor: 'admin of a test', outcome: 'RECEIVER_UNKNOWN', ...about, object: { person: '77' } },
      { actor: 'admin of a test', outcome: 'ok', ...about, object: { person: '1' } },
    ]);
    expect(JSON.stringify([items, ctx.logs])).not.toMatch(/I am ill|Secretname/);
  });

  test('that is answered late is shown to nobody', async () => {
    await ctx.db.raw(`update control.command set state = 'done'`);
    const { rows } = await ctx.db.raw<{ rows: { id: string }[] }>(
      `insert into control.command (addressee, kind, payload, state, result)
       values ('notification-bridge', 'conversation.read', ?, 'done', '{"messages": ["Thanks!"]}') returning id`,
      [JSON.stringify({ integration: ours.integration })],
    );
    const command = await admin.getCommand({ params: { command: Number(rows[0]!.id) } });
    expect(command).toMatchObject({ kind: 'conversation.read', state: 'done', result: null });
  });

  test('a refusal of the bridge is told with its code, a viewer reads none', async () => {
    await using _ = runBridge(ctx.db, () => ({ code: 'RECEIVER_UNKNOWN', message: 'nobody' }));
    const there = { params: { ...params, person: '77' } };
    await expect(admin.readConversation(there)).rejects.toEqual(code('RECEIVER_UNKNOWN', { status: 409 }));
    const viewer = await ctx.client('viewer');
    await expect(viewer.readConversation(there)).rejects.toEqual(code('ROLE_TOO_LOW'));
  });
});

describe('the status', () => {
  const mine = async () => (await admin.getStatus()).integrations.find(({ id }) => id === ours.integration)!;

  test('says what is queued, held and refused', async () => {
    const { channel, login } = await mine();
    expect(channel).toMatchObject({ state: 'idle', queued: 3, held: 0, code: null });
    expect(channel!.oldestQueuedMs).toBeGreaterThan(Date.now() - 600_000);
    expect(login).toEqual({
      enabled: true,
      refusedLastHour: 2,
      refusedByCode: { LOGIN_PERSON_INACTIVE: 1, ASSERTION_INVALID: 1 },
    });
    await admin.changeChannel({ params, body: { quiet: true }, ifMatch: 1 });
    await admin.changeLogin({ params, body: { enabled: false }, ifMatch: 0 });
    const after = await mine();
    expect(after.channel).toMatchObject({ state: 'quiet', queued: 1, held: 2 });
    expect(after.login.enabled).toBe(false);
    await admin.removeChannel({ params, ifMatch: 2 });
    expect((await mine()).channel).toBeNull();
  });

  test.each([
    ['stopped', 'ZIIK_AUTH_FAILED', 'stopped', 3, 0],
    ['quiet', null, 'quiet', 1, 2],
    ['working', null, 'working', 3, 0],
  ])('takes over what the bridge found: %s %s', async (state, why, shown, queued, held) => {
    await ctx.db.raw(`insert into bridge.channel_state (integration_id, state, code) values (?, ?, ?)`, [
      ours.integration,
      state,
      why,
    ]);
    expect((await admin.getChannel({ params })).status).toMatchObject({ state: shown, code: why, queued, held });
    const { channel } = await admin.changeChannel({ params, body: { enabled: false }, ifMatch: 1 });
    expect(channel.status).toMatchObject({ state: 'off' });
  });
});
