import { expect, test } from 'vitest';
import { all, failureOf, message, page, password, user, ZiikContext } from '../../test/ziik-context.ts';
import type { Reply } from '../../test/hostile-server.ts';
import type { ZiikClient } from './ziik.ts';

const calls: readonly (readonly [string, 'read' | 'write', (ziik: ZiikClient) => Promise<unknown>])[] = [
  ['me', 'read', (ziik) => ziik.me()],
  ['settings', 'read', (ziik) => ziik.settings()],
  ['users', 'read', (ziik) => all(ziik.users())],
  ['user', 'read', (ziik) => ziik.user(7)],
  ['searchUsers', 'read', (ziik) => all(ziik.searchUsers({ email: 'ida@example.test' }))],
  ['memberships', 'read', (ziik) => ziik.memberships(7)],
  ['units', 'read', (ziik) => all(ziik.units())],
  ['unit', 'read', (ziik) => ziik.unit(1)],
  ['unitTree', 'read', (ziik) => ziik.unitTree()],
  ['userTypes', 'read', (ziik) => ziik.userTypes()],
  ['conversationsWith', 'read', (ziik) => all(ziik.conversationsWith(7))],
  ['conversation', 'read', (ziik) => ziik.conversation(5)],
  ['createConversation', 'read', (ziik) => ziik.createConversation(7)],
  ['createConversationWithMessage', 'write', (ziik) => ziik.createConversationWithMessage(7, 'Hej Ida')],
  ['messages', 'read', (ziik) => ziik.messages(5)],
  ['postMessage', 'write', (ziik) => ziik.postMessage(5, 'Hej Ida')],
];

const html = '<!doctype html><title>Ida Ø ida@example.test</title>';
const raw =
  (status: number, type: string, body: string): Reply =>
  (res) => {
    res.writeHead(status, { 'content-type': type });
    res.end(body);
  };

const lies: readonly (readonly [string, Reply, string, Record<string, unknown>, boolean])[] = [
  ['HTML', raw(200, 'text/html', html), 'ZIIK_ANSWER_INVALID', { reason: 'content_type' }, true],
  ['half JSON', raw(200, 'application/json', '{"data":{"id":7,'), 'ZIIK_ANSWER_INVALID', { reason: 'not_json' }, true],
  ['nothing', raw(200, 'application/json', ''), 'ZIIK_ANSWER_INVALID', { reason: 'empty' }, true],
  ['another thing', { json: { data: { colour: 'Ida Ø' } } }, 'ZIIK_ANSWER_INVALID', { reason: 'shape' }, true],
  [
    'a redirect',
    { status: 302, json: {}, headers: { location: '/login' } },
    'ZIIK_ANSWER_INVALID',
    { reason: 'redirect' },
    true,
  ],
  ['a reset', (res) => res.destroy(), 'ZIIK_UNREACHABLE', {}, true],
  [
    'a 500',
    { status: 500, json: { error: { code: 'boom' } } },
    'ZIIK_ERROR',
    { status: 500, targetCode: 'boom' },
    true,
  ],
  ['maintenance', { status: 503, json: {}, headers: { 'retry-after': '30' } }, 'ZIIK_ERROR', { status: 503 }, true],
  ['a 429', { status: 429, json: {}, headers: { 'retry-after': '3' } }, 'ZIIK_RATE_LIMITED', {}, false],
  [
    'a 403',
    { status: 403, json: { error: { code: 'module_disabled', message: 'Ida Ø' } } },
    'ZIIK_FORBIDDEN',
    { targetCode: 'module_disabled' },
    false,
  ],
  ['a 403 of a proxy', raw(403, 'text/html', html), 'ZIIK_FORBIDDEN', {}, false],
  [
    'a 422',
    {
      status: 422,
      json: { error: { code: 'validation_failed', is_ziik_error: true, fields: { message: ['Ida Ø'] } } },
    },
    'ZIIK_REFUSED',
    { fields: ['message'], targetCode: 'validation_failed' },
    false,
  ],
  [
    'a 422 of its framework',
    { status: 422, json: { message: 'Ida Ø', errors: { 'recipients.0': ['x'], 'Ida Ø': ['x'] } } },
    'ZIIK_REFUSED',
    { fields: ['recipients.0'] },
    false,
  ],
  [
    'a 422 with an empty array for fields',
    { status: 422, json: { error: { code: 12, fields: [] } } },
    'ZIIK_REFUSED',
    { fields: [], targetCode: '12' },
    false,
  ],
  ['a 409', { status: 409, json: { error: { code: 'conflict' } } }, 'ZIIK_REFUSED', {}, false],
  ['a 404 of a proxy', raw(404, 'text/html', html), 'ZIIK_ANSWER_INVALID', { reason: 'not_from_api' }, true],
];

test.each(calls.flatMap((call) => lies.map((lie) => [call[0], lie[0], call, lie] as const)))(
  '%s answered by %s is a typed failure without a word of the answer',
  async (_name, _lie, [, kind, call], [, reply, code, data, uncertain]) => {
    await using ctx = await ZiikContext.open(() => reply);
    const error = await failureOf(call(ctx.ziik));
    expect(error).toMatchObject({ code, data });
    expect(error.data['ambiguous'] === true).toBe(kind === 'write' && uncertain);
    expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toMatch(/Ida|Ø|horse|academy|example\.test/u);
    expect(ctx.calls.at(-1)).toMatchObject({ code });
    expect(JSON.stringify(ctx.calls)).not.toContain(password);
  },
);

test('a call that is not answered ends in time; what was written may have happened', async () => {
  await using ctx = await ZiikContext.open(() => () => undefined, { timeoutMs: 200 });
  expect(await failureOf(ctx.ziik.postMessage(5, 'x'))).toMatchObject({
    code: 'ZIIK_UNREACHABLE',
    data: { reason: 'timeout', ambiguous: true },
  });
});

test('a server that is not there was not written to', async () => {
  await using ctx = await ZiikContext.open(() => ({ json: {} }));
  await ctx.ziik.authenticate();
  await ctx.server[Symbol.asyncDispose]();
  const error = await failureOf(ctx.ziik.postMessage(5, 'x'));
  expect(error).toMatchObject({ code: 'ZIIK_UNREACHABLE', data: { reason: 'ECONNREFUSED' } });
  expect(error.data['ambiguous']).toBeUndefined();
  // What follows disposes of it once more.
  Object.assign(ctx, { server: { [Symbol.asyncDispose]: async () => undefined } });
});

test('empty arrays for empty objects, missing parts and numbers as strings are read as what they mean', async () => {
  await using ctx = await ZiikContext.open(({ path }) => {
    if (path.startsWith('/api/users/7/units'))
      return { json: { data: { abilities: [], unit: { id: '3' }, department: [], userTypes: [] } } };
    if (path.startsWith('/api/users'))
      return { json: { data: { ...user, id: '7', active: 1, unit: [], email: '', settings: [], userTypes: null } } };
    if (path.startsWith('/api/units/tree')) {
      const leaf = { id: 2, name: 'B', reference: null, parent: [], parent_id: 1, children: [] };
      return { json: { data: { id: 1, name: 'A', parent: null, children: [leaf] } } };
    }
    if (path.startsWith('/api/usertypes')) return { json: [{ id: 4, reference: null, name: 'Chef' }] };
    if (path.startsWith('/api/settings'))
      return { json: { data: { site: { identifier: 'a', name: 'A', default_language: 'da' }, modules: [] } } };
    return { json: { data: { id: 5, type: 1, participants: [{ id: 7 }], latestMessage: [] } } };
  });
  expect(await ctx.ziik.me()).toMatchObject({
    id: 7,
    active: true,
    unitId: null,
    email: null,
    language: null,
    expiresAt: null,
    userTypeIds: [],
    admin: false,
  });
  expect(await ctx.ziik.memberships(7)).toEqual([{ unitId: 3, departmentId: null, userTypeIds: [] }]);
  expect(await ctx.ziik.unitTree()).toMatchObject([
    { id: 1, parentId: null, unitType: 'unit', children: [{ id: 2, parentId: 1, children: [] }] },
  ]);
  expect(await ctx.ziik.userTypes()).toEqual([{ id: 4, reference: null, name: 'Chef' }]);
  expect(await ctx.ziik.settings()).toEqual({ identifier: 'a', name: 'A', defaultLanguage: 'da', chat: true });
  expect(await ctx.ziik.conversation(5)).toEqual({
    id: 5,
    type: 'direct',
    participants: [{ id: 7, active: true }],
    latestMessageId: null,
  });
});

test.each([
  [1, 'direct'],
  ['1', 'direct'],
  ['direct', 'direct'],
  [2, 'group'],
  ['group', 'group'],
  ['channel', 'group'],
])('a conversation of type %j is %s', async (type, wanted) => {
  await using ctx = await ZiikContext.open(() => ({
    json: { data: { id: 5, type, participants: [], latestMessage: { id: 8 } } },
  }));
  expect(await ctx.ziik.conversation(5)).toMatchObject({ type: wanted, latestMessageId: 8 });
});

test('messages of both generations are read; instants are milliseconds', async () => {
  await using ctx = await ZiikContext.open(() => ({
    json: page([
      message,
      { ...message, id: 91, type: 'service', message: null, date: '2023-11-14T22:13:21Z', author: [] },
    ]),
  }));
  const { items } = await ctx.ziik.messages(5, { upTo: 91, pageSize: 20 });
  expect(items).toEqual([
    { id: 90, conversationId: 5, kind: 'normal', text: 'Hej', atMs: 1_700_000_000_000, deleted: false, authorId: 7 },
    { id: 91, conversationId: 5, kind: 'service', text: '', atMs: 1_700_000_001_000, deleted: false, authorId: null },
  ]);
  expect(ctx.server.paths().at(-1)).toBe('GET /api/conversations/5/messages?page=1&limit=20&message=91');
});

test('pages follow what the answer says of itself, whatever was asked for', async () => {
  await using ctx = await ZiikContext.open(({ path }) => {
    const at = Number(new URL(path, 'http://x').searchParams.get('page'));
    return { json: page([{ ...user, id: at }], { current_page: at, last_page: 3, per_page: 1, total: 3 }) };
  });
  expect((await all(ctx.ziik.users())).map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(ctx.server.paths()[1]).toBe('GET /api/users?page=1&limit=100');
});

const strangers: readonly (readonly [string, object, (ziik: ZiikClient) => Promise<unknown>])[] = [
  ['the same page again and again', page([user], { last_page: 3, total: 3 }), (ziik) => all(ziik.users())],
  ['an end before the end', page([], { last_page: 3, total: 3 }), (ziik) => all(ziik.users())],
  ['inactive users among the active', page([{ ...user, active: false }]), (ziik) => all(ziik.users())],
  ['active users among the inactive', page([user]), (ziik) => all(ziik.users({ inactive: true }))],
  ['another user', { data: { ...user, email: 'x', settings: {} } }, (ziik) => ziik.user(8)],
  ['another conversation', { data: { id: 6, type: 1, participants: [] } }, (ziik) => ziik.conversation(5)],
  ['messages of another conversation', page([{ ...message, conversationId: 6 }]), (ziik) => ziik.messages(5)],
  [
    'a message into another conversation',
    { data: { ...message, conversationId: 6 } },
    (ziik) => ziik.postMessage(5, 'x'),
  ],
];

test.each(strangers)('%s is ZIIK_ANSWER_INVALID', async (_, json, call) => {
  await using ctx = await ZiikContext.open(() => ({ json }));
  expect(await failureOf(call(ctx.ziik))).toMatchObject({ code: 'ZIIK_ANSWER_INVALID', data: { reason: 'values' } });
});

test('a text goes out as it is', async () => {
  const said = 'Hej 👩‍👩‍👧 "{{x}}" \\ \n<b>&amp;</b> \u0000';
  await using ctx = await ZiikContext.open(() => ({ status: 201, json: { data: message } }));
  await ctx.ziik.postMessage(5, said);
  await ctx.ziik.createConversationWithMessage(7, said);
  expect(ctx.server.asked.slice(1).map(({ body }) => body)).toEqual([
    { message: said },
    { recipients: [7], message: said },
  ]);
});

test.each(['', '/', '/api', '/api/', '//'])('a site with %j at its end has its API below /api', async (end) => {
  await using ctx = await ZiikContext.open(() => ({ json: { data: user } }));
  await using other = await ZiikContext.open(() => ({ json: {} }), { siteUrl: `${ctx.server.url}${end}` });
  await other.ziik.me();
  expect(ctx.server.paths()).toEqual(['POST /api/authenticate', 'GET /api/users/current']);
});
