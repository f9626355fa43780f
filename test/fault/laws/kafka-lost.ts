import { topics } from '@orgstream/core';
import { openSmallScene, type SmallScene } from '@orgstream/e2e/small-site';
import { applyTopics, createKafka } from '@orgstream/kafka';
import { deactivate, hardDelete, hire, renamePerson } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { beforeAll, expect, test } from 'vitest';
import { ask, waitAsked } from '../ask.ts';
import { expectNoSecondCreate } from '../evidence.ts';
import type { OwnWorld } from '../own-world.ts';

let own: OwnWorld;

/** `orgstream topics apply`. */
async function applyOwnTopics(): Promise<void> {
  const kafka = createKafka({ brokers: own.stack.kafkaBrokers.split(','), clientId: 'orgstream-fault' });
  await applyTopics(kafka, { partitions: 12, replicationFactor: 1 });
}

const writes = async (scene: SmallScene, since: number): Promise<number> =>
  (await scene.calls(since)).filter(({ method, route }) => method !== 'GET' && route !== '/auth/token').length;
const last = async (scene: SmallScene): Promise<number> => (await scene.calls()).at(-1)?.seq ?? 0;

/** The sink ends with a code each time it is started. */
async function waitRefused(scene: SmallScene): Promise<void> {
  const log = own.logOf('learningbank-sink');
  await until(async () => (await log()).includes('TOPIC_REPLACED'), {
    deadlineMs: 120_000,
    intervalMs: 200,
    what: 'the sink to refuse the log',
  });
  expect(await scene.database.query(`select from sink.ingest_offset where topic = $1`, [topics.directoryChanges])).toMatchObject({ rowCount: 12 }); // prettier-ignore
}

/** What holds when Kafka is lost with all that was in it, and another one is put in its place. */
export function kafkaLostLaws(world: () => OwnWorld): void {
  beforeAll(() => {
    own = world();
  });

  test('another cluster: nothing is sent until an operator accepts it and a fresh snapshot is proved; no twin, nobody back', async () => {
    await using scene = await openSmallScene();
    const { ziik, siteId } = scene;
    await deactivate(ziik, siteId, scene.person('omar'));
    await scene.prove();
    const before = await last(scene);
    // On its way when Kafka dies: whatever of it was not applied is known to the source alone.
    await renamePerson(ziik, siteId, scene.person('ida'), { firstName: 'Idun' });
    await own.stack.replaceBroker();
    await hardDelete(ziik, siteId, scene.person('pia'));
    const memberships = [{ unitId: scene.unit('Odense'), position: 0, roleIds: [scene.role('Seller')] }];
    await hire(ziik, siteId, {
      firstName: 'Nye',
      lastName: 'Holm',
      email: `nye-${siteId}@kaeden.example`,
      memberships,
    });
    await applyOwnTopics();
    await waitRefused(scene);
    const accept = await ask(scene, 'learningbank-sink', 'topic.accept', { by: 'test' });
    expect(await waitAsked(scene, accept)).toMatchObject({ state: 'done', result: { sources: ['eu1'] } });
    const proved = async (): Promise<boolean> => {
      const sql = `select from sink.snapshot where tenant = $1 and state = 'proved'`;
      return (await scene.database.query(sql, [scene.joined.tenant])).rowCount! > 0;
    };
    const sentBefore = await writes(scene, before);
    // Counted before it is looked whether there is a proof: what was counted then was sent without one.
    let sentUnproved = sentBefore;
    const looked = async (): Promise<boolean> => {
      const sent = await writes(scene, before);
      if (await proved()) return true;
      sentUnproved = sent;
      return false;
    };
    await until(looked, { deadlineMs: 120_000, intervalMs: 20, what: 'a fresh snapshot to be proved' });
    expect(sentUnproved).toBe(sentBefore);
    await scene.prove();
    await expectNoSecondCreate(scene);
    expect((await scene.user(scene.person('pia')))?.isActive).toBe(false);
    expect((await scene.user(scene.person('omar')))?.isActive).toBe(false);
    expect((await scene.user(scene.person('ida')))?.firstName).toBe('Idun');
    const back = (await scene.calls(before)).filter(({ body }) =>
      JSON.stringify(body ?? '').includes('"isActive":true'),
    );
    expect(back.filter(({ route }) => route !== '/users')).toEqual([]);
  });

  test('an accept while nothing is lost is refused', async () => {
    await using scene = await openSmallScene();
    const id = await ask(scene, 'learningbank-sink', 'topic.accept', { by: 'test' });
    expect(await waitAsked(scene, id)).toMatchObject({ state: 'failed', code: 'ACTION_NOT_POSSIBLE' });
    await scene.prove();
  });
}
