import {
  addMembership,
  changeRole,
  createRole,
  createUnit,
  deleteRole,
  hire,
  membershipsOf,
  moveMembership,
  removeMembership,
  renamePerson,
  renameRole,
  reorderMemberships,
  setRoles,
} from '@orgstream/simulator-ziik';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSmallScene, type PersonName, type SmallScene } from './small-site.ts';

let scene: SmallScene;
afterAll(() => scene[Symbol.asyncDispose]());

const firstMembership = async (name: PersonName): Promise<string> =>
  (await membershipsOf(scene.ziik, scene.siteId, scene.person(name)))[0]!.id;

describe('memberships', () => {
  beforeAll(async () => {
    scene = await openSmallScene();
  });

  test('one more: the user is in the departments of all; permission types stay those of the first', async () => {
    const id = scene.person('ida');
    const place = { unitId: scene.unit('Odense'), roleIds: [scene.role('Trainee')] };
    await addMembership(scene.ziik, scene.siteId, id, place);
    await scene.prove();
    expect(await scene.user(id)).toMatchObject({
      departmentIds: await scene.departmentIds('Aalborg', 'Odense'),
      permissionTypeIds: await scene.permissionTypeIds('Seller'),
    });
  });

  test('reordered: the first membership flips, and with it primary department and permission types', async () => {
    const id = scene.person('ida');
    const own = await membershipsOf(scene.ziik, scene.siteId, id);
    await reorderMemberships(scene.ziik, scene.siteId, own.map((one) => one.id).toReversed());
    await scene.prove();
    expect(await scene.user(id)).toMatchObject({
      departmentIds: await scene.departmentIds('Odense', 'Aalborg'),
      permissionTypeIds: await scene.permissionTypeIds('Trainee'),
    });
  });

  test('moved: the old department is left, the new one entered', async () => {
    await moveMembership(scene.ziik, scene.siteId, await firstMembership('omar'), scene.unit('Svendborg'));
    await scene.prove();
    expect((await scene.user(scene.person('omar')))?.departmentIds).toEqual(await scene.departmentIds('Svendborg'));
  });

  test('the first one removed: the next one takes its place', async () => {
    await removeMembership(scene.ziik, scene.siteId, await firstMembership('ida'));
    await scene.prove();
    expect(await scene.user(scene.person('ida'))).toMatchObject({
      departmentIds: await scene.departmentIds('Aalborg'),
      permissionTypeIds: await scene.permissionTypeIds('Seller'),
    });
  });

  test('the last one removed: default department, no permission type of ours', async () => {
    const last = await firstMembership('pia');
    await removeMembership(scene.ziik, scene.siteId, last, { allowLast: true });
    await scene.prove();
    const { defaults } = await scene.target();
    const user = await scene.user(scene.person('pia'));
    expect(user?.departmentIds).toEqual([defaults.departmentId]);
    expect(user?.permissionTypeIds).not.toContain((await scene.permissionTypeIds('Trainee'))[0]);
  });

  test('of the top unit: the top department; of a Ziik department: the department of its unit only', async () => {
    const bakery = { parentId: scene.unit('Aalborg'), name: 'Bakery', unitType: 'department' };
    const departmentId = await createUnit(scene.ziik, scene.siteId, bakery);
    const { personId } = await hire(scene.ziik, scene.siteId, {
      firstName: 'Top',
      lastName: 'Baker',
      email: 'top@kaeden.example',
      memberships: [{ unitId: scene.unit('Kaeden') }, { unitId: scene.unit('Aalborg'), departmentId }],
    });
    await scene.prove();
    const { departments } = await scene.target();
    const top = departments.find((one) => one.isTop)!.id;
    expect((await scene.user(personId))?.departmentIds).toEqual([top, ...(await scene.departmentIds('Aalborg'))]);
    expect(departments.some((one) => one.name === 'Bakery')).toBe(false);
  });
});

describe('roles', () => {
  beforeAll(async () => {
    await scene[Symbol.asyncDispose]();
    scene = await openSmallScene({
      platform: { permissionTypes: ['First aider'], jobProfiles: ['Seller', 'Store manager', 'By hand'] },
    });
  });
  const profile = async (name: string): Promise<number | undefined> =>
    (await scene.target()).jobProfiles.find((one) => one.name === name)?.id;

  test('given and taken: the permission types follow, a foreign one survives', async () => {
    const id = scene.person('ida');
    const user = await scene.user(id);
    const foreign = (await scene.target()).permissionTypes.find((one) => one.name === 'First aider')!.id;
    await scene.byHand('PUT', `/users/${user?.id}/permission-types`, { add: [foreign], remove: [] });
    await changeRole(scene.ziik, scene.siteId, id, [scene.role('Store manager'), scene.role('Trainee')]);
    await scene.prove();
    const wanted = [foreign, ...(await scene.permissionTypeIds('Store manager', 'Trainee'))];
    expect(new Set((await scene.user(id))?.permissionTypeIds)).toEqual(new Set(wanted));
  });

  test('the job profile follows the person’s own role, and the first of several that match wins', async () => {
    expect((await scene.user(scene.person('ida')))?.jobProfileId).toBe(await profile('Store manager'));
    const id = scene.person('jan');
    expect((await scene.user(id))?.jobProfileId).toBe(await profile('Seller'));
    const membership = await firstMembership('jan');
    await setRoles(scene.ziik, scene.siteId, membership, [scene.role('Store manager'), scene.role('Seller')]);
    await scene.prove({ oracle: { jobProfiles: true } });
    expect((await scene.user(id))?.jobProfileId).toBe(await profile('Store manager'));
  });

  test('a job profile changed by hand is not reset by a rename, a new unit or a renamed role', async () => {
    const id = scene.person('omar');
    const byHand = await profile('By hand');
    const user = await scene.user(id);
    await scene.byHand('PATCH', `/users/${user?.id}`, { jobProfileId: byHand });
    await moveMembership(scene.ziik, scene.siteId, await firstMembership('omar'), scene.unit('Skive'));
    await renameRole(scene.ziik, scene.siteId, scene.role('Trainee'), 'Apprentice');
    await scene.prove();
    expect(await scene.user(id)).toMatchObject({
      jobProfileId: byHand,
      departmentIds: await scene.departmentIds('Skive'),
    });
    const [trainee] = await scene.permissionTypeIds('Trainee');
    expect((await scene.target()).permissionTypes.find((one) => one.id === trainee)?.name).toBe('Apprentice');
  });

  test('a job profile created later rewrites nobody', async () => {
    const before = await scene.user(scene.person('kai'));
    await scene.byHand('POST', '/job-profiles', { name: 'Apprentice' });
    await renamePerson(scene.ziik, scene.siteId, scene.person('kai'), { lastName: 'Renamed' });
    await scene.prove();
    expect(await scene.user(scene.person('kai'))).toMatchObject({
      lastName: 'Renamed',
      jobProfileId: before?.jobProfileId,
    });
  });

  test('a role without a job profile of its name leaves the profile as it is', async () => {
    const before = await scene.user(scene.person('eva'));
    await changeRole(scene.ziik, scene.siteId, scene.person('eva'), [scene.role('Trainee')]);
    await scene.prove();
    expect((await scene.user(scene.person('eva')))?.jobProfileId).toBe(before?.jobProfileId);
  });

  test('created: a permission type without rights; a second role of the same name is parked until it is renamed', async () => {
    const first = await createRole(scene.ziik, scene.siteId, 'Chauffør');
    await scene.prove();
    const second = await createRole(scene.ziik, scene.siteId, ' Chauffør ');
    await scene.prove({ parked: { [`role ${second}`]: 'PERMISSION_TYPE_NAME_TAKEN' } });
    await renameRole(scene.ziik, scene.siteId, first, 'Driver');
    await scene.prove();
    expect([(await scene.permissionType(first))?.name, (await scene.permissionType(second))?.name]).toEqual([
      'Driver',
      'Chauffør',
    ]);
  });

  test('two roles swap their names in one transaction', async () => {
    const [seller, manager] = [scene.role('Seller'), scene.role('Store manager')];
    const before = await scene.permissionTypeIds('Seller', 'Store manager');
    await scene.ziik.query(
      `update user_types set name = case id when $1 then 'Store manager' else 'Seller' end where id in ($1, $2)`,
      [seller, manager],
    );
    await scene.prove();
    expect(await scene.permissionTypeIds('Seller', 'Store manager'), 'the same objects').toEqual(before);
    expect((await scene.permissionType(seller))?.name).toBe('Store manager');
  });

  test.each(['soft', 'hard'] as const)(
    'deleted (%s): what we made is deleted, nobody has it any more; the foreign one stays',
    async (mode) => {
      const name = mode === 'soft' ? 'Seller' : 'Store manager';
      const [id] = await scene.permissionTypeIds(name);
      await deleteRole(scene.ziik, scene.siteId, scene.role(name), { mode });
      await scene.prove();
      const { permissionTypes, users } = await scene.target();
      expect(permissionTypes.some((one) => one.id === id)).toBe(false);
      expect(users.some((one) => one.permissionTypeIds.includes(id!))).toBe(false);
      expect(permissionTypes.some((one) => one.name === 'First aider')).toBe(true);
    },
  );

  test('deleted while people still have it on their memberships: they lose it, and it goes', async () => {
    const [id] = await scene.permissionTypeIds('Trainee');
    await deleteRole(scene.ziik, scene.siteId, scene.role('Trainee'), { strip: false });
    await scene.prove();
    expect((await scene.target()).users.some((one) => one.permissionTypeIds.includes(id!))).toBe(false);
  });
});
