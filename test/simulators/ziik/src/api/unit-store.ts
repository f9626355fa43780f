import { all, type Db, type Id } from '../db.ts';

export interface UnitRow {
  readonly id: Id;
  readonly parentId: Id | null;
  readonly name: string | null;
  readonly unitType: string;
  readonly reference: string | null;
}

const columns = `id, parent_id as "parentId", name, unit_type as "unitType", reference`;

/** Every unit and department of a site that is not deleted, by id. */
export async function allUnits(db: Db, siteId: Id): Promise<Map<Id, UnitRow>> {
  const rows = await all<UnitRow>(
    db,
    `select ${columns} from units where site_id = $1 and deleted_at is null order by id`,
    [siteId],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** These units and all above them, by id. */
export async function unitsAbove(db: Db, siteId: Id, ids: readonly Id[]): Promise<Map<Id, UnitRow>> {
  if (ids.length === 0) return new Map();
  const rows = await all<UnitRow>(
    db,
    `with recursive above as (
       select units.* from units where site_id = $1 and id = any($2::bigint[])
       union select u.* from units u join above a on u.id = a.parent_id where u.site_id = $1)
     select ${columns} from above`,
    [siteId, ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
