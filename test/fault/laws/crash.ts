import { openScene, type Scene } from '@orgstream/e2e/scene';
import { createRandom, dailyWeights, randomChanges } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { countUsers, expectNoSecondCreate } from '../evidence.ts';
import { holdTable } from '../hold.ts';
import type { OwnWorld } from '../own-world.ts';

let own: OwnWorld;

const services = ['ziik-cdc', 'normalizer', 'learningbank-sink'] as const;

// Whose roles count while the first membership's unit is deleted is a question of rules, not of faults.
const weights = { ...dailyWeights, deleteUnitWithPeople: 0 };

/** States of the snapshots of the scene's tenant. */
async function snapshotsOf({ database, joined }: Scene): Promise<readonly string[]> {
  const sql = 'select state from cdc.snapshot where tenant = $1';
  return (await database.query<{ state: string }>(sql, [joined.tenant])).rows.map(({ state }) => state);
}

async function crashInFirstSync(names: readonly string[]): Promise<void> {
  let hold: AsyncDisposable | undefined;
  await using scene = await openScene({
    unsynced: true,
    organisation: { people: 60 },
    before: async () => {
      hold = await holdTable(own.source.url, 'memberships');
    },
  });
  {
    await using _ = hold!;
    await until(async () => (await snapshotsOf(scene)).includes('running'), {
      deadlineMs: 60_000,
      what: 'the snapshot to stand at the memberships',
    });
    await Promise.all(names.map((name) => own.kill(name)));
  }
  await scene.prove();
  await expectNoSecondCreate(scene);
  expect(await snapshotsOf(scene)).toEqual(['done']);
}

async function crashInBurst(names: readonly string[]): Promise<void> {
  await using scene = await openScene();
  // Changes go on before, while and after the services are dead.
  let made = 0;
  const burst = randomChanges(scene.ziik, scene.siteId, {
    random: createRandom(made),
    count: 120,
    ratePerSecond: 40,
    weights,
    onChange: () => (made += 1),
  });
  await until(() => made >= 30, { deadlineMs: 60_000, what: 'thirty changes' });
  const restarted = names.map((name) => own.kill(name));
  expect(made).toBeLessThan(120);
  await Promise.all([...restarted, burst]);
  await scene.prove({ parked: 'any' });
  await expectNoSecondCreate(scene);
}

/** What holds when services are killed in the middle of their work. */
export function crashLaws(world: () => OwnWorld): void {
  beforeAll(() => {
    own = world();
  });

  describe('SIGKILL in the middle of a first sync', () => {
    test.each(services)('%s: the sync goes on where it was, nothing is created twice', (name) =>
      crashInFirstSync([name]),
    );

    test('all three at once: the sync goes on where it was, nothing is created twice', () =>
      crashInFirstSync(services));

    test('the sink while it creates people: what it had begun is found again, not created again', async () => {
      await using scene = await openScene({ unsynced: true, organisation: { people: 150 } });
      await scene.fault({ kind: 'latency', ms: 60 });
      await until(async () => (await countUsers(scene)) >= 20, { deadlineMs: 60_000, what: 'twenty users' });
      const restarted = own.kill('learningbank-sink');
      expect(await countUsers(scene)).toBeLessThan(150);
      await restarted;
      await scene.healFaults();
      await scene.prove();
      await expectNoSecondCreate(scene);
    });
  });

  describe('SIGKILL in the middle of a burst of live changes', () => {
    test.each(services)('%s: no change is lost, nothing is created twice', (name) => crashInBurst([name]));

    test('all three at once: no change is lost, nothing is created twice', () => crashInBurst(services));
  });
}
