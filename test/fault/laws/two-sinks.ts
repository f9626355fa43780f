import { openScene, type Scene } from '@orgstream/e2e/scene';
import { createRandom, dailyWeights, randomChanges, renamePerson } from '@orgstream/simulator-ziik';
import { startService, until, type ServiceHandle } from '@orgstream/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { expectNoSecondCreate, waitStruck } from '../evidence.ts';
import type { OwnWorld } from '../own-world.ts';

let own: OwnWorld;
let database: pg.Pool;
/** The sink beside the supervised one, and the name under which it holds leases. */
let second: ServiceHandle;
let secondId: string;

const soon = { deadlineMs: 60_000, intervalMs: 50 };

const replicas = async (): Promise<readonly string[]> =>
  (await database.query<{ id: string }>('select id from sink.replica')).rows.map(({ id }) => id);

interface Ownership {
  readonly owner: string | null;
  readonly token: string;
}

/** Who owns the scene's platform, and under which token. */
async function ownerOf({ joined }: Scene): Promise<Ownership> {
  const { rows } = await database.query<Ownership>(
    `select p.lease_owner as owner, p.lease_token as token from sink.integration_state s
       join sink.platform p on p.id = s.platform where s.integration_id = $1`,
    [joined.integration],
  );
  return rows[0] ?? { owner: null, token: '0' };
}

/** Scenes, each with a platform of its own, of which either sink owns some. */
async function openShared(options: { readonly unsynced: boolean }): Promise<readonly Scene[]> {
  const scenes = await Promise.all(Array.from({ length: 4 }, () => openScene(options)));
  await until(
    async () => {
      const owners = (await Promise.all(scenes.map(ownerOf))).map(({ owner }) => owner);
      return owners.includes(secondId) && owners.some((owner) => owner !== null && owner !== secondId);
    },
    { ...soon, what: 'both sinks to own platforms' },
  );
  return scenes;
}

/** A synchronised scene whose platform the second sink owns. */
async function openOnSecond(): Promise<Scene> {
  const scenes = await openShared({ unsynced: false });
  const owners = await Promise.all(scenes.map(ownerOf));
  const [scene, ...others] = scenes.toSorted(
    (a, b) =>
      Number(owners[scenes.indexOf(b)]?.owner === secondId) - Number(owners[scenes.indexOf(a)]?.owner === secondId),
  );
  await disposeAll(others);
  return scene!;
}

async function disposeAll(scenes: readonly Scene[]): Promise<void> {
  await Promise.all(scenes.map((scene) => scene[Symbol.asyncDispose]()));
}

/** Renames everybody, so that there is more to do than is under way at once. */
async function renameAll({ ziik, siteId, organisation }: Scene, lastName: string): Promise<void> {
  for (const id of organisation.personIds) await renamePerson(ziik, siteId, id, { lastName });
}

/** What holds while two sinks share the platforms. */
export function twoSinkLaws(world: () => OwnWorld): void {
  beforeAll(() => {
    own = world();
    database = new pg.Pool({ connectionString: own.world.file().postgresUrl, max: 1 });
  });
  afterAll(async () => await database?.end());
  beforeEach(async () => {
    // Platforms of earlier tests would be shared out, too.
    await database.query('delete from control.integration');
    const before = await replicas();
    second = await startService({ name: 'learningbank-sink', env: own.world.serviceEnv });
    secondId = await until(async () => (await replicas()).find((id) => !before.includes(id)), {
      ...soon,
      what: 'the second sink to say that it lives',
    });
  });
  afterEach(async () => {
    second.kill('SIGCONT');
    await second.stop();
  });

  test('two sinks share the platforms in first syncs and bursts: nothing is done twice, nothing is left out', async () => {
    const scenes = await openShared({ unsynced: true });
    const weights = { ...dailyWeights, deleteUnitWithPeople: 0 };
    await Promise.all(
      scenes.map(({ ziik, siteId }, n) => randomChanges(ziik, siteId, { random: createRandom(n), count: 30, weights })),
    );
    for (const scene of scenes) {
      await scene.prove({ parked: 'any' });
      await expectNoSecondCreate(scene);
    }
    await disposeAll(scenes);
  });

  test('a sink that is killed: the other takes over what it had begun', async () => {
    await using scene = await openOnSecond();
    await scene.fault({ kind: 'latency', ms: 300 });
    const renamed = renameAll(scene, 'Lund');
    await waitStruck(scene, 5);
    second.kill('SIGKILL');
    await renamed;
    await scene.prove();
    await expectNoSecondCreate(scene);
    expect((await ownerOf(scene)).owner).not.toBe(secondId);
  });

  test('a sink that stood still for longer than its lease: its writes are refused when it wakes', async () => {
    await using scene = await openOnSecond();
    const before = await ownerOf(scene);
    expect(before.owner).toBe(secondId);
    await scene.fault({ kind: 'latency', ms: 400 });
    await renameAll(scene, 'Lund');
    // Some calls are under way, others wait for their turn in its memory.
    await waitStruck(scene, 4);
    second.kill('SIGSTOP');
    await until(async () => (await ownerOf(scene)).token !== before.token, { ...soon, what: 'the other to take over' });
    await renameAll(scene, 'Krogh');
    await scene.healFaults();
    await scene.prove();

    const { seq } = (await scene.calls()).at(-1)!;
    const { rows } = await database.query<{ last: string }>('select max(id) as last from sink.attempt');
    second.kill('SIGCONT');
    await until(() => second.output().includes('another replica owns the platform'), { ...soon, what: 'it to notice' });
    await scene.prove();
    const stale = 'select * from sink.attempt where id > $1 and lease_token = $2 and integration_id = $3';
    expect((await database.query(stale, [rows[0]!.last, before.token, scene.joined.integration])).rows).toEqual([]);
    expect((await scene.calls(seq)).filter(({ method, route }) => method !== 'GET' && route !== '/auth/token')).toEqual(
      [],
    );
  });
}
