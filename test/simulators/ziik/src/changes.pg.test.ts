import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { applySchema } from './db.ts';
import * as ziik from './index.ts';
import { openScratch, type Scratch } from './scratch.ts';

let scratch: Scratch;
let site: ziik.GeneratedOrganisation;
let db: pg.Pool;

beforeAll(async () => {
  scratch = await openScratch();
  db = scratch.pool;
});
afterAll(() => scratch[Symbol.asyncDispose]());
beforeEach(async () => {
  site = await ziik.generateOrganisation(db, { seed: 1, units: 12, people: 20, departments: 1 });
});

const one = async (sql: string, ...values: unknown[]) => (await scratch.rows(sql, ...values))[0];
const membershipsOf = (personId: string) => ziik.membershipsOf(db, site.siteId, personId);

/** Hires somebody into units, each with one role, and answers his id. */
async function hire(...unitIds: string[]): Promise<string> {
  const memberships = unitIds.map((unitId) => ({ unitId, roleIds: [site.roleIds[0]!] }));
  return (await ziik.hire(db, site.siteId, { firstName: 'Ægir', lastName: 'Ødum', memberships })).personId;
}

test('the schema can be applied again, and every table but sites names its tenant in its replica identity', async () => {
  await applySchema(db);
  const identities = await scratch.rows<{ name: string; kind: string; columns: string | null }>(
    `select c.relname as name, c.relreplident as kind, (select string_agg(a.attname, ',' order by a.attnum) from pg_index i
       join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
       where i.indrelid = c.oid and i.indisreplident) as columns
     from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1`,
  );
  const withTenant = { kind: 'i', columns: 'id,site_id' };
  expect(identities).toEqual([
    { name: 'membership_user_types', ...withTenant },
    { name: 'memberships', ...withTenant },
    { name: 'sites', kind: 'd', columns: null },
    { name: 'units', ...withTenant },
    { name: 'user_types', ...withTenant },
    { name: 'users', ...withTenant },
  ]);
});

test('a hire is one transaction over three tables; in halves, the person is one of its own', async () => {
  const xids = (personId: string) =>
    scratch.rows<{ xid: string }>(
      `select xmin::text as xid from users where id = $1 union select xmin::text from memberships where user_id = $1
       union select r.xmin::text from membership_user_types r join memberships m on m.id = r.membership_id where m.user_id = $1`,
      personId,
    );
  expect(await xids(await hire(site.unitIds[1]!, site.unitIds[2]!))).toHaveLength(1);
  const memberships = [{ unitId: site.unitIds[1]!, roleIds: [site.roleIds[0]!] }];
  const { personId } = await ziik.hire(db, site.siteId, { halves: true, memberships });
  expect(await xids(personId)).toHaveLength(2);
});

test('a change joins the transaction that its client has open', async () => {
  const client = await db.connect();
  try {
    await client.query('begin');
    await ziik.hire(client, site.siteId, { email: 'gone@x.example', memberships: [{ unitId: site.unitIds[0]! }] });
    await ziik.hardDelete(client, site.siteId, site.personIds[0]!);
    await client.query('rollback');
  } finally {
    client.release();
  }
  expect(await one("select count(*)::int as n from users where email = 'gone@x.example'")).toEqual({ n: 0 });
  expect(await one('select count(*)::int as n from users where id = $1', site.personIds[0])).toEqual({ n: 1 });
});

test.each([
  ['deactivate', ziik.deactivate, { active: false }],
  ['softDelete', ziik.softDelete, { deleted: true }],
  ['anonymise', ziik.anonymise, { active: false, anonymised: true, first_name: 'Anonymised' }],
] as const)('%s', async (_name, change, expected) => {
  const id = await hire(site.unitIds[0]!);
  await change(db, site.siteId, id);
  const row = await one(
    `select *, deleted_at is not null as deleted, anonymised_at is not null as anonymised from users where id = $1`,
    id,
  );
  expect(row).toMatchObject(expected);
});

test('leaving is taken back: reactivate, restore; expire sets a moment and clears it', async () => {
  const id = await hire(site.unitIds[0]!);
  const at = new Date('2030-01-01T00:00:00Z');
  await ziik.expire(db, site.siteId, id, at);
  expect(await one('select expires_at, active from users where id = $1', id)).toEqual({ expires_at: at, active: true });
  await ziik.deactivate(db, site.siteId, id);
  await ziik.softDelete(db, site.siteId, id);
  await ziik.reactivate(db, site.siteId, id);
  await ziik.restore(db, site.siteId, id);
  expect(await one('select active, expires_at, deleted_at from users where id = $1', id)).toEqual({
    active: true,
    expires_at: null,
    deleted_at: null,
  });
});

test('a hard deletion leaves no row of the person', async () => {
  const id = await hire(site.unitIds[1]!, site.unitIds[2]!);
  const own = await membershipsOf(id);
  await ziik.hardDelete(db, site.siteId, id);
  const ids = own.map((membership) => membership.id);
  expect(await one('select count(*)::int as n from users where id = $1', id)).toEqual({ n: 0 });
  expect(await one('select count(*)::int as n from memberships where id = any($1)', ids)).toEqual({ n: 0 });
  expect(await one('select count(*)::int as n from membership_user_types where membership_id = any($1)', ids)).toEqual({
    n: 0,
  });
});

test('an address is handed over in one transaction', async () => {
  const [from, to] = [site.personIds[0]!, site.personIds[1]!];
  const before = await one('select email from users where id = $1', from);
  await ziik.handOverEmail(db, site.siteId, { from, to, newEmail: 'new@x.example' });
  const after = await scratch.rows('select email, xmin::text as xid from users where id = any($1) order by id', [
    from,
    to,
  ]);
  expect(after).toMatchObject([{ email: 'new@x.example' }, before]);
  expect(after[0]?.['xid']).toBe(after[1]?.['xid']);
});

test('memberships are added at the end, moved, reordered, and the last one stays unless asked', async () => {
  const [a, b, c] = [site.unitIds[1]!, site.unitIds[2]!, site.unitIds[3]!];
  const id = await hire(a, b);
  const third = await ziik.addMembership(db, site.siteId, id, { unitId: c });
  expect((await membershipsOf(id)).map((membership) => membership.unitId)).toEqual([a, b, c]);
  const own = await membershipsOf(id);
  await ziik.reorderMemberships(db, site.siteId, own.map((membership) => membership.id).toReversed());
  expect((await membershipsOf(id)).map((membership) => membership.unitId)).toEqual([c, b, a]);
  await ziik.moveMembership(db, site.siteId, third, site.unitIds[4]!);
  await ziik.removeMembership(db, site.siteId, own[0]!.id);
  await ziik.removeMembership(db, site.siteId, own[1]!.id);
  await expect(ziik.removeMembership(db, site.siteId, third)).rejects.toThrow(RangeError);
  expect(await membershipsOf(id)).toEqual([{ id: third, unitId: site.unitIds[4] }]);
  await ziik.removeMembership(db, site.siteId, third, { allowLast: true });
  expect(await membershipsOf(id)).toEqual([]);
});

test('a role change sets the roles of the first membership, in order', async () => {
  const id = await hire(site.unitIds[1]!, site.unitIds[2]!);
  await ziik.changeRole(db, site.siteId, id, [site.roleIds[2]!, site.roleIds[1]!]);
  const roles = await scratch.rows(
    `select r.user_type_id as id from membership_user_types r join memberships m on m.id = r.membership_id
     where m.user_id = $1 order by m.position, r.position`,
    id,
  );
  expect(roles.map((row) => row['id'])).toEqual([site.roleIds[2], site.roleIds[1], site.roleIds[0]]);
});

test('a unit is never moved into its own branch', async () => {
  const child = await ziik.createUnit(db, site.siteId, { parentId: site.unitIds[1]!, name: 'Child' });
  const grandchild = await ziik.createUnit(db, site.siteId, { parentId: child, name: 'Grandchild' });
  await expect(ziik.moveUnit(db, site.siteId, site.unitIds[1]!, grandchild)).rejects.toThrow(RangeError);
  await ziik.moveUnit(db, site.siteId, child, site.unitIds[0]!);
  expect(await one('select parent_id from units where id = $1', child)).toEqual({ parent_id: site.unitIds[0] });
});

test('two units swap names in one transaction', async () => {
  const parentId = site.unitIds[1]!;
  const a = await ziik.createUnit(db, site.siteId, { parentId, name: 'Łódź' });
  const b = await ziik.createUnit(db, site.siteId, { parentId, name: 'Ærø' });
  await ziik.swapUnitNames(db, site.siteId, a, b);
  expect(await scratch.rows('select name from units where id = any($1) order by id', [a, b])).toEqual([
    { name: 'Ærø' },
    { name: 'Łódź' },
  ]);
});

test('a deleted unit: its people move up, and nobody is there twice', async () => {
  const unitId = await ziik.createUnit(db, site.siteId, { parentId: site.unitIds[1]!, name: 'Closing' });
  const department = await ziik.createUnit(db, site.siteId, { parentId: unitId, name: 'D', unitType: 'department' });
  const moved = await hire(unitId);
  const already = await hire(unitId, site.unitIds[1]!);
  await ziik.deleteUnit(db, site.siteId, unitId);
  for (const id of [moved, already]) {
    expect((await membershipsOf(id)).map((membership) => membership.unitId)).toEqual([site.unitIds[1]]);
  }
  const gone = await scratch.rows('select deleted_at from units where id = any($1)', [[unitId, department]]);
  expect(gone.every((row) => row['deleted_at'] instanceof Date)).toBe(true);
});

test('a deleted unit with its people left behind, and a hard deletion', async () => {
  const unitId = await ziik.createUnit(db, site.siteId, { parentId: site.unitIds[1]!, name: 'Closing' });
  const id = await hire(unitId);
  await ziik.deleteUnit(db, site.siteId, unitId, { people: 'leave', mode: 'hard' });
  expect(await one('select count(*)::int as n from units where id = $1', unitId)).toEqual({ n: 0 });
  expect((await membershipsOf(id)).map((membership) => membership.unitId)).toEqual([unitId]);
});

test('a unit with sub-units is refused, unless the branch goes', async () => {
  const unitId = await ziik.createUnit(db, site.siteId, { parentId: site.unitIds[1]!, name: 'Branch' });
  const leaf = await ziik.createUnit(db, site.siteId, { parentId: unitId, name: 'Leaf' });
  const id = await hire(leaf, unitId);
  await expect(ziik.deleteUnit(db, site.siteId, unitId)).rejects.toThrow(RangeError);
  await ziik.deleteUnit(db, site.siteId, unitId, { subtree: true });
  expect((await membershipsOf(id)).map((membership) => membership.unitId)).toEqual([site.unitIds[1]]);
});

test.each(['soft', 'hard'] as const)('a %s deleted role is stripped from everybody', async (mode) => {
  const id = await hire(site.unitIds[1]!);
  await ziik.deleteRole(db, site.siteId, site.roleIds[0]!, { mode });
  const left = await one(
    'select count(*)::int as n from membership_user_types where user_type_id = $1',
    site.roleIds[0],
  );
  expect(left).toEqual({ n: 0 });
  expect(await membershipsOf(id)).toHaveLength(1);
  const rows = await scratch.rows<{ deleted_at: Date | null }>(
    'select deleted_at from user_types where id = $1',
    site.roleIds[0],
  );
  expect(rows.map((row) => row.deleted_at !== null)).toEqual(mode === 'hard' ? [] : [true]);
});

test('a row of another site is never touched', async () => {
  const other = await ziik.generateOrganisation(db, { seed: 9, units: 1, people: 1 });
  const id = other.personIds[0]!;
  await expect(ziik.deactivate(db, site.siteId, id)).rejects.toThrow(RangeError);
  await expect(ziik.hardDelete(db, site.siteId, id)).rejects.toThrow(RangeError);
  await expect(ziik.renameUnit(db, site.siteId, other.unitIds[0]!, 'x')).rejects.toThrow(RangeError);
  await expect(ziik.deleteUnit(db, site.siteId, other.unitIds[0]!)).rejects.toThrow(RangeError);
  expect(await one('select active, count(*) over ()::int as n from users where id = $1', id)).toMatchObject({ n: 1 });
});
