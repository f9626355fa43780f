import {
  addMembership,
  createRole,
  createUnit,
  deactivate,
  hire,
  inTransaction,
  setRoles,
  type Db,
} from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSmallScene, type SmallScene } from './small-site.ts';

let scene: SmallScene;
beforeAll(async () => {
  scene = await openSmallScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** An id that no row has yet. */
async function reserve(table: 'units' | 'user_types'): Promise<string> {
  const sql = `select nextval(pg_get_serial_sequence('${table}', 'id')) as id`;
  return (await scene.ziik.query<{ id: string }>(sql)).rows[0]!.id;
}

const insertRole = (id: string, name: string) =>
  scene.ziik.query('insert into user_types (id, site_id, name) values ($1, $2, $3)', [id, scene.siteId, name]);

const isWaiting = (kind: string, id: string) =>
  until(async () => (await scene.work()).some((one) => one.kind === kind && one.id === id && one.state === 'waiting'), {
    deadlineMs: 10_000,
    what: `${kind} ${id} to wait`,
  });

const newcomer = (email: string) => ({ firstName: 'New', lastName: 'Comer', email: `${email}@kaeden.example` });

describe('what comes before what it needs waits, visibly, and resumes by itself', () => {
  test('a member before its unit', async () => {
    const unitId = await reserve('units');
    const { personId } = await hire(scene.ziik, scene.siteId, { ...newcomer('member'), memberships: [{ unitId }] });
    await addMembership(scene.ziik, scene.siteId, scene.person('ida'), { unitId });
    await isWaiting('person', personId);
    await isWaiting('person', scene.person('ida'));
    await createUnit(scene.ziik, scene.siteId, { id: unitId, parentId: scene.unit('Nord'), name: 'Late' });
    await scene.prove();
    expect((await scene.user(personId))?.departmentIds).toEqual([(await scene.department(unitId))?.id]);
  });

  test('a branch that arrives leaf first', async () => {
    const [root, middle] = [await reserve('units'), await reserve('units')];
    const leaf = await createUnit(scene.ziik, scene.siteId, { parentId: middle, name: 'Leaf' });
    await isWaiting('unit', leaf);
    await createUnit(scene.ziik, scene.siteId, { id: middle, parentId: root, name: 'Middle' });
    await isWaiting('unit', middle);
    expect(await scene.department(leaf)).toBeUndefined();
    await createUnit(scene.ziik, scene.siteId, { id: root, parentId: scene.unit('Syd'), name: 'Root' });
    await scene.prove();
    expect(await scene.path(leaf)).toEqual(['Syd', 'Root', 'Middle', 'Leaf']);
  });

  test('an assignment before its role', async () => {
    const roleId = await reserve('user_types');
    const id = scene.person('omar');
    const { rows } = await scene.ziik.query<{ id: string }>('select id from memberships where user_id = $1', [id]);
    await setRoles(scene.ziik, scene.siteId, rows[0]!.id, [roleId]);
    await isWaiting('person', id);
    await insertRole(roleId, 'Florist');
    await scene.prove();
    expect((await scene.user(id))?.permissionTypeIds).toEqual([(await scene.permissionType(roleId))?.id]);
  });

  test('and holds nobody else up', async () => {
    const unitId = await reserve('units');
    const { personId } = await hire(scene.ziik, scene.siteId, { ...newcomer('held'), memberships: [{ unitId }] });
    await isWaiting('person', personId);
    const other = await hire(scene.ziik, scene.siteId, {
      ...newcomer('other'),
      memberships: [{ unitId: scene.unit('Nord') }],
    });
    await until(() => scene.user(other.personId), { deadlineMs: 10_000, what: 'the other one' });
    expect(await scene.user(personId)).toBeUndefined();
    await createUnit(scene.ziik, scene.siteId, { id: unitId, parentId: scene.unit('Nord'), name: 'Later' });
    await scene.prove();
  });
});

describe('transactions', () => {
  test('hires, each one transaction of three tables: one write a person, complete', async () => {
    const memberships = [
      { unitId: scene.unit('Odense'), roleIds: [scene.role('Seller'), scene.role('Trainee')] },
      { unitId: scene.unit('Hobro') },
    ];
    const writes = await scene.writesOf(async () => {
      for (let n = 0; n < 25; n += 1) {
        await hire(scene.ziik, scene.siteId, { ...newcomer(`whole.${n}`), memberships });
      }
    });
    expect(writes).toHaveLength(25);
    const departmentIds = await scene.departmentIds('Odense', 'Hobro');
    const permissionTypeIds = await scene.permissionTypeIds('Seller', 'Trainee');
    for (const { method, route, body } of writes) {
      expect(`${method} ${route}`).toBe('POST /users');
      expect(body).toMatchObject({ departmentIds, permissionTypeIds });
    }
    await scene.prove();
  });

  test('a unit, a role and its people opened in one transaction: one write each, complete', async () => {
    const open = async (db: Db) => {
      const unitId = await createUnit(db, scene.siteId, { parentId: scene.unit('Syd'), name: 'Kiosk' });
      const roleId = await createRole(db, scene.siteId, 'Kiosk keeper');
      for (let n = 0; n < 5; n += 1) {
        const memberships = [{ unitId, roleIds: [roleId] }];
        await hire(db, scene.siteId, { ...newcomer(`kiosk.${n}`), memberships });
      }
      return { unitId, roleId };
    };
    let made: Awaited<ReturnType<typeof open>> | undefined;
    const writes = await scene.writesOf(async () => {
      made = await inTransaction(scene.ziik, open);
    });
    expect(writes.map(({ method, route }) => `${method} ${route}`).toSorted()).toEqual([
      'POST /departments',
      'POST /permission-types',
      ...Array.from({ length: 5 }, () => 'POST /users'),
    ]);
    const department = await scene.department(made!.unitId);
    const type = await scene.permissionType(made!.roleId);
    for (const { route, body } of writes) {
      if (route !== '/users') continue;
      expect(body).toMatchObject({ departmentIds: [department?.id], permissionTypeIds: [type?.id] });
    }
    await scene.prove();
  });

  test('a hire in several transactions is seen half, and heals', async () => {
    const memberships = [{ unitId: scene.unit('Skive'), roleIds: [scene.role('Seller')] }];
    const ids: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      const person = { ...newcomer(`halves.${n}`), memberships, halves: true };
      ids.push((await hire(scene.ziik, scene.siteId, person)).personId);
    }
    await scene.prove();
    for (const id of ids) {
      expect(await scene.user(id)).toMatchObject({
        departmentIds: await scene.departmentIds('Skive'),
        permissionTypeIds: expect.arrayContaining(await scene.permissionTypeIds('Seller')),
      });
    }
  });

  test('150 people changed in one transaction: one write each', async () => {
    const memberships = [{ unitId: scene.unit('Hobro') }];
    await inTransaction(scene.ziik, async (tx) => {
      for (let n = 0; n < 150; n += 1) await hire(tx, scene.siteId, { ...newcomer(`bulk.${n}`), memberships });
    });
    await scene.prove();
    const writes = await scene.writesOf(() =>
      scene.ziik.query(`update users set last_name = 'Renamed' where site_id = $1 and email like 'bulk.%'`, [
        scene.siteId,
      ]),
    );
    expect(writes).toHaveLength(150);
    expect(new Set(writes.map(({ body }) => JSON.stringify(body)))).toEqual(new Set(['{"lastName":"Renamed"}']));
    await scene.prove();
  });

  test('a leaver overtakes the bulk of such a transaction', async () => {
    await scene.fault({ kind: 'latency', match: { method: 'PATCH', route: '/users/:id' }, ms: 200 });
    const writes = await scene.writesOf(async () => {
      await scene.ziik.query(`update users set last_name = 'Again' where site_id = $1 and email like 'bulk.%'`, [
        scene.siteId,
      ]);
      await deactivate(scene.ziik, scene.siteId, scene.person('mia'));
    });
    await scene.healFaults();
    const at = writes.findIndex(({ route }) => route === '/users/:id/deactivate');
    expect(writes).toHaveLength(151);
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at, 'of 151 writes').toBeLessThan(100);
    await scene.prove();
  });

  test('a transaction rolled back at the source leaves no trace', async () => {
    const writes = await scene.writesOf(async () => {
      const failed = inTransaction(scene.ziik, async (tx) => {
        await hire(tx, scene.siteId, { ...newcomer('nobody'), memberships: [{ unitId: scene.unit('Hobro') }] });
        await createUnit(tx, scene.siteId, { parentId: scene.unit('Syd'), name: 'Nowhere' });
        throw new Error('changed my mind');
      });
      await expect(failed).rejects.toThrow('changed my mind');
    });
    expect(writes).toEqual([]);
    await scene.prove();
  });
});
