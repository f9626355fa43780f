import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateOrganisation } from './generate.ts';
import { insertPlainRows } from './plain-rows.ts';
import { changeKinds, randomChange, randomChanges } from './random-change.ts';
import { createRandom } from './random.ts';
import { openScratch, type Scratch } from './scratch.ts';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await openScratch();
});
afterAll(() => scratch[Symbol.asyncDispose]());

const generate = (seed: number) => generateOrganisation(scratch.pool, { seed, units: 60, people: 300, inactive: 0.2 });

/** What Ziik itself never lets happen. */
async function broken(siteId: string): Promise<Record<string, unknown>[]> {
  return scratch.rows(
    `select 'no membership' as what, u.id from users u where u.site_id = $1
       and not exists (select from memberships m where m.user_id = u.id)
     union all select 'two memberships in one unit', user_id from memberships where site_id = $1
       group by user_id, unit_id having count(*) > 1
     union all select 'equal siblings', parent_id from units where site_id = $1 and deleted_at is null
       and unit_type = 'unit' group by parent_id, lower(trim(name)) having count(*) > 1
     union all select 'child of a deleted unit', c.id from units c join units p on p.id = c.parent_id
       where c.site_id = $1 and c.deleted_at is null and p.deleted_at is not null
     union all select 'parent is gone', c.id from units c where c.site_id = $1 and c.parent_id is not null
       and not exists (select from units p where p.id = c.parent_id)
     union all select 'equal roles', min(id) from user_types where site_id = $1 and deleted_at is null
       group by lower(trim(name)) having count(*) > 1
     union all select 'role row is gone', r.id from membership_user_types r where r.site_id = $1
       and not exists (select from user_types t where t.id = r.user_type_id)
     union all select 'row of another site', m.id from memberships m join units n on n.id = m.unit_id
       where m.site_id = $1 and n.site_id <> $1
     union all select 'equal e-mails', min(id) from users where site_id = $1 and email is not null
       group by lower(email) having count(*) > 1`,
    siteId,
  );
}

async function unitsInReach(siteId: string): Promise<{ all: number; reached: number }> {
  const [row] = await scratch.rows<{ all: number; reached: number }>(
    `with recursive tree as (select id from units where site_id = $1 and parent_id is null
       union select u.id from units u join tree t on u.parent_id = t.id)
     select (select count(*)::int from units where site_id = $1) as all, (select count(*)::int from tree) as reached`,
    siteId,
  );
  return row ?? { all: -1, reached: -2 };
}

test.each(changeKinds)('%s finds something to change, and keeps what Ziik keeps', async (kind) => {
  const { siteId } = await generate(11);
  const random = createRandom(3);
  // Nobody is deleted at first; role counts fall by deletions.
  if (kind === 'restore') await randomChange(scratch.pool, siteId, random, { softDelete: 1 });
  const change = await randomChange(scratch.pool, siteId, random, { [kind]: 1 });
  expect(change?.kind).toBe(kind);
  expect(change?.ids.length).toBeGreaterThan(0);
  expect(await broken(siteId)).toEqual([]);
});

test('600 changes of daily life keep what Ziik keeps, and the tree has no cycles', async () => {
  const { siteId } = await generate(12);
  const made = await randomChanges(scratch.pool, siteId, { random: createRandom(6), count: 600 });
  expect(made).toHaveLength(600);
  expect(new Set(made.map((change) => change.kind)).size).toBeGreaterThan(25);
  expect(await broken(siteId)).toEqual([]);
  const { all, reached } = await unitsInReach(siteId);
  expect(reached).toBe(all);
  expect(all).toBeGreaterThan(40);
});

test('the same seed on a fresh organisation makes the same changes', async () => {
  const run = async () => {
    const { siteId } = await generate(13);
    const made = await randomChanges(scratch.pool, siteId, { random: createRandom(8), count: 80 });
    return made.map((change) => change.kind);
  };
  expect(await run()).toEqual(await run());
});

test('an aborted or empty run ends', async () => {
  const { siteId } = await generate(14);
  const random = createRandom(1);
  const stop = new AbortController();
  const made = await randomChanges(scratch.pool, siteId, {
    random,
    count: 1_000,
    signal: stop.signal,
    onChange: (change) => change.ids.length > 0 && stop.abort(),
  });
  expect(made.length).toBeLessThan(5);
  expect(await randomChange(scratch.pool, 999_999, random, { renamePerson: 1 })).toBeUndefined();
});

test('plain rows are about 230 bytes each and belong to one site', async () => {
  const { siteId } = await insertPlainRows(scratch.pool, { people: 500, memberships: true });
  const [row] = await scratch.rows(
    `select count(*)::int as people, avg(pg_column_size(u.*))::int as bytes, count(distinct m.id)::int as memberships,
       count(distinct r.id)::int as roles
     from users u join memberships m on m.user_id = u.id join membership_user_types r on r.membership_id = m.id
     where u.site_id = $1`,
    siteId,
  );
  expect(row).toMatchObject({ people: 500, memberships: 500, roles: 500 });
  expect(row?.['bytes']).toBeGreaterThan(200);
  expect(row?.['bytes']).toBeLessThan(260);
});
