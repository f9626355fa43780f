import { deactivate, deleteUnit, hire, renamePerson } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { openSmallScene, type SmallScene } from './small-site.ts';

const stateOf = async (scene: SmallScene) => {
  const sql = 'select state, code from sink.integration_state where integration_id = $1';
  return (await scene.database.query<{ state: string; code: string | null }>(sql, [scene.joined.integration])).rows[0];
};
const halted = (scene: SmallScene, code: string) =>
  until(async () => (await stateOf(scene))?.code === code, { deadlineMs: 15_000, what: code });

/** Waits until the sink has read this name, whatever it does with it. */
const isRead = (scene: SmallScene, personId: string, firstName: string) =>
  until(
    async () => {
      const sql = 'select first_name from sink.person where tenant = $1 and id = $2';
      return (await scene.database.query(sql, [scene.joined.tenant, personId])).rows[0]?.first_name === firstName;
    },
    { deadlineMs: 15_000, what: 'the fact to be read' },
  );

test('the top unit deleted: the tenant stops with TOP_UNIT_CHANGED, nothing is removed', async () => {
  await using scene = await openSmallScene();
  const before = await scene.target();
  await deleteUnit(scene.ziik, scene.siteId, scene.unit('Kaeden'), { subtree: true, people: 'leave' });
  await halted(scene, 'TOP_UNIT_CHANGED');
  const { personId } = await hire(scene.ziik, scene.siteId, {
    firstName: 'Too late',
    lastName: 'Comer',
    email: 'late@kaeden.example',
    memberships: [{ unitId: scene.unit('Nord') }],
  });
  await isRead(scene, personId, 'Too late');
  expect(await scene.target()).toEqual(before);
});

test('the site deleted: the tenant stops with TENANT_GONE, nobody is removed', async () => {
  await using scene = await openSmallScene();
  const before = await scene.target();
  await scene.ziik.query('delete from sites where id = $1', [scene.siteId]);
  await halted(scene, 'TENANT_GONE');
  await deactivate(scene.ziik, scene.siteId, scene.person('ida'));
  await renamePerson(scene.ziik, scene.siteId, scene.person('omar'), { firstName: 'Unseen' });
  await isRead(scene, scene.person('omar'), 'Unseen');
  expect(await scene.target()).toEqual(before);
});

test('the integration disabled: facts are read on, nothing is sent', async () => {
  await using scene = await openSmallScene();
  const before = await scene.target();
  const disable = 'update control.integration set enabled = false, generation = generation + 1 where id = $1';
  await scene.database.query(disable, [scene.joined.integration]);
  await renamePerson(scene.ziik, scene.siteId, scene.person('omar'), { firstName: 'Unseen' });
  await deactivate(scene.ziik, scene.siteId, scene.person('ida'));
  await isRead(scene, scene.person('omar'), 'Unseen');
  expect(await scene.target()).toEqual(before);
});

test('a protected identity is never deactivated, moved or stripped: PROTECTED, names follow', async () => {
  await using scene = await openSmallScene({
    settings: { protectedEmails: ['ida@kaeden.example', 'omar@kaeden.example'] },
  });
  const [ida, omar] = [scene.person('ida'), scene.person('omar')];
  await deactivate(scene.ziik, scene.siteId, ida);
  await scene.ziik.query('update memberships set unit_id = $2 where user_id = $1', [omar, scene.unit('Skive')]);
  await renamePerson(scene.ziik, scene.siteId, omar, { firstName: 'Omar Ali' });
  await scene.converge();
  expect(await scene.parked()).toEqual({ [`person ${ida}`]: 'PROTECTED', [`person ${omar}`]: 'PROTECTED' });
  expect(await scene.user(ida)).toMatchObject({ isActive: true });
  expect(await scene.user(omar)).toMatchObject({
    firstName: 'Omar Ali',
    departmentIds: await scene.departmentIds('Hobro'),
  });
});
