import { inTransaction, type Db, type Id, type IdLike } from './db.ts';

/** Rows of one site by what they stand for; deleted ones apart. */
export interface SiteCounts {
  readonly siteId: Id;
  readonly identifier: string;
  readonly units: number;
  readonly departments: number;
  readonly roles: number;
  /** Not deleted, not anonymised. */
  readonly people: number;
  /** Of these, active and not expired. */
  readonly active: number;
  readonly memberships: number;
}

/** Counts per site, or of one. */
export async function countSites(db: Db, siteId: IdLike | null = null): Promise<SiteCounts[]> {
  const { rows } = await db.query<SiteCounts>(
    `select s.id as "siteId", s.identifier,
       (select count(*)::int from units where site_id = s.id and deleted_at is null and unit_type = 'unit') as units,
       (select count(*)::int from units where site_id = s.id and deleted_at is null and unit_type = 'department') as departments,
       (select count(*)::int from user_types where site_id = s.id and deleted_at is null) as roles,
       (select count(*)::int from users where site_id = s.id and deleted_at is null and anonymised_at is null) as people,
       (select count(*)::int from users where site_id = s.id and deleted_at is null and anonymised_at is null and active
          and coalesce(expires_at > now(), true)) as active,
       (select count(*)::int from memberships where site_id = s.id) as memberships
     from sites s where $1::bigint is null or s.id = $1 order by s.id`,
    [siteId],
  );
  return rows;
}

/** Deletes one site's rows, or all, by DELETE: a TRUNCATE would make whoever streams this database read all of it again. */
export async function deleteSites(db: Db, siteId: IdLike | null = null): Promise<void> {
  await inTransaction(db, async (tx) => {
    for (const table of ['membership_user_types', 'memberships', 'users', 'user_types', 'units']) {
      await tx.query(`delete from ${table} where $1::bigint is null or site_id = $1`, [siteId]);
    }
    await tx.query('delete from sites where $1::bigint is null or id = $1', [siteId]);
  });
}
