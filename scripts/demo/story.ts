import { setTimeout as delay } from 'node:timers/promises';
import {
  changeRole,
  createRandom,
  deactivate,
  deleteUnit,
  hire,
  moveUnit,
  randomChanges,
  renameUnit,
  type GeneratedOrganisation,
} from '@orgstream/simulator-ziik';
import type { Joined, World } from '@orgstream/world';
import type pg from 'pg';
import type { Screen } from './screen.ts';

/** One of each live change, as a customer makes them, each told on the screen. */
export async function liveChanges(
  screen: Screen,
  ziik: pg.Pool,
  joined: Joined,
  organisation: GeneratedOrganisation,
): Promise<void> {
  const { siteId } = joined;
  const one = async (sql: string): Promise<string> => (await ziik.query<{ id: string }>(sql, [siteId])).rows[0]!.id;
  const leaf = `select u.id from units u where u.site_id = $1 and u.deleted_at is null and u.unit_type = 'unit' and u.parent_id is not null
     and not exists (select from units c where c.parent_id = u.id and c.deleted_at is null)`;
  const [shop, gone] = [await one(`${leaf} order by u.id limit 1`), await one(`${leaf} order by u.id desc limit 1`)];
  const branch =
    await one(`select u.id from units u join units p on p.id = u.parent_id where u.site_id = $1 and u.deleted_at is null and u.unit_type = 'unit'
     and p.parent_id is not null and exists (select from units c where c.parent_id = u.id and c.deleted_at is null) order by u.id limit 1`);
  const top = await one(`select id from units where site_id = $1 and parent_id is null and deleted_at is null limit 1`);
  const cook = await one(
    `select id from users where site_id = $1 and active and email is not null and deleted_at is null order by id limit 1`,
  );
  const leaver = await one(
    `select id from users where site_id = $1 and active and email is not null and deleted_at is null order by id desc limit 1`,
  );

  screen.line('  hire            a new colleague starts in a shop');
  await hire(ziik, siteId, {
    firstName: 'Freja',
    lastName: 'Østergård',
    email: `freja.${siteId}@example.test`,
    language: 'da',
    memberships: [{ unitId: shop, roleIds: [organisation.roleIds[0]!] }],
  });
  screen.line('  rename          a shop gets a new name');
  await renameUnit(ziik, siteId, shop, 'Butik Torvet 🌿');
  screen.line('  move            a branch moves below the top unit');
  await moveUnit(ziik, siteId, branch, top);
  screen.line('  role change     somebody gets another role');
  await changeRole(ziik, siteId, cook, [organisation.roleIds[1]!]);
  screen.line('  leaver          somebody leaves');
  await deactivate(ziik, siteId, leaver);
  screen.line('  unit deleted    a shop closes, its people move up');
  await deleteUnit(ziik, siteId, gone);
}

/** A burst of random changes with SIGKILL of the sink in the middle; resolves when the supervisor has restarted it. */
export async function killInBurst(
  screen: Screen,
  world: World,
  ziik: pg.Pool,
  tenants: readonly Joined[],
  changes: number,
): Promise<void> {
  const burst = Promise.all(
    tenants.map(({ siteId }, i) => randomChanges(ziik, siteId, { random: createRandom(90 + i), count: changes })),
  );
  await delay(400);
  const sink = world.supervisor.handle('learningbank-sink')!;
  screen.line(`  SIGKILL of the sink (pid ${sink.pid}) in the middle of ${changes * tenants.length} changes`);
  sink.kill('SIGKILL');
  await sink.exited;
  await burst;
}
