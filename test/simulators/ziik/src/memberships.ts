import { inTransaction, one, type Db, type Id, type IdLike } from './db.ts';
import { deleteRow, insertRow, updateRow } from './rows.ts';

/** A membership to be written; `position` defaults to the place after the person's last one. */
export interface NewMembership {
  readonly unitId: IdLike;
  readonly departmentId?: IdLike | null;
  readonly roleIds?: readonly IdLike[];
  readonly position?: number;
}

/** Adds a membership with its roles, in one transaction. */
export async function addMembership(db: Db, siteId: IdLike, personId: IdLike, membership: NewMembership): Promise<Id> {
  return inTransaction(db, async (tx) => {
    const id = await insertRow(tx, 'memberships', siteId, {
      user_id: personId,
      unit_id: membership.unitId,
      department_id: membership.departmentId,
      position: membership.position ?? (await nextPosition(tx, siteId, personId)),
    });
    await insertRoles(tx, siteId, id, membership.roleIds ?? []);
    return id;
  });
}

/** Moves a membership to another unit; its department, which belongs to the old unit, is cleared. */
export async function moveMembership(db: Db, siteId: IdLike, membershipId: IdLike, unitId: IdLike): Promise<void> {
  await updateRow(db, 'memberships', siteId, membershipId, { unit_id: unitId, department_id: null });
}

/** Removes a membership and its roles. The last one stays, as in Ziik, unless `allowLast` (RangeError). */
export async function removeMembership(
  db: Db,
  siteId: IdLike,
  membershipId: IdLike,
  options: { readonly allowLast?: boolean } = {},
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = await one<{ left: string }>(
      tx,
      `select count(*) as left from memberships o where o.site_id = $1 and o.user_id =
        (select user_id from memberships where site_id = $1 and id = $2)`,
      [siteId, membershipId],
    );
    if (row?.left === '1' && !options.allowLast) throw new RangeError('a person keeps at least one membership');
    await tx.query('delete from membership_user_types where site_id = $1 and membership_id = $2', [
      siteId,
      membershipId,
    ]);
    await deleteRow(tx, 'memberships', siteId, membershipId);
  });
}

/** Puts a person's memberships into this order: the first id becomes the first membership. */
export async function reorderMemberships(db: Db, siteId: IdLike, membershipIds: readonly IdLike[]): Promise<void> {
  await inTransaction(db, async (tx) => {
    for (const [position, id] of membershipIds.entries()) await updateRow(tx, 'memberships', siteId, id, { position });
  });
}

/** Sets the roles of a membership, in this order, in one transaction. */
export async function setRoles(
  db: Db,
  siteId: IdLike,
  membershipId: IdLike,
  roleIds: readonly IdLike[],
): Promise<void> {
  await inTransaction(db, async (tx) => {
    await tx.query('delete from membership_user_types where site_id = $1 and membership_id = $2', [
      siteId,
      membershipId,
    ]);
    await insertRoles(tx, siteId, membershipId, roleIds);
  });
}

/** Sets the roles of a person's first membership (lowest position, then lowest id). */
export async function changeRole(db: Db, siteId: IdLike, personId: IdLike, roleIds: readonly IdLike[]): Promise<void> {
  const [first] = await membershipsOf(db, siteId, personId);
  if (first === undefined) throw new RangeError(`person ${personId} has no membership`);
  await setRoles(db, siteId, first.id, roleIds);
}

/** A person's memberships, the first one first. */
export async function membershipsOf(db: Db, siteId: IdLike, personId: IdLike): Promise<{ id: Id; unitId: Id }[]> {
  const { rows } = await db.query<{ id: Id; unitId: Id }>(
    `select id, unit_id as "unitId" from memberships where site_id = $1 and user_id = $2 order by position, id`,
    [siteId, personId],
  );
  return rows;
}

async function insertRoles(db: Db, siteId: IdLike, membershipId: IdLike, roleIds: readonly IdLike[]): Promise<void> {
  if (roleIds.length === 0) return;
  await db.query(
    `insert into membership_user_types (site_id, membership_id, user_type_id, position)
     select $1, $2, r.id, r.place - 1 from unnest($3::bigint[]) with ordinality as r (id, place) order by r.place`,
    [siteId, membershipId, roleIds],
  );
}

async function nextPosition(db: Db, siteId: IdLike, personId: IdLike): Promise<number> {
  const row = await one<{ next: number }>(
    db,
    'select coalesce(max(position) + 1, 0) as next from memberships where site_id = $1 and user_id = $2',
    [siteId, personId],
  );
  return row?.next ?? 0;
}
