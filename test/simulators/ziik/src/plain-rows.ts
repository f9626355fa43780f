import { inTransaction, one, type Db, type Id } from './db.ts';

/** Size of a plain site. */
export interface PlainRowsOptions {
  /** Rows in `users`; made inside the server, a million take seconds. */
  readonly people: number;
  /** One membership and one role each. Default false: `users` rows only. */
  readonly memberships?: boolean;
  readonly identifier?: string;
}

/** Writes a site of uniform rows of about 230 bytes for benchmarks: one top unit, one role, so many people. */
export async function insertPlainRows(
  db: Db,
  options: PlainRowsOptions,
): Promise<{ siteId: Id; unitId: Id; roleId: Id }> {
  return inTransaction(db, async (tx) => {
    const { siteId } = (await one<{ siteId: Id }>(
      tx,
      `insert into sites (identifier, name, default_language) values ($1, $1, 'da') returning id as "siteId"`,
      [options.identifier ?? 'plain'],
    )) ?? { siteId: '' };
    const insert = async (sql: string, ...values: unknown[]) =>
      (await one<{ id: Id }>(tx, sql, [siteId, ...values]))?.id ?? '';
    const unitId = await insert(`insert into units (site_id, name) values ($1, 'Top') returning id`);
    const roleId = await insert(`insert into user_types (site_id, name) values ($1, 'Medarbejder') returning id`);
    await tx.query(
      `insert into users (site_id, first_name, last_name, email, language, reference)
       select $1::bigint, 'Fornavn ' || n, 'Efternavn ' || md5(n::text),
         'fornavn.' || n || '.' || md5(n::text) || '@plain-' || $1::bigint || '.example', 'da', 'E' || lpad(n::text, 60, '0')
       from generate_series(1, $2::int) as n`,
      [siteId, options.people],
    );
    if (options.memberships) await insertMemberships(tx, siteId, unitId, roleId);
    return { siteId, unitId, roleId };
  });
}

async function insertMemberships(tx: Db, siteId: Id, unitId: Id, roleId: Id): Promise<void> {
  await tx.query(
    `with m as (insert into memberships (site_id, user_id, unit_id)
       select site_id, id, $2 from users where site_id = $1 order by id returning id)
     insert into membership_user_types (site_id, membership_id, user_type_id) select $1, id, $3 from m`,
    [siteId, unitId, roleId],
  );
}
