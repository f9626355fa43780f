import { deactivate } from '@orgstream/simulator-ziik';
import { startService, until } from '@orgstream/testkit';
import { breakZiik, healZiik, setZiik, writeReply } from '@orgstream/world';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChatScene, type ChatScene } from './chat-scene.ts';

/** Learningbank's notifications as chat messages in Ziik, on the real stack: hook, Kafka, ledger, chat. */
let scene: ChatScene;
let params: { readonly integration: string };

beforeAll(async () => {
  scene = await openChatScene();
  params = { integration: scene.joined.integration };
});
afterAll(() => scene?.[Symbol.asyncDispose]());

/** Notifies and waits for the end of it. */
async function send(person: string, notification: Parameters<ChatScene['notify']>[1] = {}): Promise<string> {
  const { notification: made, hookStatuses } = await scene.notify(person, notification);
  expect(hookStatuses).toEqual([202]);
  await scene.waitLedger(made!.id, 'sent');
  return (await scene.messagesTo(person)).at(-1)!;
}

const setQuiet = async (quiet: boolean): Promise<void> => {
  const { version } = await scene.api.getChannel({ params });
  await scene.api.changeChannel({ params, body: { quiet }, ifMatch: version });
};

describe('a notification of Learningbank', () => {
  test('arrives as a message in a direct conversation of sender and receiver, with Learningbank’s own text', async () => {
    const ida = scene.person('ida');
    const link = `${scene.joined.platform.url.replace('/api/v1', '')}/courses/12`;
    expect(await send(ida, { fields: { firstName: 'Ida' }, link })).toBe(`Ida: Module assigned ${link}`);
    const [conversation, ...more] = await scene.chat();
    expect(more).toEqual([]);
    expect(conversation).toMatchObject({ type: 'direct' });
    expect(new Set(conversation!.participants)).toEqual(new Set([ida, scene.connected.sender.userId].map(Number)));
  });

  test('the next one goes into the same conversation', async () => {
    await send(scene.person('ida'), { type: 'module.deadline_reminder' });
    expect(await scene.chat()).toHaveLength(1);
    expect(await scene.messagesTo(scene.person('ida'))).toHaveLength(2);
  });

  test('operators see that something came', async () => {
    const seen = async (): Promise<boolean> => (await scene.api.getChannel({ params })).lastReceivedAt !== null;
    await until(seen, { deadlineMs: 20_000, what: 'the time of the last notification' });
    const codes = (await scene.api.verifyIntegration({ params })).findings.map(({ code }) => code);
    expect(codes).not.toContain('NOTHING_RECEIVED');
  });

  test('delivered three times it is one message', async () => {
    const omar = scene.person('omar');
    const { notification, hookStatuses } = await scene.notify(omar, { deliveries: 3 });
    expect(hookStatuses).toEqual([202, 202, 202]);
    await scene.waitLedger(notification!.id, 'sent');
    await send(omar, { type: 'event.invitation' });
    expect(await scene.messagesTo(omar)).toHaveLength(2);
  });

  test('takes our text in the receiver’s language, else in the channel’s; an unknown field is left out', async () => {
    const { version } = await scene.api.getNotificationType({ params: { ...params, type: 'module.assigned' } });
    const texts = { da: 'Hej {{firstName}}: {{moduleName}} venter', en: 'Hi {{firstName}}{{nobody}}: {{moduleName}}' };
    const { warnings } = await scene.api.changeNotificationType({
      params: { ...params, type: 'module.assigned' },
      body: { texts },
      ifMatch: version,
    });
    expect(warnings.join()).toContain('nobody');
    const fields = { firstName: 'Pia', moduleName: 'Hygiejne' };
    expect(await send(scene.person('pia'), { fields })).toBe('Hej Pia: Hygiejne venter');
    await scene.ziik.query(`update users set language = 'sv' where id = $1`, [scene.person('jan')]);
    await scene.converge();
    expect(await send(scene.person('jan'), { fields: { firstName: 'Jan', moduleName: '{{link}}' } })).toBe('Hi Jan: {{link}}'); // prettier-ignore
    expect((await scene.ledger()).at(-1)).toMatchObject({
      warnings: [expect.stringContaining('nobody')],
    });
    const preview = await scene.api.previewNotificationType({ params: { ...params, type: 'module.assigned' }, body: { language: 'da', fields } }); // prettier-ignore
    expect(preview).toMatchObject({ text: 'Hej Pia: Hygiejne venter', from: 'own', usedLanguage: 'da' });
  });

  test('of a type that is switched off is skipped, and is not sent when the type is on again', async () => {
    const type = 'event.invitation';
    const turn = async (enabled: boolean): Promise<void> => {
      const { version } = await scene.api.getNotificationType({ params: { ...params, type } });
      await scene.api.changeNotificationType({ params: { ...params, type }, body: { enabled }, ifMatch: version });
    };
    await turn(false);
    const eva = scene.person('eva');
    const { notification } = await scene.notify(eva, { type });
    expect(await scene.waitLedger(notification!.id, 'skipped')).toMatchObject({ code: 'TYPE_OFF' });
    await turn(true);
    await send(eva, { type });
    expect(await scene.messagesTo(eva)).toHaveLength(1);
  });

  test('to somebody who has left is skipped with a code, and holds nobody up', async () => {
    const [bo, lis] = [scene.person('bo'), scene.person('lis')];
    const userId = await scene.userId(bo);
    await deactivate(scene.ziik, scene.siteId, bo);
    await scene.converge();
    const { notification } = await scene.notify(bo, { userId });
    await send(lis);
    expect(await scene.waitLedger(notification!.id, 'skipped')).toMatchObject({ code: 'RECEIVER_INACTIVE' });
    expect(await scene.messagesTo(bo)).toEqual([]);
  });

  test('older than the channel’s maxAge has expired', async () => {
    const occurredAt = new Date(Date.now() - 2 * 86_400_000).toISOString();
    const { notification } = await scene.notify(scene.person('ida'), { occurredAt });
    expect(await scene.waitLedger(notification!.id, 'expired')).toMatchObject({ code: 'NOTIFICATION_EXPIRED' });
  });
});

test('an answer in the chat is readable through the admin API, and nothing of it is stored', async () => {
  const lis = scene.person('lis');
  const conversation = (await scene.ledger()).findLast(({ person, state }) => person === lis && state === 'sent')!;
  const reply = { siteId: scene.siteId, conversationId: conversation.conversation!, userId: lis };
  await writeReply(await scene.file(), { ...reply, message: 'Tak, det gør jeg i morgen' });
  const { messages } = await scene.api.readConversation({ params: { ...params, person: lis } });
  expect(messages.at(-1)).toMatchObject({ from: 'person', text: 'Tak, det gør jeg i morgen' });
  expect(messages.map(({ from }) => from)).toContain('sender');
  const people = (await scene.api.listConversations({ params })).items;
  expect(people.find(({ person }) => person === lis)).toMatchObject({ lastState: 'sent' });
});

test('a test message goes to one person', async () => {
  const kai = scene.person('kai');
  await scene.api.testNotification({ params, body: { person: kai } });
  await until(async () => (await scene.messagesTo(kai)).length === 1, { deadlineMs: 60_000, what: 'the test message' });
  expect((await scene.ledger()).at(-1)).toMatchObject({ isTest: true, person: kai });
});

test('a replay of the whole topic sends nothing', async () => {
  const before = await scene.chat();
  const rows = await scene.ledger();
  const file = await scene.file();
  // Another consumer group has read nothing yet: it begins at the beginning, and shares the tenants with the first bridge.
  await using second = await startService({
    name: 'notification-bridge',
    env: {
      DATABASE_URL: file.postgresUrl,
      KAFKA_BROKERS: file.kafkaBrokers,
      REGISTRY_URL: file.registryUrl,
      ORGSTREAM_SECRET_KEY: file.secretKey,
      BRIDGE_GROUP: `replay-${scene.siteId}-${process.pid}`,
    },
  });
  const known = async (): Promise<number> =>
    Number(/orgstream_bridge_ingested_total\{outcome="known"\} (\d+)/.exec(await second.metrics())?.[1] ?? 0);
  const recorded = rows.filter(({ isTest }) => !isTest).length;
  await until(async () => (await known()) >= recorded, {
    deadlineMs: 60_000,
    what: 'the second bridge to meet what is in the ledger',
  });
  await send(scene.person('mia'));
  expect(await scene.ledger()).toHaveLength(rows.length + 1);
  const count = (all: typeof before): number => all.reduce((sum, { messages }) => sum + messages.length, 0);
  expect(count(await scene.chat())).toBe(count(before) + 1);
});

describe('what holds messages', () => {
  test('quiet by switch: they wait and are counted, then all go out once', async () => {
    await setQuiet(true);
    const ali = scene.person('ali');
    const first = await scene.notify(ali);
    const second = await scene.notify(ali, { type: 'module.deadline_reminder' });
    await until(async () => (await scene.api.getChannel({ params })).status.held === 2, {
      deadlineMs: 60_000,
      what: 'two to be held',
    });
    expect((await scene.api.getChannel({ params })).status.state).toBe('quiet');
    expect(await scene.messagesTo(ali)).toEqual([]);
    await setQuiet(false);
    for (const { notification } of [first, second]) await scene.waitLedger(notification!.id, 'sent');
    expect(await scene.messagesTo(ali)).toHaveLength(2);
  });

  test('the stop button: nothing goes out until it is released', async () => {
    const eva = scene.person('eva');
    const before = await scene.messagesTo(eva);
    await scene.api.setStop({ body: { stopped: true, reason: 'test' } });
    try {
      const { notification, hookStatuses } = await scene.notify(eva);
      expect(hookStatuses).toEqual([202]);
      await scene.waitLedger(notification!.id, 'queued');
      expect(await scene.messagesTo(eva)).toEqual(before);
      await scene.api.setStop({ body: { stopped: false } });
      await scene.waitLedger(notification!.id, 'sent');
    } finally {
      await scene.api.setStop({ body: { stopped: false } });
    }
    expect(await scene.messagesTo(eva)).toHaveLength(before.length + 1);
  });

  test('chat switched off in Ziik: the channel stops visibly, and goes on by itself', async () => {
    const file = await scene.file();
    const ida = scene.person('ida');
    const before = await scene.messagesTo(ida);
    await setZiik(file, { siteId: scene.siteId, chat: false });
    const { notification } = await scene.notify(ida);
    await until(async () => (await scene.api.getChannel({ params })).status.code === 'CHAT_MODULE_OFF', {
      deadlineMs: 60_000,
      what: 'the channel to say why it stands',
    });
    await setZiik(file, { siteId: scene.siteId, chat: true });
    await scene.waitLedger(notification!.id, 'sent');
    expect(await scene.messagesTo(ida)).toHaveLength(before.length + 1);
  });
});

test('one tenant’s Ziik takes its time: the other tenant’s message goes out meanwhile', async () => {
  await using other = await openChatScene();
  const file = await scene.file();
  const omar = scene.person('omar');
  const before = await scene.messagesTo(omar);
  await breakZiik(file, { siteId: scene.siteId, kind: 'latency', ms: 5_000 });
  const slow = await scene.notify(omar);
  const { notification } = await other.notify(other.person('ida'));
  await other.waitLedger(notification!.id, 'sent');
  expect(await scene.messagesTo(omar)).toEqual(before);
  await healZiik(file, scene.siteId);
  await scene.waitLedger(slow.notification!.id, 'sent');
  expect(await scene.messagesTo(omar)).toHaveLength(before.length + 1);
  expect((await other.chat()).flatMap(({ messages }) => messages)).toHaveLength(1);
});

test('during a first sync messages wait; after it they go out', async () => {
  const email = 'ida@kaeden.example';
  await using fresh = await openChatScene({
    unsynced: true,
    platform: { users: [{ firstName: 'Ida', lastName: 'Holm', email }] },
    // No department can be created until it is healed, so neither can people.
    fault: { kind: 'status', status: 429, retryAfterS: 1, match: { method: 'POST', route: '/departments' } },
  });
  const own = { integration: fresh.joined.integration };
  const state = `select from sink.integration_state where integration_id = $1 and state = 'first_sync'`;
  await until(async () => (await fresh.database.query(state, [own.integration])).rowCount === 1, {
    deadlineMs: 60_000,
    what: 'the first sync to be under way',
  });
  const [ida] = (await fresh.target()).users;
  const { notification } = await fresh.notify(fresh.person('ida'), { userId: ida!.id });
  await until(async () => (await fresh.api.getChannel({ params: own })).status.held === 1, {
    deadlineMs: 60_000,
    what: 'the message to be held',
  });
  expect(await fresh.chat()).toEqual([]);
  await fresh.healFaults();
  await fresh.waitLedger(notification!.id, 'sent');
  await fresh.prove();
});

test('a platform without hooks is polled: what was before is left alone, what comes is sent once', async () => {
  await using polled = await openChatScene({ channel: { intake: 'poll' } });
  const own = { integration: polled.joined.integration };
  const known = async (): Promise<boolean> =>
    (await polled.database.query('select from edge.intake where integration_id = $1 and poll_after is not null', [own.integration])).rowCount === 1; // prettier-ignore
  await until(known, { deadlineMs: 60_000, what: 'the first poll' });
  const { notification, hookStatuses } = await polled.notify(polled.person('ida'));
  expect(hookStatuses).toEqual([]);
  await polled.waitLedger(notification!.id, 'sent');
  expect(await polled.messagesTo(polled.person('ida'))).toHaveLength(1);
});

test('every message in the chat is a sent row of the ledger, and the other way round', async () => {
  const ids = (await scene.ledger()).filter(({ state }) => state === 'sent').flatMap(({ messages }) => messages);
  const written = (await scene.chat()).flatMap(({ messages }) => messages);
  const sent = written.filter(({ authorId }) => authorId === Number(scene.connected.sender.userId));
  expect(new Set(ids)).toEqual(new Set(sent.map(({ id }) => id)));
  expect(new Set(ids).size).toBe(ids.length);
});
