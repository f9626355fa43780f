import { one, type Db, type Id } from './db.ts';
import type { Random } from './random.ts';

/** What a random change works with: one site, one sequence of draws. */
export interface ChangeContext {
  readonly db: Db;
  readonly siteId: Id;
  readonly random: Random;
}

const isUnit = "unit_type = 'unit' and deleted_at is null";
const isPresent = 'deleted_at is null and anonymised_at is null';

/** Conditions that rows are drawn by. */
export const conditions = {
  unit: `units where ${isUnit}`,
  subUnit: `units where ${isUnit} and parent_id is not null`,
  leafUnit: `units where ${isUnit} and parent_id is not null and not exists (select from units c
    where c.site_id = units.site_id and c.parent_id = units.id and c.unit_type = 'unit' and c.deleted_at is null)`,
  role: 'user_types where deleted_at is null',
  person: `users where ${isPresent}`,
  activePerson: `users where ${isPresent} and active and not admin`,
  inactivePerson: `users where ${isPresent} and not active`,
  deletedPerson: 'users where deleted_at is not null and anonymised_at is null',
  leftPerson: 'users where anonymised_at is null and (not active or deleted_at is not null)',
  membership: 'memberships where true',
} as const;

/** Draws one row: a point between the lowest and highest id, and the first row from there on. Fast at any size. */
export async function pickId(
  { db, siteId, random }: ChangeContext,
  from: keyof typeof conditions,
): Promise<Id | undefined> {
  const [table = ''] = conditions[from].split(' ', 1);
  const range = await one<{ low: Id | null; high: Id | null }>(db, rangeOf(table), [siteId]);
  if (range?.low == null || range.high == null) return undefined;
  const start = random.int(Number(range.low), Number(range.high));
  const sql = `select id from ${conditions[from]} and site_id = $1 and id >= $2 order by site_id, id limit 1`;
  const row =
    (await one<{ id: Id }>(db, sql, [siteId, start])) ?? (await one<{ id: Id }>(db, sql, [siteId, range.low]));
  return row?.id;
}

/** Draws up to `count` different rows. */
export async function pickIds(context: ChangeContext, from: keyof typeof conditions, count: number): Promise<Id[]> {
  const ids = new Set<Id>();
  for (let tries = 0; ids.size < count && tries < count * 4; tries += 1) {
    const id = await pickId(context, from);
    if (id !== undefined) ids.add(id);
  }
  return [...ids];
}

/** Row comparison keeps the planner on the (site_id, id) index: by the primary key it walks over other sites' rows. */
function rangeOf(table: string): string {
  return `select
    (select id from (select site_id, id from ${table} where (site_id, id) >= ($1::bigint, 0) order by site_id, id limit 1) as f
      where site_id = $1) as low,
    (select id from (select site_id, id from ${table} where (site_id, id) < ($1::bigint + 1, 0)
      order by site_id desc, id desc limit 1) as l where site_id = $1) as high`;
}

/** `base`, or `base` and a number: a name that no unit under `parentId` but `exceptId` has, whatever its case. */
export async function freeUnitName(
  { db, siteId }: ChangeContext,
  parentId: Id | null,
  base: string,
  exceptId: Id | null = null,
): Promise<string> {
  const { rows } = await db.query<{ name: string }>(
    `select lower(trim(name)) as name from units where site_id = $1 and parent_id is not distinct from $2
       and deleted_at is null and name is not null and id is distinct from $3`,
    [siteId, parentId, exceptId],
  );
  return firstFree(base, new Set(rows.map((row) => row.name)));
}

/** `base`, or `base` and a number: a name that no living role has. */
export async function freeRoleName({ db, siteId }: ChangeContext, base: string): Promise<string> {
  const { rows } = await db.query<{ name: string }>(
    'select lower(trim(name)) as name from user_types where site_id = $1 and deleted_at is null and name is not null',
    [siteId],
  );
  return firstFree(base, new Set(rows.map((row) => row.name)));
}

function firstFree(base: string, taken: ReadonlySet<string>): string {
  let name = base;
  for (let number = 2; taken.has(name.toLowerCase()); number += 1) name = `${base} ${number}`;
  return name;
}
