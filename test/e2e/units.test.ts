import {
  createUnit,
  deleteUnit,
  hire,
  inTransaction,
  moveUnit,
  renameUnit,
  swapUnitNames,
  type Db,
} from '@orgstream/simulator-ziik';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSmallScene, type SmallScene } from './small-site.ts';

let scene: SmallScene;
afterAll(() => scene[Symbol.asyncDispose]());

const idOf = async (unitId: string): Promise<number | undefined> => (await scene.department(unitId))?.id;

describe('units', () => {
  beforeAll(async () => {
    scene = await openSmallScene();
  });

  test('created below a unit: one call, a department of that name below its department', async () => {
    let unitId = '';
    const writes = await scene.writesOf(async () => {
      unitId = await createUnit(scene.ziik, scene.siteId, { parentId: scene.unit('Skive'), name: 'مقهى ☕' });
    });
    expect(writes.map(({ method, route }) => `${method} ${route}`)).toEqual(['POST /departments']);
    expect(await scene.path(unitId)).toEqual(['Nord', 'Skive', 'مقهى ☕']);
    await scene.prove();
  });

  test('renamed: the same department is renamed, in one call', async () => {
    const before = await idOf(scene.unit('Nord'));
    const writes = await scene.writesOf(() => renameUnit(scene.ziik, scene.siteId, scene.unit('Nord'), 'Nordjylland'));
    expect(writes.map(({ body }) => body)).toEqual([{ name: 'Nordjylland' }]);
    expect(await idOf(scene.unit('Nord'))).toBe(before);
    await scene.prove();
  });

  test('moved with its branch: one call, children and people stay where they are', async () => {
    const writes = await scene.writesOf(() =>
      moveUnit(scene.ziik, scene.siteId, scene.unit('Skive'), scene.unit('Odense')),
    );
    expect(writes.map(({ method, route }) => `${method} ${route}`)).toEqual(['PATCH /departments/:id']);
    expect(await scene.path(scene.unit('Skive'))).toEqual(['Syd', 'Odense', 'Skive']);
    await scene.prove();
  });

  test('the top unit renamed: nothing changes at the target', async () => {
    const before = (await scene.target()).departments;
    const writes = await scene.writesOf(() => renameUnit(scene.ziik, scene.siteId, scene.unit('Kaeden'), 'Other name'));
    expect(writes).toEqual([]);
    expect((await scene.target()).departments).toEqual(before);
    await scene.prove();
  });

  test('two siblings swap their names: both departments stay, one passes through an interim name', async () => {
    const [aalborg, hobro] = [scene.unit('Aalborg'), scene.unit('Hobro')];
    const before = [await idOf(aalborg), await idOf(hobro)];
    await swapUnitNames(scene.ziik, scene.siteId, aalborg, hobro);
    await scene.prove();
    expect([await idOf(aalborg), await idOf(hobro)]).toEqual(before);
    expect(await scene.path(aalborg)).toEqual(['Nordjylland', 'Hobro']);
  });

  test('a branch moved next to a sibling of its name is parked with its people in place; renamed, it moves', async () => {
    const clash = await createUnit(scene.ziik, scene.siteId, { parentId: scene.unit('Nord'), name: 'Odense' });
    await scene.prove();
    const odense = scene.unit('Odense');
    await moveUnit(scene.ziik, scene.siteId, odense, scene.unit('Nord'));
    await scene.prove({ parked: { [`unit ${odense}`]: 'DEPARTMENT_NAME_TAKEN' } });
    expect(await scene.path(scene.unit('Skive'))).toEqual(['Syd', 'Odense', 'Skive']);
    await renameUnit(scene.ziik, scene.siteId, clash, 'Odense Nord');
    await scene.prove();
    expect(await scene.path(scene.unit('Skive'))).toEqual(['Nordjylland', 'Odense', 'Skive']);
  });

  test('parent and child change places: the move cycle is resolved, nobody is lost', async () => {
    const [syd, svendborg] = [scene.unit('Syd'), scene.unit('Svendborg')];
    const before = [await idOf(syd), await idOf(svendborg)];
    await inTransaction(scene.ziik, async (tx) => {
      await tx.query('update units set parent_id = $2 where id = $1', [svendborg, scene.unit('Kaeden')]);
      await tx.query('update units set parent_id = $2 where id = $1', [syd, svendborg]);
    });
    await scene.prove();
    expect([await idOf(syd), await idOf(svendborg)]).toEqual(before);
    expect(await scene.path(syd)).toEqual(['Svendborg', 'Syd']);
  });

  test('deleted after its people moved: the department goes, the people are where they moved to', async () => {
    const hobro = scene.unit('Hobro');
    const gone = await idOf(hobro);
    await deleteUnit(scene.ziik, scene.siteId, hobro);
    await scene.prove();
    const { departments } = await scene.target();
    expect(departments.some((one) => one.id === gone)).toBe(false);
    expect((await scene.user(scene.person('omar')))?.departmentIds).toEqual([await idOf(scene.unit('Nord'))]);
  });

  test('deleted with people still in it: default department for them, then the department goes', async () => {
    const unitId = scene.unit('Svendborg');
    const gone = await idOf(unitId);
    await deleteUnit(scene.ziik, scene.siteId, unitId, { people: 'leave', mode: 'hard', subtree: true });
    await scene.prove();
    const { departments, defaults } = await scene.target();
    expect(departments.some((one) => one.id === gone)).toBe(false);
    expect((await scene.user(scene.person('eva')))?.departmentIds).toEqual([defaults.departmentId]);
  });

  test('deleted with a user of nobody in it: the department stays, parked DEPARTMENT_NOT_EMPTY', async () => {
    const unitId = scene.unit('Aalborg');
    const department = await idOf(unitId);
    await scene.byHand('POST', '/users', {
      firstName: 'By',
      lastName: 'Hand',
      email: 'hand@kaeden.example',
      departmentIds: [department],
    });
    await deleteUnit(scene.ziik, scene.siteId, unitId);
    await scene.prove({ parked: { [`unit ${unitId}`]: 'DEPARTMENT_NOT_EMPTY' } });
    expect(await idOf(unitId)).toBe(department);
  });
});

describe('what else stands among the departments', () => {
  beforeAll(async () => {
    await scene[Symbol.asyncDispose]();
    scene = await openSmallScene({
      settings: { keepForeignDepartments: true },
      platform: { departments: [{ name: 'Project' }] },
    });
  });

  test('a department made by hand is left alone, and keepForeignDepartments keeps people in it', async () => {
    const { departments } = await scene.target();
    const project = departments.find((one) => one.name === 'Project')!;
    const user = await scene.user(scene.person('ida'));
    await scene.byHand('PUT', `/users/${user?.id}/departments`, {
      departmentIds: [...user!.departmentIds, project.id],
    });
    await scene.prove();
    expect((await scene.target()).departments.find((one) => one.id === project.id)).toEqual(project);
    expect((await scene.user(scene.person('ida')))?.departmentIds).toContain(project.id);
  });
});

describe('every kind of change over siblings at once', () => {
  type Step = (db: Db, ids: Readonly<Record<'a' | 'b' | 'c', string>>, parentId: string) => Promise<unknown>;
  const create =
    (name: string): Step =>
    (db, _ids, parentId) =>
      createUnit(db, scene.siteId, { parentId, name });
  const remove =
    (which: 'a' | 'b' | 'c'): Step =>
    (db, ids) =>
      deleteUnit(db, scene.siteId, ids[which]);
  const rename =
    (which: 'a' | 'b' | 'c', name: string): Step =>
    (db, ids) =>
      renameUnit(db, scene.siteId, ids[which], name);
  const moveBelow =
    (which: 'a' | 'b' | 'c', below: 'a' | 'b' | 'c'): Step =>
    (db, ids) =>
      moveUnit(db, scene.siteId, ids[which], ids[below]);

  beforeAll(async () => {
    await scene[Symbol.asyncDispose]();
    scene = await openSmallScene();
  });

  test.each<[string, readonly Step[]]>([
    ['a deleted, b takes its name, c takes b’s', [remove('a'), rename('b', 'A'), rename('c', 'B')]],
    ['three names rotate', [rename('a', 'B'), rename('b', 'C'), rename('c', 'A')]],
    ['a new one takes the name of one that moved below another', [moveBelow('a', 'b'), create('A')]],
    ['one moves below another that takes its name', [moveBelow('a', 'b'), rename('b', 'A')]],
    ['a deleted and created anew with its name, b below c', [remove('a'), create('A'), moveBelow('b', 'c')]],
    ['the last of a chain is freed by a deletion', [remove('c'), rename('b', 'C'), rename('a', 'B'), create('A')]],
  ])('%s, in one transaction, with a person in each', async (title, steps) => {
    const { ziik, siteId } = scene;
    const parentId = await createUnit(ziik, siteId, { parentId: scene.unit('Nord'), name: title });
    const [a, b, c] = (await Promise.all(
      ['A', 'B', 'C'].map((name) => createUnit(ziik, siteId, { parentId, name })),
    )) as [string, string, string];
    for (const unitId of [a, b, c]) {
      const email = `sibling.${unitId}@kaeden.example`;
      await hire(ziik, siteId, { firstName: 'Sib', lastName: 'Ling', email, memberships: [{ unitId }] });
    }
    await scene.prove();
    await inTransaction(ziik, async (tx) => {
      for (const step of steps) await step(tx, { a, b, c }, parentId);
    });
    await scene.prove();
    const names = (await scene.target()).departments.map((one) => one.name);
    expect(
      names.filter((name) => /\(\d+\)$/.test(name)),
      'no interim name is left',
    ).toEqual([]);
  });
});
