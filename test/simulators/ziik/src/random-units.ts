import { inTransaction, one, type Id } from './db.ts';
import { moveMembership } from './memberships.ts';
import { roleNames, unitNames } from './names.ts';
import { freeRoleName, freeUnitName, pickId, pickIds, type ChangeContext } from './pick.ts';
import type { Change } from './random-people.ts';
import { createRole, deleteRole as removeRole, renameRole as setRoleName } from './roles.ts';
import * as units from './units.ts';

interface Place {
  readonly parentId: Id | null;
  readonly name: string | null;
}

async function placeOf({ db, siteId }: ChangeContext, unitId: Id): Promise<Place | undefined> {
  return one<Place & { parentId: Id | null }>(
    db,
    'select parent_id as "parentId", name from units where site_id = $1 and id = $2',
    [siteId, unitId],
  );
}

const drawUnitName = (context: ChangeContext) => context.random.pick([...unitNames.shop, ...unitNames.team]);

const createUnit: Change = async (context) => {
  const parentId = await pickId(context, 'unit');
  if (parentId === undefined) return undefined;
  const name = await freeUnitName(context, parentId, drawUnitName(context));
  return [await units.createUnit(context.db, context.siteId, { parentId, name })];
};

const createDepartment: Change = async (context) => {
  const parentId = await pickId(context, 'subUnit');
  if (parentId === undefined) return undefined;
  const name = context.random.pick(unitNames.department);
  return [await units.createUnit(context.db, context.siteId, { parentId, name, unitType: 'department' })];
};

const renameUnit: Change = async (context) => {
  const id = await pickId(context, 'unit');
  const place = id === undefined ? undefined : await placeOf(context, id);
  if (id === undefined || !place) return undefined;
  await units.renameUnit(
    context.db,
    context.siteId,
    id,
    await freeUnitName(context, place.parentId, drawUnitName(context), id),
  );
  return [id];
};

/** Leaves the name as it is when it is free there, else takes a number: never two equal siblings. */
const moveUnit: Change = async (context) => {
  const id = await pickId(context, 'subUnit');
  const parentId = await pickId(context, 'unit');
  const place = id === undefined ? undefined : await placeOf(context, id);
  if (id === undefined || parentId === undefined || !place || place.parentId === parentId) return undefined;
  if ((await units.branchOf(context.db, context.siteId, id)).includes(parentId)) return undefined;
  const name = place.name === null ? null : await freeUnitName(context, parentId, place.name, id);
  await inTransaction(context.db, async (tx) => {
    if (name !== place.name) await units.renameUnit(tx, context.siteId, id, name);
    await units.moveUnit(tx, context.siteId, id, parentId);
  });
  return [id];
};

const swapUnitNames: Change = async (context) => {
  const id = await pickId(context, 'subUnit');
  if (id === undefined) return undefined;
  const sibling = await one<{ id: Id }>(
    context.db,
    `select s.id from units u join units s on s.site_id = u.site_id and s.parent_id = u.parent_id and s.id <> u.id
     where u.site_id = $1 and u.id = $2 and s.unit_type = 'unit' and s.deleted_at is null order by s.id limit 1`,
    [context.siteId, id],
  );
  if (!sibling) return undefined;
  await units.swapUnitNames(context.db, context.siteId, id, sibling.id);
  return [id, sibling.id];
};

const deleteUnit =
  (options: units.DeleteUnitOptions): Change =>
  async (context) => {
    const id = await pickId(context, options.subtree ? 'subUnit' : 'leafUnit');
    if (id === undefined) return undefined;
    // A whole branch goes only when it is small: a random run shall not empty the site.
    const branch = await units.branchOf(context.db, context.siteId, id);
    if (branch.length > 8) return undefined;
    await units.deleteUnit(context.db, context.siteId, id, options);
    return [id];
  };

/** A new shop and the people who open it, in one transaction. */
const openShop: Change = (context) =>
  inTransaction(context.db, async (tx) => {
    const inTx = { ...context, db: tx };
    const created = await createUnit(inTx);
    const unitId = created?.[0];
    if (unitId === undefined) return undefined;
    for (const id of await pickIds(inTx, 'membership', context.random.int(1, 4))) {
      await moveMembership(tx, context.siteId, id, unitId);
    }
    return [unitId];
  });

const drawRoleName = (context: ChangeContext) =>
  freeRoleName(
    context,
    context.random.pick([...roleNames.map(([name]) => name), 'Barista', 'Bager', 'Chauffør', 'مدير']),
  );

const newRole: Change = async (context) => [await createRole(context.db, context.siteId, await drawRoleName(context))];

const renameRole: Change = async (context) => {
  const id = await pickId(context, 'role');
  if (id === undefined) return undefined;
  await setRoleName(context.db, context.siteId, id, await drawRoleName(context));
  return [id];
};

const deleteRole =
  (mode: 'soft' | 'hard'): Change =>
  async (context) => {
    const roles = await pickIds(context, 'role', 4);
    const id = roles.length < 4 ? undefined : roles[0];
    if (id === undefined) return undefined;
    await removeRole(context.db, context.siteId, id, { mode });
    return [id];
  };

/** Changes of units and roles by name. */
export const unitChanges = {
  createUnit,
  createDepartment,
  renameUnit,
  moveUnit,
  swapUnitNames,
  deleteUnit: deleteUnit({}),
  hardDeleteUnit: deleteUnit({ mode: 'hard' }),
  deleteUnitWithPeople: deleteUnit({ people: 'leave' }),
  deleteBranch: deleteUnit({ subtree: true }),
  openShop,
  createRole: newRole,
  renameRole,
  deleteRole: deleteRole('soft'),
  hardDeleteRole: deleteRole('hard'),
} as const satisfies Record<string, Change>;
