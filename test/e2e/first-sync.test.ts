import { countCalls } from '@orgstream/world';
import { describe, expect, test } from 'vitest';
import { openScene } from './scene.ts';

describe('first sync', () => {
  test('units, roles and people of a generated organisation arrive, at most 1.2 calls a person', async () => {
    await using scene = await openScene({
      organisation: { units: 40, people: 400, inactive: 0.05 },
      platform: { jobProfiles: ['Medarbejder', 'butikschef', { name: 'Everybody', isDefault: true }] },
    });
    await scene.prove({ oracle: { languages: true, inactiveCreated: true, jobProfiles: true } });
    const { users, jobProfiles } = await scene.target();
    const having = (name: string) => {
      const id = jobProfiles.find((one) => one.name === name)?.id;
      return users.filter((user) => user.jobProfileId === id).length;
    };
    expect(having('Medarbejder'), 'matched by exact name').toBeGreaterThan(50);
    expect(having('butikschef'), 'not by another case').toBe(0);
    expect(having('Everybody'), 'none matches: the platform’s default').toBe(400 - having('Medarbejder'));
    expect(jobProfiles, 'never created').toHaveLength(3);
    const { reads, writes } = await countCalls(await scene.file(), scene.joined.platform);
    expect((reads + writes) / 400).toBeLessThanOrEqual(1.2);
  });

  test('Unique Units: equal names stand side by side, told apart by the unit id', async () => {
    await using scene = await openScene({
      organisation: { equalSiblings: 0.5, units: 20 },
      settings: { uniqueUnits: true },
    });
    await scene.prove();
    const { rows } = await scene.ziik.query<{ id: string; name: string }>(
      `select id, name from units where site_id = $1 and unit_type = 'unit' and parent_id is not null`,
      [scene.siteId],
    );
    const { departments } = await scene.target();
    expect(departments.filter((one) => !one.isTop).map((one) => one.name)).toEqual(
      expect.arrayContaining(rows.map(({ id, name }) => `${name} (${id})`)),
    );
  });

  test('Unique Units off: the second of two equal siblings is parked, everything else arrives', async () => {
    await using scene = await openScene({ organisation: { equalSiblings: 0.5, units: 20 } });
    await scene.prove({ parked: 'any' });
    const codes = new Set(Object.values(await scene.parked()));
    expect(codes).toEqual(new Set(['DEPARTMENT_NAME_TAKEN']));
  });

  test('people without an e-mail are parked with EMAIL_MISSING and hold nobody up', async () => {
    await using scene = await openScene({ organisation: { withoutEmail: 0.5 } });
    const { rows } = await scene.ziik.query<{ id: string }>(
      'select id from users where site_id = $1 and email is null and active',
      [scene.siteId],
    );
    expect(rows.length).toBeGreaterThan(5);
    await scene.prove({ parked: 'any' });
    expect(await scene.parked()).toMatchObject(
      Object.fromEntries(rows.map(({ id }) => [`person ${id}`, 'EMAIL_MISSING'])),
    );
  });
});
