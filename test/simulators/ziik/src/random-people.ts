import { inTransaction, reserveIds, type Id } from './db.ts';
import {
  addMembership,
  membershipsOf,
  moveMembership,
  removeMembership,
  reorderMemberships,
  changeRole,
} from './memberships.ts';
import { drawPersonName } from './names.ts';
import * as people from './people.ts';
import { pickId, pickIds, type ChangeContext } from './pick.ts';

/** A change of this kind; answers the ids it touched, undefined when the site has nothing to change. */
export type Change = (context: ChangeContext) => Promise<readonly Id[] | undefined>;

/** Does something to one drawn row. */
function onOne(
  from: Parameters<typeof pickId>[1],
  change: (context: ChangeContext, id: Id) => Promise<unknown>,
): Change {
  return async (context) => {
    const id = await pickId(context, from);
    if (id === undefined) return undefined;
    await change(context, id);
    return [id];
  };
}

async function hireOne(context: ChangeContext, halves: boolean): Promise<Id | undefined> {
  const { db, siteId, random } = context;
  const name = drawPersonName(random);
  const unitIds = await pickIds(context, 'unit', random.chance(0.8) ? 1 : 2);
  const roleIds = await pickIds(context, 'role', random.chance(0.9) ? 1 : 2);
  const [id] = await reserveIds(db, 'users', 1);
  if (unitIds.length === 0 || id === undefined) return undefined;
  const { personId } = await people.hire(db, siteId, {
    id,
    firstName: name.firstName,
    lastName: name.lastName,
    language: name.language,
    halves,
    email: `${name.mailbox}.h${id}@site-${siteId}.example`,
    memberships: unitIds.map((unitId) => ({ unitId, roleIds })),
  });
  return personId;
}

const hire =
  (halves: boolean): Change =>
  async (context) => {
    const id = await hireOne(context, halves);
    return id === undefined ? undefined : [id];
  };

/** Several hires in one transaction. */
const hireTeam: Change = (context) =>
  inTransaction(context.db, async (tx) => {
    const ids: Id[] = [];
    for (let left = context.random.int(2, 5); left > 0; left -= 1) {
      const id = await hireOne({ ...context, db: tx }, false);
      if (id !== undefined) ids.push(id);
    }
    return ids.length > 0 ? ids : undefined;
  });

const renamePerson = onOne('person', ({ db, siteId, random }, id) => {
  const { firstName, lastName } = drawPersonName(random);
  return people.renamePerson(db, siteId, id, random.chance(0.5) ? { lastName } : { firstName, lastName });
});

const changeEmail = onOne('person', ({ db, siteId, random }, id) =>
  people.changeEmail(
    db,
    siteId,
    id,
    `${drawPersonName(random).mailbox}.c${id}.${random.int(1, 1e6)}@site-${siteId}.example`,
  ),
);

const handOverEmail: Change = async (context) => {
  const [from, to] = await pickIds(context, 'activePerson', 2);
  if (from === undefined || to === undefined) return undefined;
  const newEmail = `handed.${from}.${context.random.int(1, 1e6)}@site-${context.siteId}.example`;
  await people.handOverEmail(context.db, context.siteId, { from, to, newEmail });
  return [from, to];
};

const expire = onOne('activePerson', ({ db, siteId }, id) =>
  people.expire(db, siteId, id, new Date(Date.now() - 60_000)),
);

const addToUnit = onOne('person', async (context, id) => {
  const { db, siteId, random } = context;
  const own = await membershipsOf(db, siteId, id);
  const unitId = await pickId(context, 'unit');
  if (unitId === undefined || own.length >= 3 || own.some((membership) => membership.unitId === unitId)) return;
  const roleIds = await pickIds(context, 'role', 1);
  // Sometimes the new membership becomes the first one: the person's roles flip.
  await addMembership(db, siteId, id, random.chance(0.3) ? { unitId, roleIds, position: -1 } : { unitId, roleIds });
});

const moveToUnit = onOne('person', async (context, id) => {
  const own = await membershipsOf(context.db, context.siteId, id);
  const unitId = await pickId(context, 'unit');
  if (own.length === 0 || unitId === undefined || own.some((membership) => membership.unitId === unitId)) return;
  await moveMembership(context.db, context.siteId, context.random.pick(own).id, unitId);
});

const removeFromUnit = onOne('person', async ({ db, siteId, random }, id) => {
  const own = await membershipsOf(db, siteId, id);
  if (own.length > 1) await removeMembership(db, siteId, random.pick(own).id);
});

const reorder = onOne('person', async ({ db, siteId }, id) => {
  const own = await membershipsOf(db, siteId, id);
  await reorderMemberships(db, siteId, own.map((membership) => membership.id).toReversed());
});

const newRole = onOne('person', async (context, id) => {
  const roleIds = await pickIds(context, 'role', context.random.chance(0.85) ? 1 : 2);
  const own = await membershipsOf(context.db, context.siteId, id);
  if (own.length > 0) await changeRole(context.db, context.siteId, id, roleIds);
});

/** New unit, new role and a new name, in one transaction. */
const transfer: Change = (context) =>
  inTransaction(context.db, async (tx) => {
    const inTx = { ...context, db: tx };
    const id = await pickId(inTx, 'activePerson');
    const unitId = await pickId(inTx, 'unit');
    const [first, ...others] = id === undefined ? [] : await membershipsOf(tx, context.siteId, id);
    if (id === undefined || unitId === undefined || first === undefined) return undefined;
    if (others.some((membership) => membership.unitId === unitId)) return undefined;
    await moveMembership(tx, context.siteId, first.id, unitId);
    await changeRole(tx, context.siteId, id, await pickIds(inTx, 'role', 1));
    await people.renamePerson(tx, context.siteId, id, { lastName: drawPersonName(context.random).lastName });
    return [id];
  });

/** Changes of people and memberships by name. */
export const peopleChanges = {
  hire: hire(false),
  hireInHalves: hire(true),
  hireTeam,
  renamePerson,
  changeEmail,
  handOverEmail,
  deactivate: onOne('activePerson', ({ db, siteId }, id) => people.deactivate(db, siteId, id)),
  reactivate: onOne('inactivePerson', ({ db, siteId }, id) => people.reactivate(db, siteId, id)),
  softDelete: onOne('activePerson', ({ db, siteId }, id) => people.softDelete(db, siteId, id)),
  restore: onOne('deletedPerson', ({ db, siteId }, id) => people.restore(db, siteId, id)),
  hardDelete: onOne('activePerson', ({ db, siteId }, id) => people.hardDelete(db, siteId, id)),
  anonymise: onOne('leftPerson', ({ db, siteId }, id) => people.anonymise(db, siteId, id)),
  expire,
  addMembership: addToUnit,
  moveMembership: moveToUnit,
  removeMembership: removeFromUnit,
  reorderMemberships: reorder,
  changeRole: newRole,
  transfer,
} as const satisfies Record<string, Change>;
