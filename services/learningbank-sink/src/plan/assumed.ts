import type { TargetId } from '../model.ts';
import type { UnitRef } from './facts.ts';
import type { PersonInput } from './input.ts';
import { isIgnored, type RoleNode } from './role-book.ts';
import { isIgnored as isIgnoredUnit, type UnitNode, type Units } from './unit-tree.ts';

/**
 * Inputs as they will be once what an object waits for is there. What does not exist at the target yet gets an id below
 * zero, which no target has: so an assessment goes through the very rules of the plan.
 */

/** The parent of a unit that has no department yet gets this one. */
export const parentToCome: TargetId = -1;

/** A job profile that is made first gets this one. */
export const profileToCome: TargetId = -1;

/** The tree in which this unit's parent has a department. */
export function withParent(tree: Units, { fact }: UnitNode): Units {
  const parentId = fact?.parentId ?? null;
  if (parentId === null) return tree;
  const known = tree.get(parentId);
  if (known && !known.link && isIgnoredUnit(known)) return tree;
  const parent: UnitNode = {
    ...(known ?? { id: parentId, work: null, memberId: null }),
    fact: {
      ...(known?.fact ?? { parentId: null, name: null, isDepartment: false, rejectedCode: null }),
      deleted: false,
    },
    link: known?.link ?? {
      targetId: parentToCome,
      madeByUs: true,
      isTop: false,
      applied: { name: '', parentId: null },
    },
  };
  return {
    get: (id) => (id === parentId ? parent : tree.get(id)),
    nodes: () => tree.nodes(),
    top: () => tree.top(),
    at: (targetId) => tree.at(targetId),
    holderOf: (above, name) => tree.holderOf(above, name),
    childrenOf: (targetId) => tree.childrenOf(targetId),
  };
}

/** The person's units and roles all have departments and permission types; `blocked`: also those that are parked. */
export function withUnitsAndRoles(input: PersonInput, { blocked }: { readonly blocked: boolean }): PersonInput {
  const units = new Map<string, UnitRef>();
  const roles = new Map<string, RoleNode>();
  for (const { unitId, assignments } of input.memberships) {
    if (unitId !== null && !units.has(unitId)) units.set(unitId, unitToCome(input, unitId, -1 - units.size, blocked));
    for (const { roleId } of assignments) {
      if (roleId !== null && !roles.has(roleId)) roles.set(roleId, roleToCome(input, roleId, -1 - roles.size, blocked));
    }
  }
  const byTarget = new Map([...roles.values()].flatMap((role) => (role.link ? [[role.link.targetId, role]] : [])));
  return {
    ...input,
    units: { get: (id) => units.get(id) ?? input.units.get(id) },
    roles: {
      get: (id) => roles.get(id) ?? input.roles.get(id),
      at: (targetId) => byTarget.get(targetId) ?? input.roles.at(targetId),
    },
  };
}

function unitToCome({ units }: PersonInput, id: string, targetId: TargetId, blocked: boolean): UnitRef {
  const unit: UnitRef = units.get(id) ?? { state: 'unknown', targetId: null, blockedBy: null };
  if (unit.state === 'gone' || unit.state === 'unmirrored') return unit;
  if (unit.blockedBy && !blocked) return unit;
  return { ...unit, state: 'live', targetId: unit.targetId ?? targetId, blockedBy: null };
}

function roleToCome({ roles }: PersonInput, id: string, targetId: TargetId, blocked: boolean): RoleNode {
  const role = roles.get(id);
  if (role?.fact && (role.fact.deleted || role.link || (role.blockedBy && !blocked))) return role;
  const { fact = null, link = null } = role ?? {};
  if (role && !link && isIgnored(role)) return role;
  return {
    id,
    fact: fact ?? { name: null, deleted: false, rejectedCode: null },
    link: link ?? { targetId, madeByUs: true, applied: { name: '' } },
    work: null,
    blockedBy: null,
    memberId: null,
  };
}
