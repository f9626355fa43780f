import { afterAll, beforeAll, expect, test } from 'vitest';
import { deactivate } from './people.ts';
import { startZiikSimulator } from './server.ts';
import { SiteContext } from './site-context.ts';

let ziik: SiteContext;
beforeAll(async () => {
  ziik = await SiteContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

test('new: a conversation is made alone, once for two people, also when asked for ten times at once', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna');
  const got = await Promise.all(
    Array.from({ length: 10 }, () => site.api('POST', '/conversations', { recipients: [Number(anna)], message: 'hi' })),
  );
  expect(new Set(got.map(({ status, body }) => `${status} ${body.data.id} ${body.data.type}`)).size).toBe(1);
  expect(got[0]?.status).toBe(200);
  expect(got[0]?.body.data.participants.map((one: { id: number }) => one.id)).toEqual(
    [Number(site.senderId), Number(anna)].sort((a, b) => a - b),
  );
  expect((await ziik.sim('GET', `chat?siteId=${site.id}&summary`)).body).toMatchObject({
    conversations: 1,
    messages: 0,
  });
});

test('old: a conversation comes with its first message, and is used again', async () => {
  const site = await ziik.site({ conversations: 'old' });
  const anna = Number(await site.person('Anna'));
  expect((await site.api('POST', '/conversations', { recipients: [anna] })).body.error).toMatchObject({
    code: 'validation_failed',
    fields: { message: [expect.any(String)] },
  });
  const first = await site.api('POST', '/conversations', { recipients: [anna], message: 'Hej' });
  expect(first).toMatchObject({ status: 201, body: { data: { content_type: 'message', message: 'Hej', type: 1 } } });
  expect(first.headers.get('location')).toBe(`${site.url}/api/messages/${first.body.data.id}`);
  const second = await site.api('POST', '/conversations', { recipients: [anna], message: 'Igen' });
  expect(second.body.data.conversationId).toBe(first.body.data.conversationId);
  const { body } = await site.api('GET', `/conversations?user=${anna}`);
  expect(body.data).toMatchObject([
    { id: first.body.data.conversationId, type: 1, latestMessage: { message: 'Igen' } },
  ]);
});

test('several recipients are a group, each time a new one, which ?user= does not find', async () => {
  const site = await ziik.site();
  const recipients = [Number(await site.person('Anna')), Number(await site.person('Bo'))];
  const [one, two] = [0, 1].map(() => site.api('POST', '/conversations', { recipients }));
  const [first, second] = [(await one)?.body.data, (await two)?.body.data];
  expect(first.type).toBe('group');
  expect(second.id).not.toBe(first.id);
  expect((await site.api('GET', `/conversations?user=${recipients[0]}`)).body.data).toEqual([]);
  expect((await site.api('GET', '/conversations')).body.meta).toMatchObject({ total: 2, per_page: 50 });
});

test('who is inactive, unknown or oneself is no recipient', async () => {
  const site = await ziik.site();
  const bo = await site.person('Bo');
  await deactivate(ziik.pool, site.id, bo);
  for (const recipient of [bo, '4711', site.senderId, 'x', '1 or 1=1']) {
    const got = await site.api('POST', '/conversations', { recipients: [recipient] });
    expect([got.status, got.body.error.code]).toEqual([422, 'validation_failed']);
  }
  expect((await ziik.sim('GET', `chat?siteId=${site.id}`)).body).toEqual({ conversations: [] });
});

test('a message is posted, read, counted as unread, seen and deleted; a reply comes back', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna');
  const id = await site.conversation(anna);
  const posted = await site.api('POST', `/conversations/${id}/messages`, { message: 'Hej 👋 https://a.example/1' });
  expect(posted).toMatchObject({
    status: 201,
    body: {
      data: { conversationId: id, message: 'Hej 👋 https://a.example/1', author: { id: Number(site.senderId) } },
    },
  });
  expect((await site.sim('POST', 'reply', { conversationId: id, userId: anna, message: 'Tak' })).status).toBe(201);
  const unread = async () => (await site.api('GET', `/conversations/${id}`)).body.data.unread_message_count;
  expect(await unread()).toBe(1);
  const { body } = await site.api('GET', `/conversations/${id}/messages`);
  expect(body.data.map((one: { message: string; is_new: boolean }) => [one.message, one.is_new])).toEqual([
    ['Hej 👋 https://a.example/1', false],
    ['Tak', true],
  ]);
  expect((await site.api('POST', `/conversations/${id}/seen`)).status).toBe(204);
  expect(await unread()).toBe(0);
  const [mine, theirs] = body.data as { id: number }[];
  const remove = async (message: number | undefined) =>
    (await site.api('DELETE', `/conversations/${id}/messages/${message}`)).status;
  expect([await remove(theirs?.id), await remove(mine?.id)]).toEqual([403, 204]);
  expect((await site.api('GET', `/conversations/${id}/messages/${mine?.id}`)).body.data).toMatchObject({
    message: '',
    deleted: true,
  });
});

test('messages are read in pages of 500, up to one, in the order that is set', async () => {
  const site = await ziik.site();
  const id = await site.conversation(await site.person('Anna'));
  for (const message of ['a', 'b', 'c']) await site.api('POST', `/conversations/${id}/messages`, { message });
  const read = async (query: string) => (await site.api('GET', `/conversations/${id}/messages?${query}`)).body;
  const all = await read('limit=9999');
  expect(all.meta).toMatchObject({ per_page: 500, total: 3 });
  const texts = (page: { data: { message: string }[] }) => page.data.map((one) => one.message).join('');
  expect(texts(await read(`message=${all.data[1].id}`))).toBe('ab');
  expect(texts(await read('limit=2&page=2'))).toBe('c');
  await site.sim('POST', 'settings', { messageOrder: 'desc' });
  expect(texts(await read('limit=2'))).toBe('cb');
});

test('a conversation is its participants’ alone', async () => {
  const site = await ziik.site();
  const id = await site.conversation(await site.person('Anna'));
  await site.sim('POST', 'api-users', { userId: await site.person('Bo'), password: 'x' });
  const bo = (await site.login('bo@example.dk', 'x')).body.jwt;
  expect((await site.api('GET', `/conversations/${id}/messages`, undefined, bo)).status).toBe(403);
  expect((await site.api('POST', `/conversations/${id}/messages`, { message: 'x' }, bo)).status).toBe(403);
});

test.each([
  ['', 422],
  ['  ', 422],
  ['👍👍👍👍👍', 201],
  ['123456', 422],
])('with at most five characters, "%s" is a %i', async (message, status) => {
  const site = await ziik.site({ messageMaxLength: 5 });
  const id = await site.conversation(await site.person('Anna'));
  expect((await site.api('POST', `/conversations/${id}/messages`, { message })).status).toBe(status);
});

test('without the chat module everything about conversations is refused, and the settings say so', async () => {
  const site = await ziik.site();
  const anna = Number(await site.person('Anna'));
  const id = await site.conversation(String(anna));
  await site.sim('POST', 'settings', { chat: false });
  for (const [method, path, body] of [
    ['GET', '/conversations'],
    ['POST', '/conversations', { recipients: [anna] }],
    ['POST', `/conversations/${id}/messages`, { message: 'x' }],
  ] as const) {
    const got = await site.api(method, path, body);
    expect([got.status, got.body.error.code]).toEqual([403, 'module_disabled']);
  }
  expect((await site.api('GET', '/settings')).body.data.modules.chat).toBe(false);
});

test('a simulator that starts again knows every conversation and every token', async () => {
  const site = await ziik.site();
  const id = await site.conversation(await site.person('Anna'));
  await site.api('POST', `/conversations/${id}/messages`, { message: 'Hej' });
  const { jwt } = (await site.login()).body;
  await using again = await startZiikSimulator({ databaseUrl: ziik.databaseUrl });
  const read = await fetch(`${again.url}/s/${site.id}/api/conversations/${id}/messages`, {
    headers: { authorization: `Bearer ${jwt}` },
  });
  expect(await read.json()).toMatchObject({ data: [{ message: 'Hej' }] });
});

test('chat and login write into no captured table', async () => {
  const tables = ['sites', 'units', 'user_types', 'users', 'memberships', 'membership_user_types'];
  const versions = async () => {
    const rows: unknown[] = [];
    for (const table of tables) {
      rows.push((await ziik.pool.query(`select xmin::text, ctid::text from ${table} order by 1, 2`)).rows);
    }
    return rows;
  };
  const site = await ziik.site();
  const anna = await site.person('Anna');
  const before = await versions();
  const id = await site.conversation(anna);
  await site.api('POST', `/conversations/${id}/messages`, { message: 'Hej' });
  await site.sim('POST', 'assertions', { userId: anna, aud: 'x' });
  expect(await versions()).toEqual(before);
});
