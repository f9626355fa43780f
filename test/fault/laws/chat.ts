import { connectScene, type Chat } from '@orgstream/e2e/chat-scene';
import { openScene, type Scene } from '@orgstream/e2e/scene';
import { startService, until } from '@orgstream/testkit';
import { breakZiik, callHook, healZiik, notify, type Notified } from '@orgstream/world';
import { beforeAll, describe, expect, test } from 'vitest';
import type { OwnWorld } from '../own-world.ts';

let own: OwnWorld;

type ChatScene = Scene & Chat;
type Made = NonNullable<Notified['notification']>;

const RECEIVERS = 50;
const soon = { deadlineMs: 120_000, intervalMs: 50 };

async function openChat(): Promise<ChatScene> {
  const scene = await openScene({ organisation: { people: RECEIVERS + 20, inactive: 0 } });
  scene.database.on('error', () => {});
  return { ...scene, ...(await connectScene(scene)) };
}

/** Source ids of people who are in Learningbank. */
async function receiversOf(scene: ChatScene, count: number): Promise<readonly string[]> {
  const prefix = `${scene.joined.tenant}:person:`;
  const { users } = await scene.target();
  const ids = users
    .filter(({ isActive, externalId }) => isActive && externalId?.startsWith(prefix))
    .map(({ externalId }) => externalId!.slice(prefix.length))
    .filter((id) => id !== scene.connected.sender.userId);
  expect(ids.length).toBeGreaterThanOrEqual(count);
  return ids.slice(0, count);
}

const messageCount = async (scene: ChatScene): Promise<number> =>
  (await scene.chat()).reduce((sum, { messages }) => sum + messages.length, 0);

/** Messages of which only Ziik knows whether they are written. */
async function sendingCount({ database, joined }: ChatScene): Promise<number> {
  const sql = `select from bridge.notification where integration_id = $1 and state = 'sending'`;
  return (await database.query(sql, [joined.integration])).rowCount ?? 0;
}

/** Nobody has two, nobody is left out, and the ledger knows each message. */
async function expectOneEach(scene: ChatScene, made: readonly Made[]): Promise<void> {
  const ended = async (): Promise<boolean> =>
    (await scene.ledger()).filter(({ state }) => state === 'sent').length === made.length;
  await until(ended, { ...soon, what: `${made.length} notifications to be sent` });
  const conversations = await scene.chat();
  expect(conversations.filter(({ messages }) => messages.length !== 1)).toEqual([]);
  expect(conversations).toHaveLength(made.length);
  const written = conversations.flatMap(({ messages }) => messages.map(({ id }) => id));
  expect(new Set((await scene.ledger()).flatMap(({ messages }) => messages))).toEqual(new Set(written));
}

/** Learningbank notifies so many people, whatever the hook answers. */
async function assign(scene: ChatScene, people: readonly string[]): Promise<readonly Notified[]> {
  const byMarker = new Map((await scene.target()).users.map((user) => [user.externalId, user.id]));
  const file = await scene.file();
  return Promise.all(
    people.map((id) =>
      notify(file, scene.joined.platform, {
        type: 'module.assigned',
        userId: byMarker.get(`${scene.joined.tenant}:person:${id}`)!,
        fields: { firstName: id, moduleName: 'Food safety' },
      }),
    ),
  );
}

/** What holds for messages and hooks when the bridge, edge or Kafka is not there. */
export function chatLaws(world: () => OwnWorld): void {
  beforeAll(() => {
    own = world();
  });

  describe('SIGKILL of the bridge in mid-send to fifty people', () => {
    test('three times, before and after Ziik has written: nobody gets two, nobody is left out', async () => {
      await using scene = await openChat();
      const file = await scene.file();
      // Some answers come long after the message is there: those are in flight when the bridge dies.
      await breakZiik(file, { siteId: scene.siteId, kind: 'latency', ms: 150, probability: 0.5, match: { method: 'POST' } }); // prettier-ignore
      await breakZiik(file, { siteId: scene.siteId, kind: 'latency', ms: 400, afterWrite: true, match: { method: 'POST' } }); // prettier-ignore
      const made = await assign(scene, await receiversOf(scene, RECEIVERS));
      expect(made.flatMap(({ hookStatuses }) => hookStatuses).filter((status) => status !== 202)).toEqual([]);
      let inFlight = 0;
      for (const share of [0.1, 0.4, 0.7]) {
        await until(async () => (await messageCount(scene)) >= share * RECEIVERS, { ...soon, what: 'part to be sent' });
        const restarted = own.kill('notification-bridge');
        inFlight += await sendingCount(scene);
        await restarted;
      }
      expect(inFlight).toBeGreaterThan(0);
      await healZiik(file, scene.siteId);
      await expectOneEach(
        scene,
        made.flatMap(({ notification }) => notification ?? []),
      );
    });

    test('while a second bridge shares the tenants: it takes over, and nobody gets two', async () => {
      await using scene = await openChat();
      const file = await scene.file();
      await breakZiik(file, { siteId: scene.siteId, kind: 'latency', ms: 200, afterWrite: true, match: { method: 'POST' } }); // prettier-ignore
      await using _second = await startService({ name: 'notification-bridge', env: own.world.serviceEnv });
      const made = await assign(scene, await receiversOf(scene, RECEIVERS));
      await until(async () => (await messageCount(scene)) >= 10, { ...soon, what: 'ten to be sent' });
      await own.kill('notification-bridge');
      await healZiik(file, scene.siteId);
      await expectOneEach(
        scene,
        made.flatMap(({ notification }) => notification ?? []),
      );
    });
  });

  test('a replay of the whole topic beside a bridge that sends: no second message', async () => {
    await using scene = await openChat();
    const people = await receiversOf(scene, 20);
    const made = await assign(scene, people);
    const env = { ...own.world.serviceEnv, BRIDGE_GROUP: `replay-${scene.siteId}` };
    await using replay = await startService({ name: 'notification-bridge', env });
    const known = async (): Promise<number> =>
      Number(/orgstream_bridge_ingested_total\{outcome="known"\} (\d+)/.exec(await replay.metrics())?.[1] ?? 0);
    await until(async () => (await known()) >= made.length, { ...soon, what: 'the replay to meet what is known' });
    await expectOneEach(
      scene,
      made.flatMap(({ notification }) => notification ?? []),
    );
  });

  describe('hooks', () => {
    test('Kafka is away: the hook answers 503, and Learningbank’s next try arrives once', async () => {
      await using scene = await openChat();
      const [ida] = await receiversOf(scene, 1);
      await own.stack.stopBroker();
      const [made] = await assign(scene, [ida!]);
      expect(made!.hookStatuses).toEqual([503]);
      await own.stack.startBroker();
      await retry(scene, made!.notification!);
      expect(await callHook(scene.connected, made!.notification!)).toBe(202);
      await expectOneEach(scene, [made!.notification!]);
    });

    test('SIGKILL of edge between hook and answer: what was not answered is tried again, and arrives once', async () => {
      await using scene = await openChat();
      const people = await receiversOf(scene, 30);
      const assigned = assign(scene, people);
      await until(async () => (await scene.ledger()).length >= 1, {
        ...soon,
        intervalMs: 5,
        what: 'the first to arrive',
      });
      await own.kill('edge');
      const made = await assigned;
      const unanswered = made.filter(({ hookStatuses }) => hookStatuses[0] !== 202);
      for (const { notification } of unanswered) await retry(scene, notification!);
      await expectOneEach(
        scene,
        made.flatMap(({ notification }) => notification ?? []),
      );
    });

    test('SIGKILL of edge while it waits for Kafka: no answer, and the next try arrives once', async () => {
      await using scene = await openChat();
      const [omar] = await receiversOf(scene, 1);
      await own.stack.stopBroker();
      const assigned = assign(scene, [omar!]);
      await until(async () => (await hooksBegun(scene)) > 0, { ...soon, what: 'the hook to be called' });
      await own.kill('edge');
      await own.stack.startBroker();
      const [made] = await assigned;
      expect(made!.hookStatuses).not.toEqual([202]);
      await retry(scene, made!.notification!);
      await expectOneEach(scene, [made!.notification!]);
    });
  });
}

/** Learningbank has told somebody: the hook's call has begun. */
async function hooksBegun(scene: ChatScene): Promise<number> {
  const { notifications } = (await scene.target()) as unknown as { readonly notifications: readonly unknown[] };
  return notifications.length;
}

/** Learningbank tries a hook until it is taken. */
async function retry(scene: ChatScene, notification: Made): Promise<void> {
  await until(async () => (await callHook(scene.connected, notification)) === 202, {
    ...soon,
    intervalMs: 300,
    what: 'the hook to take it',
  });
}
