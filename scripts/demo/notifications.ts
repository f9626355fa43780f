import { breakZiik, healZiik, notify, readChat, writeReply } from '@orgstream/world';
import { colleagues, waitFor, type Colleague, type Stage } from './stage.ts';

const RECEIVERS = 50;

/** Fifty chats and one reply; the topic read again; the bridge killed in mid-send. */
export async function chatNotifications(
  stage: Stage,
): Promise<{ readonly notificationsSent: number; readonly notificationDuplicates: number }> {
  const { screen } = stage;
  screen.heading('A course for fifty people');
  const people = await colleagues(stage, RECEIVERS);
  const startedMs = performance.now();
  await assign(stage, people, 'module.assigned', 'Fødevaresikkerhed');
  await sent(stage, RECEIVERS);
  const seconds = (performance.now() - startedMs) / 1_000;
  const { conversations } = await chatOf(stage);
  screen.line(
    `  Academy assigns a course in Learningbank: ${RECEIVERS} notifications, ${conversations} chats in Ziik after ${seconds.toFixed(1)} s`,
  );
  await oneReply(stage, people[0]!);
  await replayTopic(stage);
  await killInMidSend(stage, people);
  const { messages, duplicates } = await chatOf(stage);
  screen.line(`  ${messages} messages to ${people.length} people, ${duplicates} of them twice`);
  return { notificationsSent: messages, notificationDuplicates: duplicates };
}

/** Learningbank notifies everybody by its hook. */
async function assign(stage: Stage, people: readonly Colleague[], type: string, moduleName: string): Promise<void> {
  const { world, joined } = stage;
  const link = `${joined.platform.url.replace('/api/v1', '')}/courses/12`;
  const made = await Promise.all(
    people.map(({ userId, firstName }) =>
      notify(world.file(), joined.platform, { type, userId, fields: { firstName, moduleName }, link }),
    ),
  );
  const refused = made.flatMap(({ hookStatuses }) => hookStatuses).filter((status) => status !== 202);
  if (refused.length > 0) throw new Error(`the hook answered ${refused.join(', ')}`);
}

/** Waits until so many of the ledger's rows are sent. */
async function sent(stage: Stage, count: number): Promise<void> {
  const { operator, joined } = stage;
  await waitFor(`${count} messages`, async () => {
    const query = { state: 'sent', limit: 500 } as const;
    const { items } = await operator.api.listNotifications({ params: { integration: joined.integration }, query });
    stage.screen.progress(`  ${items.length}/${count} sent`);
    return items.length >= count;
  });
}

/** What the sender has written, by the chat's own log; twice = the same words to the same person. */
async function chatOf({
  world,
  joined,
  connected,
}: Stage): Promise<{ readonly conversations: number; readonly messages: number; readonly duplicates: number }> {
  const chat = await readChat(world.file(), joined.siteId);
  const own = chat.map(({ messages }) => messages.filter(({ authorId }) => `${authorId}` === connected.sender.userId));
  const messages = own.reduce((sum, all) => sum + all.length, 0);
  const different = own.reduce((sum, all) => sum + new Set(all.map(({ message }) => message)).size, 0);
  return { conversations: chat.length, messages, duplicates: messages - different };
}

async function oneReply({ screen, world, joined, operator }: Stage, { personId }: Colleague): Promise<void> {
  const params = { integration: joined.integration, person: personId };
  const before = await operator.api.readConversation({ params });
  const reply = { siteId: joined.siteId, conversationId: before.conversation!, userId: personId };
  await writeReply(world.file(), { ...reply, message: 'Tak! Jeg tager det i morgen.' });
  const { messages } = await operator.api.readConversation({ params });
  for (const { from, text } of messages) screen.line(`    ${from.padEnd(7)} ${text}`);
  if (messages.at(-1)?.from !== 'person') throw new Error('the reply is not in the conversation');
}

/** A bridge that has read nothing yet reads everything; whoever has a message gets no other. */
async function replayTopic(stage: Stage): Promise<void> {
  const { screen, world } = stage;
  const before = await chatOf(stage);
  await using replay = await world.startAnother('notification-bridge', { BRIDGE_GROUP: 'demo-replay' });
  await waitFor('the replay', async () => {
    const known = /orgstream_bridge_ingested_total\{outcome="known"\} (\d+)/.exec(await replay.metrics());
    return Number(known?.[1] ?? 0) >= RECEIVERS;
  });
  const { messages } = await chatOf(stage);
  screen.line(`  replay of the whole topic: ${messages - before.messages} messages`);
  if (messages !== before.messages) throw new Error('the replay sent messages');
}

async function killInMidSend(stage: Stage, people: readonly Colleague[]): Promise<void> {
  const { screen, world, joined } = stage;
  const file = world.file();
  const before = await chatOf(stage);
  // Ziik answers late: whoever is killed has messages under way, written and not yet answered.
  const match = { method: 'POST' };
  await breakZiik(file, { siteId: joined.siteId, kind: 'latency', ms: 150, afterWrite: true, match });
  await assign(stage, people, 'module.deadline_reminder', 'Fødevaresikkerhed');
  const already = await waitFor('ten messages', async () => {
    const { messages } = await chatOf(stage);
    return messages >= before.messages + 10 && messages - before.messages;
  });
  const bridge = world.supervisor.handle('notification-bridge')!;
  screen.line(`  SIGKILL of the bridge (pid ${bridge.pid}) after ${already} of the next ${people.length} messages`);
  bridge.kill('SIGKILL');
  await healZiik(file, joined.siteId);
  await sent(stage, 2 * people.length);
}
