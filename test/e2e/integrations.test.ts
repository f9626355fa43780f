import { addMembership, hire, renamePerson } from '@orgstream/simulator-ziik';
import { expect, test } from 'vitest';
import { openScene, type Scene } from './scene.ts';
import { openSmallScene } from './small-site.ts';

const snapshotsOf = (scene: Scene) =>
  scene.database
    .query('select snapshot_id, state from sink.snapshot where tenant = $1 order by 1', [scene.joined.tenant])
    .then(({ rows }) => rows);

test('two integrations of one tenant: each platform is in step, a change reaches both, one reading of the source serves both', async () => {
  await using scene = await openScene();
  const before = await snapshotsOf(scene);
  expect(before).toMatchObject([{ state: 'proved' }]);
  const second = await scene.joinAgain({ settings: { uniqueUnits: true } });
  await second.prove();
  expect(await snapshotsOf(scene), 'the proved snapshot is used again').toEqual(before);

  await scene.change(20, 4);
  await scene.prove();
  await second.prove({ parked: 'any' });
});

test('an integration created later starts from what is true now, not from what the snapshot said', async () => {
  await using scene = await openSmallScene();
  await renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Ida Marie' });
  const { personId } = await hire(scene.ziik, scene.siteId, {
    firstName: 'New',
    lastName: 'Comer',
    email: 'new@kaeden.example',
    memberships: [{ unitId: scene.unit('Skive'), roleIds: [scene.role('Trainee')] }],
  });
  await addMembership(scene.ziik, scene.siteId, personId, { unitId: scene.unit('Odense') });
  await scene.prove();
  const later = await scene.joinAgain();
  await later.prove();
  expect(await later.user(scene.person('ida'))).toMatchObject({ firstName: 'Ida Marie' });
  expect((await later.user(personId))?.departmentIds).toHaveLength(2);
});
