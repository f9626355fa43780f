import {
  applySchema,
  createRandom,
  generateOrganisation,
  randomChanges,
  type GeneratedOrganisation,
} from '@orgstream/simulator-ziik';
import { freshDatabase } from '@orgstream/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareSite, compareTenant } from './compare.ts';
import { tenant } from './clean-scene.ts';
import { mirror } from './mirror.ts';
import { readSite, type SourceSite } from './source.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let ziik: pg.Pool;
let organisation: GeneratedOrganisation;
let site: SourceSite;

beforeAll(async () => {
  database = await freshDatabase('oracle');
  ziik = new pg.Pool({ connectionString: database.url, max: 2 });
  await applySchema(ziik);
  await generateOrganisation(ziik, { seed: 2, units: 12, people: 30 });
  organisation = await generateOrganisation(ziik, { seed: 3, units: 40, people: 400 });
  site = await readSite(ziik, organisation.siteId);
});

afterAll(async () => {
  await ziik.end();
  await database[Symbol.asyncDispose]();
});

test('a generated organisation and its mirror are in step, every object looked at', async () => {
  const result = compareSite(tenant, site, mirror(site), { languages: true, inactiveCreated: true });
  expect(result).toMatchObject({ mismatches: [], duplicates: [], people: 400, units: 40, roles: 8 });
  const unsendable = site.people.filter((person) => person.email === null).length;
  expect(unsendable).toBeGreaterThan(0);
  expect(result.compared).toBe(400 - unsendable + 40 + 8);
});

test('rows are read of one site only, by URL, pool or client', async () => {
  expect(site.people).toHaveLength(400);
  expect(await readSite(database.url, organisation.siteId)).toEqual(site);
  const state = mirror(site);
  const client = await ziik.connect();
  try {
    const input = { ziik: client, siteId: organisation.siteId, source: 'other', state };
    // Under another source's name everything there belongs to another tenant, and nothing of it is taken over.
    const other = await compareTenant(input);
    expect(other).toMatchObject({ tenant: `other.${organisation.siteId}`, duplicates: [] });
    expect(other.parked.filter((one) => one.code === 'EMAIL_TAKEN').length).toBeGreaterThan(300);
  } finally {
    client.release();
  }
});

test('memberships and roles are read in their order: position, then id', async () => {
  const { rows } = await ziik.query<{ id: string; units: string[] }>(
    `select user_id as id, array_agg(unit_id::text order by position, id) as units from memberships
     where site_id = $1 group by user_id having count(*) > 1`,
    [organisation.siteId],
  );
  expect(rows.length).toBeGreaterThan(20);
  for (const { id, units } of rows) {
    expect(site.people.find((person) => person.id === id)?.memberships.map((one) => one.unitId)).toEqual(units);
  }
});

test('a site that is not there is reported, not compared', async () => {
  const result = await compareTenant({ ziik, siteId: 999_999, source: 'eu1', state: mirror(site) });
  expect(result).toMatchObject({ compared: 0, parked: [{ kind: 'tenant', code: 'TENANT_GONE' }] });
});

test('a state of another shape is refused', async () => {
  await expect(
    compareTenant({ ziik, siteId: organisation.siteId, source: 'eu1', state: { users: [] } }),
  ).rejects.toThrow(/departments/);
});

test('changes of the source that the target did not get are found', async () => {
  const before = mirror(site);
  await randomChanges(ziik, organisation.siteId, { random: createRandom(4), count: 60 });
  const changed = await readSite(ziik, organisation.siteId);
  const { mismatches } = compareSite(tenant, changed, before);
  expect(mismatches.length).toBeGreaterThan(20);
});

/** Ways to break one user, at random: none may go unseen. */
const breaks = ['drop', 'firstName', 'lastName', 'email', 'isActive', 'departments', 'permissionTypes'] as const;

test('no single broken user of 200 goes unseen', () => {
  const random = createRandom(5);
  const active = new Set(mirror(site).users.flatMap((user) => (user.isActive ? user.id : [])));
  for (let round = 0; round < 200; round += 1) {
    const state = mirror(site);
    const user = random.pick(state.users.filter((one) => active.has(one.id)));
    const how = random.pick(breaks);
    if (how === 'drop') state.users = state.users.filter((one) => one !== user);
    else if (how === 'isActive') user.isActive = false;
    else if (how === 'departments') user.departmentIds = user.departmentIds.slice(1);
    else if (how === 'permissionTypes') user.permissionTypeIds = [...user.permissionTypeIds.slice(1), 2_000_000 - 1];
    else user[how] = `x${user[how]}`;
    const lostNothing = how === 'permissionTypes' && user.permissionTypeIds.length === 1 && rolesOf(user.id) === 0;
    const { mismatches } = compareSite(tenant, site, state);
    const found = mismatches.map((one) => one.sourceId);
    expect({ how, found }).toEqual({ how, found: lostNothing ? [] : [String(user.id)] });
  }
});

function rolesOf(personId: number): number {
  return site.people.find((person) => person.id === String(personId))?.memberships[0]?.roleIds.length ?? 0;
}
