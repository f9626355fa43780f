import { deleteUnit, moveUnit, renameRole, renameUnit } from '@orgstream/simulator-ziik';
import { describe, expect, test } from 'vitest';
import { homeOf, openSmallScene } from './small-site.ts';

const ida = { firstName: 'Ida', lastName: 'Gammel', email: 'IDA@kaeden.example', language: 'en' };

describe('what was at the target before us', () => {
  test('a user is adopted by e-mail: fields and departments follow, language, job profile and other permissions stay', async () => {
    await using scene = await openSmallScene({
      platform: {
        jobProfiles: ['Seller', 'By hand'],
        permissionTypes: ['First aider'],
        users: [{ ...ida, jobProfile: 'By hand', permissionTypes: ['First aider', 'Manager'] }],
      },
    });
    await scene.prove();
    const { users, permissionTypes, jobProfiles } = await scene.target();
    const adopted = users.filter((one) => one.email?.toLowerCase() === scene.email('ida'));
    expect(adopted).toHaveLength(1);
    const own = (name: string) => permissionTypes.find((one) => one.name === name)?.id;
    expect(adopted[0]).toMatchObject({
      lastName: 'Holm',
      language: 'en',
      departmentIds: await scene.departmentIds(homeOf('ida').unit),
      jobProfileId: jobProfiles.find((one) => one.name === 'By hand')?.id,
    });
    expect(new Set(adopted[0]?.permissionTypeIds)).toEqual(
      new Set([own('First aider'), own('Manager'), own(homeOf('ida').role)]),
    );
  });

  test('departments are adopted by parent and exact name; of the same name elsewhere a new one is made', async () => {
    await using scene = await openSmallScene({
      platform: {
        departments: [{ name: 'Nord' }, { name: 'Skive', parent: 'Nord' }, { name: 'Odense', parent: 'Nord' }],
      },
    });
    await scene.prove();
    const { departments } = await scene.target();
    const named = (name: string) => departments.filter((one) => one.name === name);
    expect([named('Nord').length, named('Skive').length, named('Odense').length]).toEqual([1, 1, 2]);
    expect(await scene.department(scene.unit('Odense'))).toBeDefined();

    await renameUnit(scene.ziik, scene.siteId, scene.unit('Nord'), 'Nordjylland');
    await moveUnit(scene.ziik, scene.siteId, scene.unit('Skive'), scene.unit('Syd'));
    await scene.prove();
    const skive = named('Skive')[0]!.id;
    const after = (await scene.target()).departments;
    expect(after.find((one) => one.id === named('Nord')[0]!.id)?.name, 'adopted: follows a rename').toBe('Nordjylland');
    expect(after.find((one) => one.id === skive)?.parentId, 'adopted: follows a move').toBe(
      (await scene.department(scene.unit('Syd')))?.id,
    );

    await deleteUnit(scene.ziik, scene.siteId, scene.unit('Skive'));
    await scene.prove();
    expect(
      (await scene.target()).departments.some((one) => one.id === skive),
      'adopted: never deleted',
    ).toBe(true);
  });

  test('a permission type is adopted by exact name: assigned, never renamed or deleted', async () => {
    await using scene = await openSmallScene({ platform: { permissionTypes: ['Seller', 'seller', 'Trainee '] } });
    await scene.prove();
    const { permissionTypes } = await scene.target();
    const seller = permissionTypes.find((one) => one.name === 'Seller')!;
    expect(permissionTypes.filter((one) => one.name.trim().toLowerCase() === 'seller')).toHaveLength(2);
    expect(permissionTypes.filter((one) => one.name.trim() === 'Trainee')).toHaveLength(1);
    expect((await scene.user(scene.person('ida')))?.permissionTypeIds).toEqual([seller.id]);

    await renameRole(scene.ziik, scene.siteId, scene.role('Seller'), 'Sales assistant');
    await scene.converge();
    const after = await scene.target();
    expect(after.permissionTypes.find((one) => one.id === seller.id)).toEqual(seller);
    expect(after.users.find((one) => one.externalId?.endsWith(`:${scene.person('ida')}`))?.permissionTypeIds).toEqual([
      seller.id,
    ]);
  });

  test('a role named like a built-in permission type is a match case PERMISSION_TYPE_HAS_RIGHTS; its people go on without', async () => {
    await using scene = await openSmallScene({
      before: (ziik, { siteId, roleIds }) => renameRole(ziik, siteId, roleIds[0]!, 'Manager'),
    });
    const seller = scene.role('Seller');
    const holders = (['ida', 'jan', 'bo', 'mia'] as const).map((name) => `person ${scene.person(name)}`);
    await scene.prove({
      parked: Object.fromEntries([`role ${seller}`, ...holders].map((key) => [key, 'PERMISSION_TYPE_HAS_RIGHTS'])),
    });
    const manager = (await scene.target()).permissionTypes.find((one) => one.name === 'Manager')!;
    expect(manager).toMatchObject({ isSystem: true, externalId: null });
    const users = (await scene.target()).users;
    expect(users.some((one) => one.permissionTypeIds.includes(manager.id))).toBe(false);
    expect(await scene.user(scene.person('ida'))).toMatchObject({
      isActive: true,
      departmentIds: await scene.departmentIds('Aalborg'),
    });
  });

  test('an inactive user with the e-mail is a match case MATCH_INACTIVE, two people for one user MATCHED_TWICE', async () => {
    await using scene = await openSmallScene({
      platform: {
        users: [
          { ...ida, isActive: false },
          { firstName: 'Omar', lastName: 'Gammel', email: 'omar@kaeden.example' },
        ],
      },
      before: async (ziik, { siteId, personIds }) => {
        await ziik.query('update users set email = $3 where site_id = $1 and id = $2', [
          siteId,
          personIds[2],
          'omar@kaeden.example',
        ]);
      },
    });
    const before = (await scene.target()).users.filter((one) => one.lastName === 'Gammel');
    expect(before).toHaveLength(2);
    expect(before.map((one) => one.isActive)).toEqual([false, true]);
    await scene.prove({
      parked: {
        [`person ${scene.person('ida')}`]: 'MATCH_INACTIVE',
        [`person ${scene.person('omar')}`]: 'MATCHED_TWICE',
        [`person ${scene.person('pia')}`]: 'MATCHED_TWICE',
      },
    });
  });

  test('a person of nobody, a department and a permission type of nobody are left alone', async () => {
    await using scene = await openSmallScene({
      platform: {
        departments: [{ name: 'By hand' }],
        permissionTypes: ['By hand'],
        users: [
          { firstName: 'Own', lastName: 'Er', email: 'owner@kaeden.example', permissionTypes: ['Owner'] },
          { firstName: 'No', lastName: 'Mail', departments: ['By hand'] },
        ],
      },
    });
    const before = await scene.target();
    await scene.prove();
    const after = await scene.target();
    const foreign = <T extends { externalId: string | null }>(all: readonly T[]) =>
      all.filter((one) => one.externalId === null);
    expect(foreign(after.users)).toEqual(foreign(before.users));
    expect(foreign(after.departments)).toEqual(foreign(before.departments));
    expect(foreign(after.permissionTypes)).toEqual(foreign(before.permissionTypes));
    expect(foreign(after.users)).toHaveLength(2);
  });
});
