import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Delivered } from './port.ts';
import { ChatContext, failure, placeOf } from './test-support/chat-context.ts';
import { mayHaveHappened } from './failure.ts';

let ziik: ChatContext;
beforeAll(async () => {
  ziik = await ChatContext.open();
});
afterAll(() => ziik[Symbol.asyncDispose]());

const behaviours = (['new', 'old'] as const).flatMap((site) =>
  (['auto', site] as const).map((channel) => [site, channel] as const),
);

test.each(behaviours)(
  'on a Ziik that is %s, a channel set to %s writes into one direct conversation',
  async (conversations, set) => {
    const site = await ziik.site({ conversations });
    const anna = await site.person('Anna');
    const session = await site.open({ conversations: set });
    const sent: Delivered[] = [];
    for (const text of ['one', 'two', 'three']) sent.push(await session.send(await placeOf(session, anna), text));
    const [only, ...others] = await site.log();
    expect(others).toEqual([]);
    expect(only).toMatchObject({ type: 'direct', participants: [site.senderId, anna].toSorted((a, b) => a - b) });
    expect(only?.messages.map(({ id, message, authorId }) => [id, message, authorId])).toEqual(
      ['one', 'two', 'three'].map((text, at) => [sent[at]?.messageId, text, site.senderId]),
    );
  },
);

test('how conversations are made is found out once', async () => {
  const site = await ziik.site({ conversations: 'new' });
  const session = await site.open();
  for (const name of ['Anna', 'Bo', 'Ib']) await session.conversationWith(await site.person(name));
  expect(site.routes()).toEqual(['conversations.list', ...Array<string>(3).fill('conversations.create')]);
  const old = await ziik.site({ conversations: 'old' });
  const other = await old.open();
  for (const name of ['Anna', 'Bo']) {
    expect(await other.conversationWith(await old.person(name))).toEqual({
      conversationId: null,
      newestMessageId: null,
    });
  }
  expect(old.routes()).toEqual(['conversations.list', 'conversations.create', 'conversations.list']);
  expect(await old.log()).toEqual([]);
});

test('a conversation that a group or the receiver began is told apart', async () => {
  const site = await ziik.site({ conversations: 'new' });
  const [anna, bo] = [await site.person('Anna'), await site.person('Bo')];
  const group = { recipients: [anna, bo] };
  const { jwt } = (await (
    await fetch(`${site.channel().ziikUrl}/api/authenticate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'academy@example.dk', password: 'secret' }),
    })
  ).json()) as { jwt: string };
  const made = await fetch(`${site.channel().ziikUrl}/api/conversations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${jwt}` },
    body: JSON.stringify(group),
  });
  expect(made.status).toBe(200);
  await site.sim('reply', { to: `${site.senderId}`, userId: `${anna}`, message: 'hi academy' });
  const session = await site.open();
  const { conversationId, newestMessageId } = await session.conversationWith(anna);
  const log = await site.log();
  const direct = log.find(({ type }) => type === 'direct');
  expect({ conversationId, newestMessageId }).toEqual({
    conversationId: direct?.id,
    newestMessageId: direct?.messages[0]?.id,
  });
  expect(log.map(({ type }) => type)).toEqual(['group', 'direct']);
});

test('credentials of somebody else, a wrong password and chat that is off are found when a session is opened', async () => {
  const site = await ziik.site();
  expect(await failure(site.open({ password: 'wrong' }))).toMatchObject({ code: 'ZIIK_AUTH_FAILED' });
  expect(await failure(site.open({ senderId: site.senderId + 1 }))).toMatchObject({ code: 'ZIIK_AUTH_FAILED' });
  await site.sim('settings', { chat: false });
  expect(await failure(site.open())).toMatchObject({ code: 'CHAT_MODULE_OFF' });
});

test('chat that is switched off meanwhile is CHAT_MODULE_OFF, whatever is asked; on again, the session goes on', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna');
  const session = await site.open();
  const to = await placeOf(session, anna);
  const { messageId } = await session.send(to, 'before');
  await site.sim('settings', { chat: false });
  const conversationId = to.conversationId ?? 0;
  const asked = [
    () => session.conversationWith(anna),
    () => session.send(to, 'during'),
    () => session.lookFor({ to, text: 'during', afterMessageId: messageId }),
    () => session.newestMessageId(conversationId),
    () => session.read(conversationId),
  ];
  for (const ask of asked) {
    const error = await failure(ask());
    expect(error).toMatchObject({ code: 'CHAT_MODULE_OFF' });
    expect(mayHaveHappened(error)).toBe(false);
  }
  await site.sim('settings', { chat: true });
  await session.send(to, 'after');
  expect(await site.texts(conversationId)).toEqual(['before', 'after']);
});

test('a password that is changed meanwhile is ZIIK_AUTH_FAILED once the tokens are gone', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna');
  const session = await site.open();
  await ziik.sim('POST', 'api-users', { siteId: site.id, userId: `${site.senderId}`, password: 'other' });
  await site.sim('settings', { revokeTokens: true });
  expect(await failure(session.conversationWith(anna))).toMatchObject({ code: 'ZIIK_AUTH_FAILED' });
});

test.each(['new', 'old'] as const)('receivers who cannot be written to are told apart (%s)', async (conversations) => {
  const site = await ziik.site({ conversations });
  const session = await site.open();
  const gone = await site.person('Gone', { active: false });
  for (const [userId, code] of [
    [gone, 'RECEIVER_INACTIVE'],
    [4_711_000, 'RECEIVER_WITHOUT_ACCOUNT'],
  ] as const) {
    const first = await failure(
      session.conversationWith(userId).then(() => session.send({ userId, conversationId: null }, 'x')),
    );
    expect(first).toMatchObject({ code });
    expect(mayHaveHappened(first)).toBe(false);
  }
  // Neither is taken for a sign of how conversations are made.
  const anna = await site.person('Anna');
  await session.send(await placeOf(session, anna), 'hello');
  expect((await site.log()).flatMap(({ messages }) => messages.map(({ message }) => message))).toEqual(['hello']);
});

test('receivers are found by id, and by exactly one e-mail', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna', { language: 'sv' });
  const gone = await site.person('Gone', { active: false });
  await site.person('Twin', { email: 'same@example.dk' });
  const session = await site.open();
  const found = { found: 'one', userId: anna, active: true, language: 'sv' };
  expect(await session.findReceiver({ userId: anna })).toEqual(found);
  expect(await session.findReceiver({ email: ' ANNA@example.dk ' })).toEqual(found);
  expect(await session.findReceiver({ userId: gone })).toMatchObject({ found: 'one', active: false });
  expect(await session.findReceiver({ email: 'gone@example.dk' })).toEqual({ found: 'none' });
  expect(await session.findReceiver({ email: 'nobody@example.dk' })).toEqual({ found: 'none' });
  expect(await session.findReceiver({ email: '' })).toEqual({ found: 'none' });
  expect(await session.findReceiver({ userId: 4_711_000 })).toEqual({ found: 'none' });
});

test.each(['asc', 'desc'] as const)(
  'what was sent is found again, and nothing else (messages %s)',
  async (messageOrder) => {
    const site = await ziik.site({ messageOrder });
    const anna = await site.person('Anna');
    const session = await site.open();
    const to = await placeOf(session, anna);
    const conversationId = to.conversationId ?? 0;
    expect(await session.newestMessageId(conversationId)).toBeNull();
    const first = await session.send(to, 'Course 12 & more');
    await site.sim('reply', { conversationId: `${conversationId}`, userId: `${anna}`, message: 'Course 13' });
    const after = await session.newestMessageId(conversationId);
    expect(after).toBeGreaterThan(first.messageId);
    const look = (text: string, afterMessageId: number | null = after) => session.lookFor({ to, text, afterMessageId });
    expect(await look('Course 12 & more')).toBeNull();
    expect(await look('Course 12 & more', null)).toEqual(first);
    expect(await look('Course 13', null)).toBeNull();
    const second = await session.send(to, 'Course 12 & more');
    await session.send(to, 'Course 12 & more');
    expect(await look('Course 12 &amp; more')).toEqual(second);
  },
);

test('in a long conversation, what is new is found without reading it all', async () => {
  for (const messageOrder of ['asc', 'desc'] as const) {
    const site = await ziik.site({ messageOrder });
    const anna = await site.person('Anna');
    const session = await site.open();
    const to = await placeOf(session, anna);
    const conversationId = to.conversationId ?? 0;
    await ziik.simulator.pool.query(
      `insert into ziik_chat.message (conversation_id, author_id, message, at_ms)
       select $1, $2, 'old ' || n, n * 1000 from generate_series(1, 950) n`,
      [conversationId, anna],
    );
    const after = await session.newestMessageId(conversationId);
    const sent = await session.send(to, 'needle');
    site.routes();
    expect(await session.lookFor({ to, text: 'needle', afterMessageId: after })).toEqual(sent);
    expect(site.routes().length).toBeLessThanOrEqual(3);
    const pages: number[] = [];
    let before: number | null | undefined;
    for (let page = 0; before !== null && page < 40; page += 1) {
      const read = await session.read(conversationId, { limit: 40, ...(before === undefined ? {} : { before }) });
      pages.push(...read.messages.map(({ id }) => id));
      before = read.before;
    }
    expect(pages).toHaveLength(951);
    expect(pages).toEqual(pages.toSorted((a, b) => b - a));
  }
});

test('replies are read, each with who wrote it; what was deleted shows nothing', async () => {
  const site = await ziik.site();
  const anna = await site.person('Anna');
  const session = await site.open();
  const { conversationId, messageId } = await session.send(await placeOf(session, anna), 'Hej');
  await site.sim('reply', { conversationId: `${conversationId}`, userId: `${anna}`, message: 'Tak 👍' });
  await ziik.simulator.pool.query('update ziik_chat.message set deleted = true where id = $1', [messageId]);
  expect(await session.read(conversationId)).toMatchObject({
    before: null,
    messages: [
      { from: 'receiver', authorId: anna, text: 'Tak 👍', deleted: false },
      { id: messageId, from: 'sender', text: '', deleted: true },
    ],
  });
  expect(await session.lookFor({ to: { userId: anna, conversationId }, text: 'Hej', afterMessageId: null })).toEqual({
    conversationId,
    messageId,
  });
});
