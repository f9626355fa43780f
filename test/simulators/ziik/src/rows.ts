import { one, type Db, type Id, type IdLike, type Table } from './db.ts';

type SiteTable = Exclude<Table, 'sites'>;

/** Inserts one row of a site and answers its id. Column names are ours, values are bound. */
export async function insertRow(
  db: Db,
  table: SiteTable,
  siteId: IdLike,
  values: Readonly<Record<string, unknown>>,
): Promise<Id> {
  const columns = Object.keys(values).filter((column) => values[column] !== undefined);
  const places = columns.map((_, index) => `$${index + 2}`);
  const row = await one<{ id: Id }>(
    db,
    `insert into ${table} (${['site_id', ...columns].join(', ')}) values (${['$1', ...places].join(', ')}) returning id`,
    [siteId, ...columns.map((column) => values[column])],
  );
  return row?.id ?? '';
}

/** Sets columns of one row of a site; throws RangeError when the site has no such row. */
export async function updateRow(
  db: Db,
  table: SiteTable,
  siteId: IdLike,
  id: IdLike,
  set: Readonly<Record<string, unknown>>,
): Promise<void> {
  const columns = Object.keys(set).filter((column) => set[column] !== undefined);
  if (columns.length === 0) return;
  const sets = columns.map((column, index) => `${column} = $${index + 3}`);
  const { rowCount } = await db.query(`update ${table} set ${sets.join(', ')} where site_id = $1 and id = $2`, [
    siteId,
    id,
    ...columns.map((column) => set[column]),
  ]);
  if (rowCount !== 1) throw new RangeError(`site ${siteId} has no row ${id} in ${table}`);
}

/** Deletes one row of a site; throws RangeError when the site has no such row. */
export async function deleteRow(db: Db, table: SiteTable, siteId: IdLike, id: IdLike): Promise<void> {
  const { rowCount } = await db.query(`delete from ${table} where site_id = $1 and id = $2`, [siteId, id]);
  if (rowCount !== 1) throw new RangeError(`site ${siteId} has no row ${id} in ${table}`);
}
