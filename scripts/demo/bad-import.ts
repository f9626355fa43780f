import { setTimeout as delay } from 'node:timers/promises';
import { hire } from '@orgstream/simulator-ziik';
import { waitConverged, type Joined, type StackFile } from '@orgstream/world';
import type pg from 'pg';
import type { Operator } from './operator.ts';
import type { Screen } from './screen.ts';

/** A bad import empties half a company: held by the brake, shown, rejected; then the import is corrected. */
export async function badImport(
  { screen, file, ziik, operator }: { screen: Screen; file: StackFile; ziik: pg.Pool; operator: Operator },
  joined: Joined,
): Promise<{ readonly brakeHeld: number; readonly wronglyDeactivated: number }> {
  screen.heading('A bad import');
  const { integration, siteId } = joined;
  const activeBefore = await activeUsers(file, joined);
  const { rows } = await ziik.query<{ id: string }>(
    `update users set active = false where site_id = $1 and active and deleted_at is null and id % 2 = 0 returning id`,
    [siteId],
  );
  const emptied = new Set(rows.map(({ id }) => `${joined.tenant}:person:${id}`));
  const theirs = (await users(file, joined)).filter(({ externalId, isActive }) => isActive && emptied.has(externalId!));
  screen.line(
    `  one transaction in Ziik deactivates ${rows.length} people of ${joined.tenant}; ${theirs.length} of them are active in Learningbank`,
  );
  const brakeHeld = await held(operator, integration);
  screen.line(`  the brake holds ${brakeHeld} deactivations`);
  const { rows: units } = await ziik.query<{ id: string }>(
    `select id from units where site_id = $1 and deleted_at is null and unit_type = 'unit' order by id limit 1`,
    [siteId],
  );
  const email = `nora.${siteId}@example.test`;
  await hire(ziik, siteId, {
    firstName: 'Nora',
    lastName: 'Lund',
    email,
    language: 'da',
    memberships: [{ unitId: units[0]!.id, roleIds: [] }],
  });
  await until(`${siteId}'s newcomer`, async () => (await users(file, joined)).some((user) => user.email === email));
  screen.line('  everything else goes on: a new colleague is there');
  await operator.api.actOnObjects({
    params: { integration },
    body: { action: 'reject', operation: 'deactivate' },
  });
  screen.line('  rejected: they stay as they are until Ziik wants something else');
  const wronglyDeactivated = Math.max(0, activeBefore + 1 - (await activeUsers(file, joined)));
  await ziik.query(`update users set active = true where site_id = $1 and id = any($2::bigint[])`, [
    siteId,
    rows.map(({ id }) => id),
  ]);
  await waitConverged(file, { deadlineMs: 60_000, integrations: [integration] });
  screen.line(`  the import is corrected; ${wronglyDeactivated} people were wrongly deactivated`);
  return { brakeHeld, wronglyDeactivated };
}

/** How many deactivations are held, once that number has come to rest. */
async function held(operator: Operator, integration: string): Promise<number> {
  let last = -1;
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await delay(500)) {
    const count = (await operator.heldByOperation(integration)).get('deactivate') ?? 0;
    if (count > 0 && count === last) return count;
    last = count;
  }
  throw new Error('the brake held nothing within 60 s');
}

interface TargetUser {
  readonly externalId: string | null;
  readonly email: string | null;
  readonly isActive: boolean;
}

async function users(file: StackFile, { platform }: Joined): Promise<readonly TargetUser[]> {
  const response = await fetch(`${file.learningbankSimUrl}/_sim/state?platform=${platform.id}`);
  return ((await response.json()) as { readonly users: readonly TargetUser[] }).users;
}

async function activeUsers(file: StackFile, joined: Joined): Promise<number> {
  return (await users(file, joined)).filter(({ isActive }) => isActive).length;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await holds()); await delay(150)) {
    if (performance.now() > deadline) throw new Error(`waited 30 s for ${what}`);
  }
}
