import {
  deactivate,
  deleteRole,
  deleteUnit,
  hardDelete,
  moveUnit,
  renamePerson,
  swapUnitNames,
} from '@orgstream/simulator-ziik';
import { countCalls } from '@orgstream/world';
import { describe, expect, test } from 'vitest';
import { orgstream } from './orgstream-cli.ts';
import { openScene } from './scene.ts';
import { openSmallScene } from './small-site.ts';

describe('random histories', () => {
  test.each([101, 202, 303])('300 changes of daily life (seed %i) end in step', async (seed) => {
    await using scene = await openScene({ organisation: { people: 60, units: 16 } });
    await scene.change(300, seed);
    await scene.prove();
  });

  test('changes made while the first sync runs end in step', async () => {
    await using scene = await openScene({ organisation: { people: 200, units: 30 }, unsynced: true });
    await scene.change(150, 404);
    await scene.prove();
  });

  test('with Unique Units, and on a platform with departments and users of its own', async () => {
    await using scene = await openScene({
      settings: { uniqueUnits: true },
      platform: {
        departments: [{ name: 'Project' }],
        users: [{ firstName: 'Own', lastName: 'Er', email: 'owner@own.example', departments: ['Project'] }],
      },
    });
    await scene.change(150, 505);
    await scene.prove();
  });
});

describe('read again', () => {
  test('a replay of what is in step makes no call at all', async () => {
    await using scene = await openSmallScene();
    const { ziik, siteId } = scene;
    for (const lastName of ['Once', 'Twice', 'Three times']) {
      await renamePerson(ziik, siteId, scene.person('ida'), { lastName });
      await scene.converge();
    }
    await deactivate(ziik, siteId, scene.person('omar'));
    await hardDelete(ziik, siteId, scene.person('pia'));
    await moveUnit(ziik, siteId, scene.unit('Skive'), scene.unit('Syd'));
    await swapUnitNames(ziik, siteId, scene.unit('Aalborg'), scene.unit('Hobro'));
    await deleteUnit(ziik, siteId, scene.unit('Svendborg'));
    await deleteRole(ziik, siteId, scene.role('Seller'));
    await scene.prove();
    const before = await countCalls(await scene.file(), scene.joined.platform);
    const { exitCode, stdout } = await orgstream(['replay', '--tenant', scene.joined.tenant, '--json']);
    expect(exitCode).toBe(0);
    const { result } = JSON.parse(stdout) as { result: Record<'done' | 'changed' | 'marked', number> };
    expect(result).toMatchObject({ changed: 0, marked: 0 });
    expect(result.done).toBeGreaterThan(50);
    await scene.prove();
    expect(await countCalls(await scene.file(), scene.joined.platform)).toEqual(before);
  });

  test('a second snapshot of what is in step writes nothing; a lost change is found by it', async () => {
    await using scene = await openSmallScene();
    const { writes } = await countCalls(await scene.file(), scene.joined.platform);
    const first = await orgstream(['snapshot', '--tenant', scene.joined.tenant, '--json']);
    expect(first.exitCode).toBe(0);
    await scene.prove();
    expect((await countCalls(await scene.file(), scene.joined.platform)).writes).toBe(writes);

    // As if a record had been lost on the way: a row that the replica does not have, and one that it should not have.
    await scene.database.query(`delete from sink.membership where tenant = $1 and person_id = $2`, [
      scene.joined.tenant,
      scene.person('ida'),
    ]);
    await scene.database.query(
      `insert into sink.membership (tenant, id, epoch, lsn, seq, log_offset, committed_at, person_id, unit_id, ordinal)
       select tenant, 'stale', epoch, 1, 0, 0, committed_at, person_id, $3, 9 from sink.membership where tenant = $1 and person_id = $2`,
      [scene.joined.tenant, scene.person('omar'), scene.unit('Nord')],
    );
    const second = await orgstream(['snapshot', '--tenant', scene.joined.tenant]);
    expect(second.exitCode).toBe(0);
    await scene.prove();
    const { rows } = await scene.database.query(
      `select id, deleted from sink.membership where tenant = $1 and (id = 'stale' or person_id = $2)`,
      [scene.joined.tenant, scene.person('ida')],
    );
    expect(rows, 'the sweep removes what the snapshot does not have').toEqual(
      expect.arrayContaining([{ id: 'stale', deleted: true }]),
    );
    expect(rows.filter((row) => row.deleted === false)).toHaveLength(1);
  });
});
