import { inTransaction, reserveIds, type Db, type Id } from './db.ts';
import { planOrganisation, type OrganisationOptions, type PlannedOrganisation } from './organisation.ts';

/** What was written; `people` and `units` are ids in the order they were planned. */
export interface GeneratedOrganisation {
  readonly siteId: Id;
  readonly identifier: string;
  readonly unitIds: readonly Id[];
  readonly roleIds: readonly Id[];
  readonly personIds: readonly Id[];
}

/** Draws an organisation and writes it as a new site, in one transaction; 100,000 people take seconds. */
export async function generateOrganisation(db: Db, options: OrganisationOptions): Promise<GeneratedOrganisation> {
  return insertOrganisation(db, planOrganisation(options));
}

/** Writes a planned organisation as a new site, in one transaction. */
export async function insertOrganisation(db: Db, plan: PlannedOrganisation): Promise<GeneratedOrganisation> {
  const written = await inTransaction(db, async (tx) => {
    const site = await tx.query<{ id: Id }>(
      `insert into sites (identifier, name, default_language) values ($1, $2, 'da') returning id`,
      [plan.identifier, plan.name],
    );
    const siteId = site.rows[0]?.id ?? '';
    const unitIds = await insertUnits(tx, siteId, plan);
    const roleIds = await insertRoles(tx, siteId, plan);
    const personIds = await insertPeople(tx, siteId, plan);
    await insertMemberships(tx, siteId, plan, { unitIds, roleIds, personIds });
    return { siteId, identifier: plan.identifier, unitIds, roleIds, personIds };
  });
  // Without fresh statistics the planner scans whole tables for the changes that follow.
  if (plan.people.length >= 1_000) await db.query('analyze units, users, memberships, membership_user_types');
  return written;
}

async function insertUnits(db: Db, siteId: Id, { units }: PlannedOrganisation): Promise<Id[]> {
  const ids = await reserveIds(db, 'units', units.length);
  await insertRows(db, 'units', siteId, {
    id: ['bigint', ids],
    parent_id: ['bigint', units.map((unit) => (unit.parent === null ? null : ids[unit.parent]))],
    name: ['text', units.map((unit) => unit.name)],
    unit_type: ['text', units.map((unit) => unit.unitType)],
    reference: ['text', units.map((_, index) => `U${index + 1}`)],
  });
  return ids;
}

async function insertRoles(db: Db, siteId: Id, { roles }: PlannedOrganisation): Promise<Id[]> {
  const ids = await reserveIds(db, 'user_types', roles.length);
  await insertRows(db, 'user_types', siteId, { id: ['bigint', ids], name: ['text', roles] });
  return ids;
}

async function insertPeople(db: Db, siteId: Id, { people }: PlannedOrganisation): Promise<Id[]> {
  const ids = await reserveIds(db, 'users', people.length);
  const day = 86_400_000;
  const expiry = (days: number | null) => (days === null ? null : new Date(Date.now() + days * day).toISOString());
  await insertRows(db, 'users', siteId, {
    id: ['bigint', ids],
    first_name: ['text', people.map((person) => person.firstName)],
    last_name: ['text', people.map((person) => person.lastName)],
    email: ['text', people.map((person) => person.email)],
    language: ['text', people.map((person) => person.language)],
    active: ['boolean', people.map((person) => person.active)],
    admin: ['boolean', people.map((person) => person.admin)],
    reference: ['text', people.map((person) => person.reference)],
    expires_at: ['timestamptz', people.map((person) => expiry(person.expiresInDays))],
  });
  return ids;
}

type Ids = Pick<GeneratedOrganisation, 'unitIds' | 'roleIds' | 'personIds'>;

async function insertMemberships(db: Db, siteId: Id, plan: PlannedOrganisation, ids: Ids): Promise<void> {
  const rows = plan.people.flatMap((person, index) =>
    person.memberships.map((membership) => ({ ...membership, personId: ids.personIds[index] })),
  );
  const membershipIds = await reserveIds(db, 'memberships', rows.length);
  await insertRows(db, 'memberships', siteId, {
    id: ['bigint', membershipIds],
    user_id: ['bigint', rows.map((row) => row.personId)],
    unit_id: ['bigint', rows.map((row) => ids.unitIds[row.unit])],
    department_id: ['bigint', rows.map((row) => (row.department === null ? null : ids.unitIds[row.department]))],
    position: ['integer', rows.map((row) => row.position)],
  });
  const roles = rows.flatMap((row, index) =>
    row.roles.map((role, position) => ({ membershipId: membershipIds[index], roleId: ids.roleIds[role], position })),
  );
  const roleRowIds = await reserveIds(db, 'membership_user_types', roles.length);
  await insertRows(db, 'membership_user_types', siteId, {
    id: ['bigint', roleRowIds],
    membership_id: ['bigint', roles.map((row) => row.membershipId)],
    user_type_id: ['bigint', roles.map((row) => row.roleId)],
    position: ['integer', roles.map((row) => row.position)],
  });
}

type Columns = Readonly<Record<string, readonly [type: string, values: readonly unknown[]]>>;

const rowsPerStatement = 20_000;

async function insertRows(db: Db, table: string, siteId: Id, columns: Columns): Promise<void> {
  const names = Object.keys(columns);
  const arrays = names.map((name, index) => `$${index + 2}::${columns[name]?.[0]}[]`);
  const sql = `insert into ${table} (site_id, ${names.join(', ')})
    select $1::bigint, r.* from unnest(${arrays.join(', ')}) as r`;
  const total = columns[names[0] ?? '']?.[1].length ?? 0;
  for (let from = 0; from < total; from += rowsPerStatement) {
    const slices = names.map((name) => columns[name]?.[1].slice(from, from + rowsPerStatement));
    await db.query(sql, [siteId, ...slices]);
  }
}
