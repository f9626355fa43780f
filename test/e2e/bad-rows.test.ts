import {
  changeEmail,
  createRole,
  createUnit,
  hire,
  inTransaction,
  renamePerson,
  renameRole,
  renameUnit,
} from '@orgstream/simulator-ziik';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSmallScene, type PersonName, type SmallScene } from './small-site.ts';

let scene: SmallScene;
beforeAll(async () => {
  scene = await openSmallScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const long = 'Æ'.repeat(10_000);

/** Something ordinary, to see that the tenant goes on. */
let counter = 0;
async function somethingElse(): Promise<string> {
  const memberships = [{ unitId: scene.unit('Nord'), roleIds: [scene.role('Trainee')] }];
  const email = `ordinary.${(counter += 1)}@kaeden.example`;
  const person = { firstName: 'Ordinary', lastName: 'Person', email, memberships };
  return (await hire(scene.ziik, scene.siteId, person)).personId;
}

describe('a bad row parks its object alone, and its next good row heals it', () => {
  test.each<[string, string, PersonName, string, () => Promise<unknown>, () => Promise<unknown>]>([
    [
      'neither first nor last name',
      'FACT_INVALID',
      'ida',
      'rename',
      () => renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: null, lastName: ' ' }),
      () => renamePerson(scene.ziik, scene.siteId, scene.person('ida'), { firstName: 'Ida', lastName: 'Back' }),
    ],
    [
      'a last name of 10,000 characters',
      'VALUE_TOO_LONG',
      'omar',
      'rename',
      () => renamePerson(scene.ziik, scene.siteId, scene.person('omar'), { lastName: long }),
      () => renamePerson(scene.ziik, scene.siteId, scene.person('omar'), { lastName: 'Short' }),
    ],
    [
      'no e-mail any more',
      'EMAIL_MISSING',
      'pia',
      'e-mail',
      () => changeEmail(scene.ziik, scene.siteId, scene.person('pia'), null),
      () => changeEmail(scene.ziik, scene.siteId, scene.person('pia'), 'pia.back@kaeden.example'),
    ],
    [
      'an e-mail of 10,000 characters',
      'VALUE_TOO_LONG',
      'jan',
      'e-mail',
      () => changeEmail(scene.ziik, scene.siteId, scene.person('jan'), `${long}@kaeden.example`),
      () => changeEmail(scene.ziik, scene.siteId, scene.person('jan'), 'jan.back@kaeden.example'),
    ],
    [
      'an e-mail that is none',
      'TARGET_REFUSED',
      'eva',
      'e-mail',
      () => changeEmail(scene.ziik, scene.siteId, scene.person('eva'), 'not an address'),
      () => changeEmail(scene.ziik, scene.siteId, scene.person('eva'), 'eva.back@kaeden.example'),
    ],
  ])('a person with %s: %s, its user stays as it was', async (_title, code, name, _what, harm, heal) => {
    const id = scene.person(name);
    const before = await scene.user(id);
    await harm();
    const other = await somethingElse();
    await scene.prove({ parked: { [`person ${id}`]: code } });
    expect(await scene.user(id)).toEqual(before);
    expect(await scene.user(other)).toBeDefined();
    await heal();
    await scene.prove();
    expect(await scene.user(id)).not.toEqual(before);
  });

  test.each([
    ['null', null, 'FACT_INVALID'],
    ['blank', '  \t ', 'FACT_INVALID'],
    ['10,000 characters', long, 'VALUE_TOO_LONG'],
  ])('a unit renamed to %s keeps its department; a new one of that name is not created', async (title, name, code) => {
    const known = scene.unit('Hobro');
    const before = await scene.department(known);
    await renameUnit(scene.ziik, scene.siteId, known, name);
    const unitId = await createUnit(scene.ziik, scene.siteId, { parentId: scene.unit('Syd'), name });
    const memberships = [{ unitId }, { unitId: scene.unit('Odense') }];
    const { personId } = await hire(scene.ziik, scene.siteId, {
      firstName: 'In',
      lastName: 'Both',
      email: `both.${unitId}@kaeden.example`,
      memberships,
    });
    const other = await somethingElse();
    await scene.prove({
      parked: { [`unit ${known}`]: code, [`unit ${unitId}`]: code, [`person ${personId}`]: code },
    });
    expect(await scene.department(known)).toEqual(before);
    expect((await scene.user(personId))?.departmentIds, 'waits in its other department').toEqual(
      await scene.departmentIds('Odense'),
    );
    expect(await scene.user(other)).toBeDefined();
    await renameUnit(scene.ziik, scene.siteId, known, `Hobro after ${title}`);
    await renameUnit(scene.ziik, scene.siteId, unitId, `New after ${title}`);
    await scene.prove();
    expect((await scene.user(personId))?.departmentIds).toHaveLength(2);
  });

  test.each([
    ['null', null, 'FACT_INVALID'],
    ['10,000 characters', long, 'VALUE_TOO_LONG'],
  ])(
    'a role renamed to %s keeps its permission type; a new one of that name is not created',
    async (title, name, code) => {
      const known = scene.role('Seller');
      const before = await scene.permissionType(known);
      await renameRole(scene.ziik, scene.siteId, known, name);
      const roleId = await createRole(scene.ziik, scene.siteId, name);
      await somethingElse();
      await scene.prove({ parked: { [`role ${known}`]: code, [`role ${roleId}`]: code } });
      expect(await scene.permissionType(known)).toEqual(before);
      await renameRole(scene.ziik, scene.siteId, known, `Seller after ${title}`);
      await renameRole(scene.ziik, scene.siteId, roleId, `New after ${title}`);
      await scene.prove();
    },
  );

  test('a second top unit is parked with all below it, and the first one stays the top', async () => {
    const second = await createUnit(scene.ziik, scene.siteId, { parentId: null, name: 'Second' });
    const child = await createUnit(scene.ziik, scene.siteId, { parentId: second, name: 'Child' });
    const other = await somethingElse();
    await scene.converge();
    expect(await scene.parked()).toMatchObject({ [`unit ${second}`]: 'FACT_INVALID' });
    expect(await scene.user(other)).toBeDefined();
    expect(await scene.department(child)).toBeUndefined();
    await scene.ziik.query('update units set parent_id = $2 where id = $1', [second, scene.unit('Syd')]);
    await scene.prove();
    expect(await scene.path(child)).toEqual(['Syd', 'Second', 'Child']);
  });

  test('a unit that hangs below itself parks or waits; everything else goes on, and a good parent heals it', async () => {
    const [x, y] = await inTransaction(scene.ziik, async (tx) => {
      const first = await createUnit(tx, scene.siteId, { parentId: scene.unit('Syd'), name: 'Circle 1' });
      return [first, await createUnit(tx, scene.siteId, { parentId: first, name: 'Circle 2' })];
    });
    await scene.prove();
    await scene.ziik.query('update units set parent_id = $2 where id = $1', [x, y]);
    const other = await somethingElse();
    await expect.poll(() => scene.user(other), { timeout: 10_000 }).toBeDefined();
    await scene.ziik.query('update units set parent_id = $2 where id = $1', [x, scene.unit('Nord')]);
    await scene.prove();
  });
});

describe('odd, but good', () => {
  test('emoji, right-to-left text, zero-width and combining characters arrive as they are', async () => {
    const names = ['👩🏽‍🚒 Zoë', 'محمد عبد الله', 'שרה', 'Ångström', 'a\u200bb', '"\\ <script>', "O'Neill; drop table"];
    const memberships = [{ unitId: scene.unit('Nord') }];
    const ids: string[] = [];
    for (const [at, name] of names.entries()) {
      const email = `odd.${at}@kaeden.example`;
      const person = { firstName: name, lastName: name, email, memberships };
      ids.push((await hire(scene.ziik, scene.siteId, person)).personId);
      await createUnit(scene.ziik, scene.siteId, { parentId: scene.unit('Syd'), name });
      await createRole(scene.ziik, scene.siteId, name);
    }
    await scene.prove();
    const users = await Promise.all(ids.map((id) => scene.user(id)));
    expect(users.map((user) => user?.firstName)).toEqual(names);
    const { departments, permissionTypes } = await scene.target();
    expect(departments.map((one) => one.name)).toEqual(expect.arrayContaining(names));
    expect(permissionTypes.map((one) => one.name)).toEqual(expect.arrayContaining(names));
  });

  test('outer blanks are trimmed, 255 characters fit', async () => {
    const { personId } = await hire(scene.ziik, scene.siteId, {
      firstName: '  Blank ',
      lastName: '👍'.repeat(255),
      email: ' blank@kaeden.example ',
      memberships: [{ unitId: scene.unit('Nord') }],
    });
    await scene.prove();
    expect(await scene.user(personId)).toMatchObject({
      firstName: 'Blank',
      lastName: '👍'.repeat(255),
      email: 'blank@kaeden.example',
    });
  });

  test('one of the two names missing: a dash is written, for the target wants both', async () => {
    const id = scene.person('ali');
    await renamePerson(scene.ziik, scene.siteId, id, { lastName: null });
    await scene.converge();
    expect(await scene.user(id)).toMatchObject({ firstName: 'Ali', lastName: '-' });
    await renamePerson(scene.ziik, scene.siteId, id, { lastName: 'Holm' });
    await scene.prove();
  });
});
