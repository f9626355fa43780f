import pg from 'pg';

/** Rows of one Ziik site, as they stand in its database. Ids are decimal strings. */
export interface SourceUnit {
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string | null;
  readonly unitType: string;
  readonly deleted: boolean;
}

export interface SourceRole {
  readonly id: string;
  readonly name: string | null;
  readonly deleted: boolean;
}

/** A membership with its roles in their order. */
interface SourceMembership {
  readonly id: string;
  readonly unitId: string;
  /** Ziik department (security group) within the unit; absent = none. */
  readonly departmentId?: string | null;
  readonly roleIds: readonly string[];
}

export interface SourcePerson {
  readonly id: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly email: string | null;
  readonly language: string | null;
  readonly active: boolean;
  readonly expiresAt: Date | null;
  readonly anonymised: boolean;
  readonly deleted: boolean;
  /** The first membership first: lowest position, then lowest id. */
  readonly memberships: readonly SourceMembership[];
}

export interface SourceSite {
  readonly siteId: string;
  /** False: the site's row is gone. */
  readonly exists: boolean;
  readonly defaultLanguage: string | null;
  readonly units: readonly SourceUnit[];
  readonly roles: readonly SourceRole[];
  readonly people: readonly SourcePerson[];
}

/** A URL, a pool or a client of Ziik's database. */
export type ZiikDatabase = string | pg.Pool | pg.ClientBase;

/** Reads one site in one snapshot of the database. */
export async function readSite(ziik: ZiikDatabase, siteId: string | number): Promise<SourceSite> {
  if (typeof ziik === 'string') {
    const client = new pg.Client({ connectionString: ziik });
    await client.connect();
    try {
      return await readSite(client, siteId);
    } finally {
      await client.end();
    }
  }
  if (!(ziik instanceof pg.Pool)) return readInSnapshot(ziik, String(siteId));
  const client = await ziik.connect();
  try {
    return await readInSnapshot(client, String(siteId));
  } finally {
    client.release();
  }
}

async function readInSnapshot(client: pg.ClientBase, siteId: string): Promise<SourceSite> {
  await client.query('begin isolation level repeatable read read only');
  try {
    return await readRows(client, siteId);
  } finally {
    await client.query('rollback');
  }
}

async function readRows(client: pg.ClientBase, siteId: string): Promise<SourceSite> {
  const rows = async <R extends pg.QueryResultRow>(sql: string) => (await client.query<R>(sql, [siteId])).rows;
  const sites = await rows<{ language: string | null }>('select default_language as language from sites where id = $1');
  const units = await rows<SourceUnit>(
    `select id, parent_id as "parentId", name, unit_type as "unitType", deleted_at is not null as deleted
     from units where site_id = $1 order by id`,
  );
  const roles = await rows<SourceRole>(
    `select id, name, deleted_at is not null as deleted from user_types where site_id = $1 order by id`,
  );
  const people = await rows<Omit<SourcePerson, 'memberships'>>(
    `select id, first_name as "firstName", last_name as "lastName", email, language, active, expires_at as "expiresAt",
       anonymised_at is not null as anonymised, deleted_at is not null as deleted
     from users where site_id = $1 order by id`,
  );
  const memberships = await readMemberships(rows);
  return {
    siteId,
    exists: sites.length > 0,
    defaultLanguage: sites[0]?.language ?? null,
    units,
    roles,
    people: people.map((person) => ({ ...person, memberships: memberships.get(person.id) ?? [] })),
  };
}

type Rows = <R extends pg.QueryResultRow>(sql: string) => Promise<R[]>;

async function readMemberships(rows: Rows): Promise<Map<string, SourceMembership[]>> {
  const roleRows = await rows<{ membershipId: string; roleId: string }>(
    `select membership_id as "membershipId", user_type_id as "roleId"
     from membership_user_types where site_id = $1 order by membership_id, position, id`,
  );
  const roleIds = Map.groupBy(roleRows, (row) => row.membershipId);
  const membershipRows = await rows<{ id: string; personId: string; unitId: string; departmentId: string | null }>(
    `select id, user_id as "personId", unit_id as "unitId", department_id as "departmentId"
     from memberships where site_id = $1 order by position, id`,
  );
  const byPerson = new Map<string, SourceMembership[]>();
  for (const { id, personId, unitId, departmentId } of membershipRows) {
    const own = byPerson.get(personId) ?? [];
    byPerson.set(personId, own);
    own.push({ id, unitId, departmentId, roleIds: roleIds.get(id)?.map((row) => row.roleId) ?? [] });
  }
  return byPerson;
}
