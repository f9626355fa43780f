import { topics } from '@orgstream/core';
import { openScene, type Scene } from '@orgstream/e2e/scene';
import { openSmallScene } from '@orgstream/e2e/small-site';
import { createRandom, dailyWeights, randomChanges, renamePerson } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { openElsewhere } from '../elsewhere.ts';
import { expectNoSecondCreate, struck, waitForCode, waitForFirstName, waitStruck } from '../evidence.ts';
import type { OwnWorld } from '../own-world.ts';
import { readRecords, registerNext, writeRecord } from '../records.ts';

let own: OwnWorld;

const weights = { ...dailyWeights, deleteUnitWithPeople: 0 };

/** A scene whose own connections may break. */
async function openSteady(): Promise<Scene> {
  const scene = await openScene();
  scene.ziik.on('error', () => {});
  scene.database.on('error', () => {});
  return scene;
}

/** Makes changes and, a good way into them, `fault`; resolves when all changes are made. */
async function inBurst({ ziik, siteId }: Scene, fault: () => Promise<void>): Promise<void> {
  let made = 0;
  const burst = randomChanges(ziik, siteId, {
    random: createRandom(made),
    count: 100,
    ratePerSecond: 30,
    weights,
    onChange: () => (made += 1),
  });
  await until(() => made >= 20, { deadlineMs: 60_000, what: 'twenty changes' });
  await Promise.all([fault(), burst]);
}

/** What holds while Kafka, the registry, either Postgres or a platform is away, and with records nobody can decode yet. */
export function infrastructureLaws(world: () => OwnWorld): void {
  beforeAll(() => {
    own = world();
  });

  describe('the broker is killed', () => {
    test('in a burst: nothing is lost, nothing is created twice', async () => {
      await using scene = await openSteady();
      await inBurst(scene, async () => {
        await own.stack.stopBroker();
        await own.stack.startBroker();
      });
      await scene.prove({ parked: 'any' });
      await expectNoSecondCreate(scene);
    });

    test('and stays away for a whole burst: the changes wait in the source and arrive', async () => {
      await using scene = await openSteady();
      await own.stack.stopBroker();
      await randomChanges(scene.ziik, scene.siteId, { random: createRandom(2), count: 40, weights });
      await own.stack.startBroker();
      await scene.prove({ parked: 'any' });
      await expectNoSecondCreate(scene);
    });
  });

  describe('the registry is killed', () => {
    test('schemas that are known go on working, so changes arrive meanwhile', async () => {
      await using scene = await openSteady();
      await own.stack.stopRegistry();
      await randomChanges(scene.ziik, scene.siteId, { random: createRandom(3), count: 20, weights });
      await scene.prove({ parked: 'any' });
      await own.stack.startRegistry();
    });

    test('services that are killed meanwhile come back with it', async () => {
      await using scene = await openSteady();
      await own.stack.stopRegistry();
      const restarted = ['ziik-cdc', 'normalizer', 'learningbank-sink'].map((name) => own.kill(name));
      await randomChanges(scene.ziik, scene.siteId, { random: createRandom(4), count: 20, weights });
      await own.stack.startRegistry();
      await Promise.all(restarted);
      await scene.prove({ parked: 'any' });
    });
  });

  describe('Postgres crashes', () => {
    test('ours, in a burst: nothing is lost, nothing is created twice', async () => {
      await using scene = await openSteady();
      await inBurst(scene, async () => {
        await own.stack.stopPostgres();
        await own.stack.startPostgres();
      });
      await scene.prove({ parked: 'any' });
      await expectNoSecondCreate(scene);
    });

    test('ours, in a first sync: it goes on where it was', async () => {
      await using scene = await openScene({ unsynced: true, organisation: { people: 60 } });
      scene.database.on('error', () => {});
      await scene.fault({ kind: 'latency', ms: 50 });
      await waitStruck(scene, 20);
      await own.stack.stopPostgres();
      await own.stack.startPostgres();
      await scene.healFaults();
      await scene.prove();
      await expectNoSecondCreate(scene);
    });

    test("Ziik's, between two bursts: the stream goes on where it was", async () => {
      await using scene = await openSteady();
      await randomChanges(scene.ziik, scene.siteId, { random: createRandom(5), count: 30, weights });
      await own.source.stop();
      await own.source.start();
      await randomChanges(scene.ziik, scene.siteId, { random: createRandom(6), count: 30, weights });
      await scene.prove({ parked: 'any' });
      await expectNoSecondCreate(scene);
    });
  });

  describe('a schema id that the registry does not know', () => {
    test.each([
      [topics.ziikChanges, 'users'],
      [topics.directoryChanges, 'person'],
    ])('in %s: its partition waits, the others go on; it resumes when the registry knows', async (topic, table) => {
      await using scene = await openSmallScene();
      await using other = await openElsewhere(topic, scene);
      const file = await scene.file();
      const pia = scene.person('pia');
      const key = `${scene.joined.tenant}/${table}/${pia}`;
      const original = (await readRecords(file, topic, (record) => record.key === key)).at(-1)!.value!;

      const next = await registerNext(file, original);
      const value = Buffer.from(original);
      value.writeInt32BE(next.id, 1);
      await writeRecord(file, { topic, tenant: scene.joined.tenant, key, value });
      await renamePerson(scene.ziik, scene.siteId, pia, { firstName: 'Pernille' });
      await renamePerson(other.ziik, other.siteId, other.person('eva'), { firstName: 'Evelyn' });
      await waitForFirstName(other, other.person('eva'), 'Evelyn');

      expect((await scene.user(pia))?.firstName).toBe('Pia');
      expect(await scene.parked()).toEqual({});
      await next.register();
      await scene.prove();
      await other.prove();
    });
  });

  test('one change alone waits for its platform to come back, however often it is tried: it is not parked', async () => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'status', status: 503 });
    await renamePerson(scene.ziik, scene.siteId, scene.person('pia'), { firstName: 'Pernille' });
    // So many tries make a breaker of its calls' share not open, and an object be given up: now the platform is asked.
    await waitForCode(scene, 'TARGET_ERROR');
    expect((await struck(scene)).length).toBeGreaterThanOrEqual(8);
    expect(await scene.parked()).toEqual({});
    await scene.healFaults();
    await scene.prove();
  });
}
