import {
  anonymise,
  changeEmail,
  changeLanguage,
  deactivate,
  expire,
  handOverEmail,
  hardDelete,
  hire,
  reactivate,
  renamePerson,
  restore,
  softDelete,
} from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSmallScene, type SmallScene } from './small-site.ts';

let scene: SmallScene;
afterAll(() => scene[Symbol.asyncDispose]());

describe('a person who works here', () => {
  beforeAll(async () => {
    scene = await openSmallScene();
  });

  test('hired: one call creates the user with names, e-mail, language, departments and permission types', async () => {
    let personId = '';
    const writes = await scene.writesOf(async () => {
      ({ personId } = await hire(scene.ziik, scene.siteId, {
        firstName: 'Zofia',
        lastName: 'Łęcka',
        email: 'zofia@kaeden.example',
        language: 'pl',
        memberships: [
          { unitId: scene.unit('Odense'), roleIds: [scene.role('Seller')] },
          { unitId: scene.unit('Hobro'), roleIds: [scene.role('Trainee')] },
        ],
      }));
    });
    expect(writes.map(({ method, route }) => `${method} ${route}`)).toEqual(['POST /users']);
    expect(await scene.user(personId)).toMatchObject({
      firstName: 'Zofia',
      lastName: 'Łęcka',
      email: 'zofia@kaeden.example',
      language: 'pl',
      isActive: true,
      departmentIds: await scene.departmentIds('Odense', 'Hobro'),
      permissionTypeIds: await scene.permissionTypeIds('Seller'),
    });
    await scene.prove({ oracle: { languages: true } });
  });

  test('renamed: one call changes the names and nothing else', async () => {
    const id = scene.person('ida');
    const before = await scene.user(id);
    const writes = await scene.writesOf(() => renamePerson(scene.ziik, scene.siteId, id, { lastName: 'Ny' }));
    expect(writes.map(({ body }) => body)).toEqual([{ lastName: 'Ny' }]);
    expect(await scene.user(id)).toMatchObject({ ...before, lastName: 'Ny', updatedAt: expect.any(String) });
    await scene.prove();
  });

  test('with a new e-mail: the linked user gets it, nobody else is matched', async () => {
    const id = scene.person('omar');
    const before = await scene.user(id);
    await changeEmail(scene.ziik, scene.siteId, id, 'omar.new@kaeden.example');
    await scene.prove();
    expect(await scene.user(id)).toMatchObject({ id: before?.id, email: 'omar.new@kaeden.example' });
  });

  test('an address handed from one person to another in one transaction ends with the other one', async () => {
    const [from, to] = [scene.person('pia'), scene.person('jan')];
    await handOverEmail(scene.ziik, scene.siteId, { from, to, newEmail: 'pia.new@kaeden.example' });
    await scene.prove();
    expect([(await scene.user(from))?.email, (await scene.user(to))?.email]).toEqual([
      'pia.new@kaeden.example',
      scene.email('pia'),
    ]);
  });

  test('with a new language: it is written at creation only, so no call is made', async () => {
    const id = scene.person('eva');
    const writes = await scene.writesOf(() => changeLanguage(scene.ziik, scene.siteId, id, 'pl'));
    expect(writes).toEqual([]);
    expect(await scene.user(id)).toMatchObject({ language: 'da' });
    await scene.prove();
  });
});

describe('a person who leaves', () => {
  beforeAll(async () => {
    await scene[Symbol.asyncDispose]();
    scene = await openSmallScene();
  });

  test.each([
    ['deactivated', 'ida', () => deactivate(scene.ziik, scene.siteId, scene.person('ida'))],
    ['softly deleted', 'omar', () => softDelete(scene.ziik, scene.siteId, scene.person('omar'))],
    ['deleted with all rows', 'pia', () => hardDelete(scene.ziik, scene.siteId, scene.person('pia'))],
    ['anonymised', 'jan', () => anonymise(scene.ziik, scene.siteId, scene.person('jan'))],
  ] as const)('%s: the user is deactivated, and no other field is touched', async (_how, name, leave) => {
    const id = scene.person(name);
    const before = await scene.user(id);
    const writes = await scene.writesOf(leave);
    expect(writes.map(({ method, route }) => `${method} ${route}`)).toEqual(['POST /users/:id/deactivate']);
    expect(await scene.user(id)).toMatchObject({ ...before, isActive: false, updatedAt: expect.any(String) });
    await scene.prove();
  });

  test('at the moment it expires, without any event: the user is deactivated', async () => {
    const id = scene.person('eva');
    // Far enough ahead that the fact arrives before the moment does.
    const at = new Date(Date.now() + 4_000);
    await expire(scene.ziik, scene.siteId, id, at);
    await scene.converge();
    expect(at.getTime(), 'the fact arrived in time').toBeGreaterThan(Date.now());
    expect(await scene.user(id)).toMatchObject({ isActive: true });
    await until(async () => (await scene.user(id))?.isActive === false, { deadlineMs: 15_000, what: 'the expiry' });
    expect(Date.now()).toBeGreaterThanOrEqual(at.getTime());
    await scene.prove();
  });

  test('and changes name, unit and address meanwhile: nothing but the deactivation is written', async () => {
    const id = scene.person('ali');
    const writes = await scene.writesOf(async () => {
      await deactivate(scene.ziik, scene.siteId, id);
      await renamePerson(scene.ziik, scene.siteId, id, { firstName: 'Gone', lastName: null });
      await changeEmail(scene.ziik, scene.siteId, id, null);
    });
    expect(writes.map(({ route }) => route)).toEqual(['/users/:id/deactivate']);
    await scene.prove();
  });

  test('and comes back: reactivated, with the departments and permission types of today', async () => {
    await reactivate(scene.ziik, scene.siteId, scene.person('ida'));
    await restore(scene.ziik, scene.siteId, scene.person('omar'));
    await scene.prove();
    expect(await scene.user(scene.person('ida'))).toMatchObject({
      isActive: true,
      departmentIds: await scene.departmentIds('Aalborg'),
      permissionTypeIds: await scene.permissionTypeIds('Seller'),
    });
    expect(await scene.user(scene.person('omar'))).toMatchObject({ isActive: true });
  });

  test('before it was ever linked: gone is not created, merely inactive is created inactive', async () => {
    const { ziik, siteId } = scene;
    const memberships = [{ unitId: scene.unit('Skive'), roleIds: [scene.role('Trainee')] }];
    const hireAndLeave = async (name: string, leave: (db: typeof client, id: string) => Promise<void>) => {
      const email = `${name}@kaeden.example`;
      await client.query('begin');
      const { personId } = await hire(client, siteId, { firstName: name, lastName: 'Brief', email, memberships });
      await leave(client, personId);
      await client.query('commit');
      return personId;
    };
    const client = await ziik.connect();
    const inactive = await hireAndLeave('inactive', (db, id) => deactivate(db, siteId, id));
    const deleted = await hireAndLeave('deleted', (db, id) => softDelete(db, siteId, id));
    const anonymous = await hireAndLeave('anonymous', (db, id) => anonymise(db, siteId, id));
    client.release();
    await scene.prove({ oracle: { inactiveCreated: true } });
    expect(await scene.user(inactive)).toMatchObject({ isActive: false, email: 'inactive@kaeden.example' });
    expect([await scene.user(deleted), await scene.user(anonymous)]).toEqual([undefined, undefined]);
  });
});

describe('two people with one e-mail', () => {
  beforeAll(async () => {
    await scene[Symbol.asyncDispose]();
    scene = await openSmallScene();
  });
  beforeEach(() => scene.converge());

  const hireNamesake = async (email: string): Promise<string> => {
    const memberships = [{ unitId: scene.unit('Skive'), roleIds: [scene.role('Trainee')] }];
    const person = { firstName: 'Same', lastName: 'Address', email, memberships };
    return (await hire(scene.ziik, scene.siteId, person)).personId;
  };

  test('the first linked keeps it, the second is parked EMAIL_TAKEN until it gets one of its own', async () => {
    const id = await hireNamesake(scene.email('ida').toUpperCase());
    await scene.prove({ parked: { [`person ${id}`]: 'EMAIL_TAKEN' } });
    expect(await scene.user(id)).toBeUndefined();
    await changeEmail(scene.ziik, scene.siteId, id, 'own@kaeden.example');
    await scene.prove();
    expect(await scene.user(id)).toMatchObject({ email: 'own@kaeden.example', isActive: true });
  });

  test('the second gets it by itself once the first gives it up', async () => {
    const id = await hireNamesake(scene.email('omar'));
    await scene.prove({ parked: { [`person ${id}`]: 'EMAIL_TAKEN' } });
    await changeEmail(scene.ziik, scene.siteId, scene.person('omar'), 'omar.other@kaeden.example');
    await scene.prove();
    expect(await scene.user(id)).toMatchObject({ email: scene.email('omar') });
  });

  test('the first is inactive: the second is a match case REHIRE, and the old user stays deactivated', async () => {
    await deactivate(scene.ziik, scene.siteId, scene.person('pia'));
    await scene.prove();
    const id = await hireNamesake(scene.email('pia'));
    await scene.prove({ parked: { [`person ${id}`]: 'REHIRE' } });
    expect(await scene.user(id)).toBeUndefined();
    expect(await scene.user(scene.person('pia'))).toMatchObject({ isActive: false });
    expect(await scene.work()).toMatchObject([{ state: 'conflict', code: 'REHIRE' }]);
  });
});
