import { all, one, type Db, type Id } from '../db.ts';
import type { UnitRow } from './unit-store.ts';

/** A user with the unit of the first membership and all units above it: one question, since it is asked so often. */
export interface UserRow {
  readonly id: Id;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly email: string | null;
  readonly language: string | null;
  readonly reference: string | null;
  readonly active: boolean;
  readonly admin: boolean;
  readonly expiresAt: Date | null;
  /** The unit first, the top unit last; empty = no unit. */
  readonly units: readonly UnitRow[];
}

const isActive = 'u.active and u.anonymised_at is null and coalesce(u.expires_at > now(), true)';
const columns = `u.id, u.first_name as "firstName", u.last_name as "lastName", u.email, u.language, u.reference,
  (${isActive}) as active, u.admin, u.expires_at as "expiresAt", m.units`;
const firstUnit = `left join lateral (
  with recursive line as (
    select f.*, 0 as height from (select t.* from memberships m join units t on t.site_id = m.site_id and t.id = m.unit_id
      where m.site_id = u.site_id and m.user_id = u.id order by m.position, m.id limit 1) f
    union all
    select p.*, l.height + 1 from units p join line l on p.id = l.parent_id where p.site_id = u.site_id and l.height < 50)
  select coalesce(json_agg(json_build_object('id', id::text, 'parentId', parent_id::text, 'name', name,
    'unitType', unit_type, 'reference', reference) order by height), '[]') as units from line) m on true`;

/** Whom a list asks for. */
export interface UserFilter {
  readonly active: boolean;
  readonly email?: string | undefined;
  readonly keyword?: string | undefined;
  readonly units?: readonly Id[] | undefined;
  readonly userTypes?: readonly Id[] | undefined;
}

/** One page by id, and how many there are in all. */
export async function listUsers(
  db: Db,
  siteId: Id,
  filter: UserFilter,
  page: { limit: number; offset: number },
): Promise<{ users: UserRow[]; total: number }> {
  const { where, values } = conditions(siteId, filter);
  const rows = await all<UserRow & { total: number }>(
    db,
    `select ${columns}, u.total from (
       select u.*, count(*) over ()::int as total from users u where ${where}
       order by u.id limit $${values.length + 1} offset $${values.length + 2}) u ${firstUnit} order by u.id`,
    [...values, page.limit, page.offset],
  );
  if (rows[0] || page.offset === 0) return { users: rows, total: rows[0]?.total ?? 0 };
  const counted = await one<{ total: number }>(db, `select count(*)::int as total from users u where ${where}`, values);
  return { users: [], total: counted?.total ?? 0 };
}

function conditions(siteId: Id, filter: UserFilter): { where: string; values: unknown[] } {
  const values: unknown[] = [siteId];
  const bind = (value: unknown) => `$${values.push(value)}`;
  // An anonymised account is listed nowhere.
  const state = filter.active ? isActive : `not (${isActive}) and u.anonymised_at is null`;
  const where = ['u.site_id = $1', 'u.deleted_at is null', state];
  if (filter.email !== undefined) where.push(`lower(u.email) = lower(${bind(filter.email)})`);
  if (filter.keyword !== undefined)
    where.push(
      `concat_ws(' ', u.first_name, u.last_name) ilike ${bind(`%${filter.keyword.replaceAll(/[\\%_]/g, '\\$&')}%`)}`,
    );
  const member = 'exists (select from memberships f where f.site_id = u.site_id and f.user_id = u.id';
  if (filter.units) where.push(`${member} and f.unit_id = any(${bind(filter.units)}::bigint[]))`);
  if (filter.userTypes)
    where.push(`${member} and exists (select from membership_user_types t where t.site_id = f.site_id
      and t.membership_id = f.id and t.user_type_id = any(${bind(filter.userTypes)}::bigint[])))`);
  return { where: where.join(' and '), values };
}

/** Users by id; anonymised ones too, deleted ones not. */
export async function usersById(db: Db, siteId: Id, ids: readonly Id[]): Promise<Map<Id, UserRow>> {
  if (ids.length === 0) return new Map();
  const rows = await all<UserRow>(
    db,
    `select ${columns} from users u ${firstUnit}
     where u.site_id = $1 and u.id = any($2::bigint[]) and u.deleted_at is null`,
    [siteId, ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** One user by the external key. */
export async function userByReference(db: Db, siteId: Id, reference: string): Promise<UserRow | undefined> {
  return one<UserRow>(
    db,
    `select ${columns} from users u ${firstUnit}
     where u.site_id = $1 and u.reference = $2 and u.deleted_at is null order by u.id limit 1`,
    [siteId, reference],
  );
}

/** A membership with its roles in order. */
export interface MembershipRow {
  readonly unitId: Id;
  readonly departmentId: Id | null;
  readonly roles: readonly { readonly id: number; readonly name: string }[];
}

/** Memberships of a user, the first one first. */
export async function membershipsOf(db: Db, siteId: Id, userId: Id): Promise<MembershipRow[]> {
  const rows = await all<MembershipRow>(
    db,
    `select m.unit_id as "unitId", m.department_id as "departmentId", coalesce((
       select json_agg(json_build_object('id', t.id, 'name', t.name) order by x.position, x.id)
       from membership_user_types x join user_types t on t.site_id = x.site_id and t.id = x.user_type_id
       where x.site_id = m.site_id and x.membership_id = m.id and t.deleted_at is null), '[]') as roles
     from memberships m where m.site_id = $1 and m.user_id = $2 order by m.position, m.id`,
    [siteId, userId],
  );
  return rows;
}
