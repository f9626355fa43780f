import { inTransaction, one, type Db, type Id, type IdLike } from './db.ts';
import { insertRow, updateRow } from './rows.ts';

/** A unit to be created. */
export interface NewUnit {
  readonly id?: IdLike;
  /** Null = a top unit. */
  readonly parentId: IdLike | null;
  readonly name: string | null;
  readonly unitType?: string;
  readonly reference?: string | null;
}

/** Creates a unit; sibling names are not checked. */
export async function createUnit(db: Db, siteId: IdLike, unit: NewUnit): Promise<Id> {
  return insertRow(db, 'units', siteId, {
    id: unit.id,
    parent_id: unit.parentId,
    name: unit.name,
    unit_type: unit.unitType,
    reference: unit.reference,
  });
}

/** Renames a unit; sibling names are not checked. */
export async function renameUnit(db: Db, siteId: IdLike, unitId: IdLike, name: string | null): Promise<void> {
  await updateRow(db, 'units', siteId, unitId, { name });
}

/** Two units swap their names in one transaction. */
export async function swapUnitNames(db: Db, siteId: IdLike, unitId: IdLike, otherId: IdLike): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ id: Id; name: string | null }>(
      'select id, name from units where site_id = $1 and id = any($2::bigint[])',
      [siteId, [unitId, otherId]],
    );
    const nameOf = (id: IdLike) => rows.find((row) => row.id === String(id))?.name ?? null;
    await renameUnit(tx, siteId, unitId, nameOf(otherId));
    await renameUnit(tx, siteId, otherId, nameOf(unitId));
  });
}

/** Moves a unit with its whole branch under another parent. A cycle is refused (RangeError). */
export async function moveUnit(db: Db, siteId: IdLike, unitId: IdLike, parentId: IdLike): Promise<void> {
  await inTransaction(db, async (tx) => {
    const branch = await branchOf(tx, siteId, unitId);
    if (branch.includes(String(parentId))) throw new RangeError('a unit cannot be moved into its own branch');
    await updateRow(tx, 'units', siteId, unitId, { parent_id: parentId });
  });
}

/** How a unit goes. */
export interface DeleteUnitOptions {
  /** `move` (default): its people go to `moveTo` first. `leave`: their memberships point to a deleted unit. */
  readonly people?: 'move' | 'leave';
  /** Default: the parent. */
  readonly moveTo?: IdLike;
  /** `soft` (default) sets `deleted_at`, `hard` removes the rows. */
  readonly mode?: 'soft' | 'hard';
  /** True: sub-units go too. Default false: a unit with sub-units is refused (RangeError), as in Ziik. */
  readonly subtree?: boolean;
}

/** Deletes a unit and its Ziik departments, in one transaction. */
export async function deleteUnit(
  db: Db,
  siteId: IdLike,
  unitId: IdLike,
  options: DeleteUnitOptions = {},
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const unit = await one<{ parent: Id | null; subUnits: string }>(
      tx,
      `select parent_id as parent, (select count(*) from units c where c.site_id = u.site_id and c.parent_id = u.id
          and c.unit_type = 'unit' and c.deleted_at is null) as "subUnits" from units u where site_id = $1 and id = $2`,
      [siteId, unitId],
    );
    if (!unit) throw new RangeError(`site ${siteId} has no unit ${unitId}`);
    if (unit.subUnits !== '0' && !options.subtree) throw new RangeError(`unit ${unitId} has sub-units`);
    const branch = await branchOf(tx, siteId, unitId);
    const moveTo = options.moveTo ?? unit.parent;
    if ((options.people ?? 'move') === 'move' && moveTo !== null) await movePeople(tx, siteId, branch, moveTo);
    await tx.query(
      options.mode === 'hard'
        ? 'delete from units where site_id = $1 and id = any($2::bigint[])'
        : 'update units set deleted_at = now() where site_id = $1 and id = any($2::bigint[]) and deleted_at is null',
      [siteId, branch],
    );
  });
}

/** The unit and everything below it, departments and deleted units included. */
export async function branchOf(db: Db, siteId: IdLike, unitId: IdLike): Promise<Id[]> {
  const { rows } = await db.query<{ id: Id }>(
    `with recursive branch as (
       select id from units where site_id = $1 and id = $2
       union select u.id from units u join branch b on u.parent_id = b.id where u.site_id = $1)
     select id from branch`,
    [siteId, unitId],
  );
  return rows.map((row) => row.id);
}

/** Who already is in the new unit, or has two memberships in the old ones, loses the surplus ones. */
async function movePeople(tx: Db, siteId: IdLike, unitIds: readonly Id[], moveTo: IdLike): Promise<void> {
  const { rows } = await tx.query<{ id: Id }>(
    `select id from (
       select m.id, row_number() over (partition by m.user_id order by m.position, m.id) > 1 or exists (
           select from memberships o where o.site_id = m.site_id and o.user_id = m.user_id and o.unit_id = $3) as surplus
       from memberships m where m.site_id = $1 and m.unit_id = any($2::bigint[])) as affected
     where surplus`,
    [siteId, unitIds, moveTo],
  );
  const surplus = rows.map((row) => row.id);
  await tx.query('delete from membership_user_types where site_id = $1 and membership_id = any($2::bigint[])', [
    siteId,
    surplus,
  ]);
  await tx.query('delete from memberships where site_id = $1 and id = any($2::bigint[])', [siteId, surplus]);
  await tx.query(
    `update memberships set unit_id = $3, department_id = null where site_id = $1 and unit_id = any($2::bigint[])`,
    [siteId, unitIds, moveTo],
  );
}
