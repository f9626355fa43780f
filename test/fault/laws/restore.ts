import { topics } from '@orgstream/core';
import { openSmallScene, type SmallScene } from '@orgstream/e2e/small-site';
import { createUnit, deactivate, deleteUnit, hire, reactivate, renamePerson } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import type { LoggedCall } from '@orgstream/world';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { ask, waitAsked } from '../ask.ts';
import { copyDatabase } from '../database-copy.ts';
import { openElsewhere } from '../elsewhere.ts';
import { expectNoSecondCreate, waitForFirstName } from '../evidence.ts';
import type { OwnWorld } from '../own-world.ts';

let own: OwnWorld;

const soon = { deadlineMs: 90_000, intervalMs: 100 };

/** A scene whose connections to our database are cut when that is replaced. */
async function openSteady(): Promise<SmallScene> {
  const scene = await openSmallScene();
  scene.database.on('error', () => {});
  return scene;
}

const last = async (scene: SmallScene): Promise<number> => (await scene.calls()).at(-1)?.seq ?? 0;
const text = ({ body }: LoggedCall): string => JSON.stringify(body ?? '');

/** Slot and offsets of the source are beyond what the copy knows: `orgstream snapshot --source`, as the runbook has it. */
async function readSourceAgain(scene: SmallScene): Promise<void> {
  const id = await ask(scene, 'ziik-cdc', 'snapshot', {
    source: 'eu1',
    reason: 'restored',
    recreate: true,
    newEpoch: true,
  });
  expect(await waitAsked(scene, id)).toMatchObject({ state: 'done' });
}

/** Ingest can store no people until this is disposed; everybody may read them. */
async function holdPeople({ world }: OwnWorld): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: world.file().postgresUrl });
  await client.connect();
  await client.query('begin; lock table sink.person in exclusive mode');
  return { [Symbol.asyncDispose]: () => client.end() };
}

/** Waits until the sink has put something right at a tenant that needs no catching up. */
async function waitAtWork(other: SmallScene): Promise<void> {
  const since = await last(other);
  const unit = other.unit('Odense');
  const { integration } = other.joined;
  await other.database.query(
    `with odd as (update sink.link set applied = applied || '{"name": "Odd"}'
                   where integration_id = $1 and kind = 'unit' and id = $2)
     insert into sink.work (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at) values ($1, 'unit', $2, 1, 0, 0, now())
     on conflict (integration_id, kind, id) do update set generation = excluded.generation, state = 'ready', next_at = now()`,
    [integration, unit],
  );
  const isRight = async () => (await other.calls(since)).some(({ method }) => method !== 'GET' && method !== 'POST');
  await until(isRight, { ...soon, what: 'the sink to be at work' });
}

/** What holds when our Postgres is put back to an older copy while Kafka, the source and the targets went on. */
export function restoreLaws(world: () => OwnWorld): void {
  beforeAll(() => {
    own = world();
  });

  test('an older copy is put back: it catches up before it sends; no twin, nobody back, nothing old over something newer', async () => {
    await using scene = await openSteady();
    await using other = await openElsewhere(topics.directoryChanges, scene, openSteady);
    const { ziik, siteId } = scene;
    // Outstanding when the copy is made: what the copy would send is what somebody was called long ago.
    await scene.fault({ kind: 'status', status: 503 });
    await renamePerson(ziik, siteId, scene.person('eva'), { firstName: 'Outdated' });
    const isMarked = async () => (await scene.work()).some(({ id }) => id === scene.person('eva'));
    await until(isMarked, { ...soon, what: 'the old name to be outstanding' });
    const copy = await copyDatabase(own, own.services);
    await scene.healFaults();

    const unitId = await createUnit(ziik, siteId, { parentId: scene.unit('Kaeden'), name: 'Vejle' });
    const memberships = [{ unitId, position: 0, roleIds: [scene.role('Seller')] }];
    const { personId } = await hire(ziik, siteId, { firstName: 'Nye', lastName: 'Holm', email: `nye-${siteId}@kaeden.example`, memberships }); // prettier-ignore
    await renamePerson(ziik, siteId, scene.person('eva'), { firstName: 'Newest' });
    await deactivate(ziik, siteId, scene.person('omar'));
    await waitForFirstName(scene, scene.person('eva'), 'Newest');
    await scene.prove();
    const before = await last(scene);
    const target = await scene.target();

    // Whoever leaves while everything is down is told of by nobody but the source.
    {
      await using hold = new AsyncDisposableStack();
      await copy.restore(async () => void hold.use(await holdPeople(own)));
      // The sink is at work, and reads people as the copy has them; whoever reads on cannot store what came since.
      for (let turns = 0; turns < 3; turns += 1) await waitAtWork(other);
    }
    await readSourceAgain(scene);
    await deactivate(ziik, siteId, scene.person('pia'));
    await scene.prove();
    await other.prove();

    await expectNoSecondCreate(scene);
    const sent = (await scene.calls(before)).filter(({ method }) => method !== 'GET');
    expect(sent.filter((call) => text(call).includes('Outdated'))).toEqual([]);
    expect(sent.filter(({ method, route }) => method === 'POST' && route === '/users')).toEqual([]);
    expect((await scene.user(personId))?.id).toBe(target.users.find(({ firstName }) => firstName === 'Nye')?.id);
    // He left after the copy was made; the copy has him active.
    expect((await scene.user(scene.person('omar')))?.isActive).toBe(false);
    expect(sent.filter((call) => text(call).includes('"isActive":true'))).toEqual([]);
    expect((await scene.user(scene.person('pia')))?.isActive).toBe(false);
  });

  test('what was made, removed and undone after the copy is found as it is', async () => {
    await using scene = await openSteady();
    const { ziik, siteId } = scene;
    const gone = await createUnit(ziik, siteId, { parentId: scene.unit('Nord'), name: 'Skagen' });
    await deactivate(ziik, siteId, scene.person('jan'));
    await scene.prove();
    const copy = await copyDatabase(own, own.services);
    await deleteUnit(ziik, siteId, gone);
    await reactivate(ziik, siteId, scene.person('jan'));
    await scene.prove();
    await copy.restore();
    await readSourceAgain(scene);
    await scene.prove();
    await expectNoSecondCreate(scene);
    expect((await scene.user(scene.person('jan')))?.isActive).toBe(true);
    expect(await scene.department(gone)).toBeUndefined();
  });
}
