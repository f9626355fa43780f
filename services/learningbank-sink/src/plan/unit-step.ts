import type { Outcome, Policy, TargetId } from '../model.ts';
import { defaultDepartmentOf } from './desired-person.ts';
import { park, settled, waitFor } from './outcomes.ts';
import { behaviourOf } from './presets.ts';
import { compareIds, fits, maxName, trimmed, withId } from './text.ts';
import { isGone, isIgnored, type UnitNode, type Units } from './unit-tree.ts';

/** Where a unit's department belongs. */
export interface Slot {
  readonly parentId: TargetId;
  readonly name: string;
}

/** A department is taken away only when we made it, and only where the preset follows the source. */
export function isRemovable({ link, undo }: UnitNode, { settings }: Policy): boolean {
  return link !== null && link.madeByUs && (behaviourOf(settings).follow || Boolean(undo));
}

/** How far one unit is, seen for itself. */
export type Step =
  /** Nothing can be done now: settled, parked, or waiting for a person. */
  | { readonly kind: 'rest'; readonly outcome: Outcome }
  /** Another unit comes first. `name`: it holds our name but gives it up; `path`: our parent is below us because of it. */
  | { readonly kind: 'needs'; readonly id: string; readonly why: 'parent' | 'child' | 'name' | 'path' }
  | { readonly kind: 'link_top' }
  | { readonly kind: 'remove' }
  | { readonly kind: 'place'; readonly slot: Slot };

const rest = (outcome: Outcome): Step => ({ kind: 'rest', outcome });

/** What stands between a unit and its department: the one next thing. Total, and the same for the same tree. */
export function unitStep(tree: Units, node: UnitNode, policy: Policy): Step {
  if (node.fact === null || isIgnored(node)) return rest(settled);
  if (isGone(node)) return removal(tree, node, policy);
  if (node.fact.rejectedCode) return rest(park(node.fact.rejectedCode));
  const { structure, follow } = behaviourOf(policy.settings);
  if (node.link && !follow && !node.back) return rest(settled);
  if (isTopUnit(node, policy)) return topStep(tree, node);
  const slot = desiredSlot(tree, node, policy);
  if ('kind' in slot) return slot;
  return structure === 'flat' && !node.back ? { kind: 'place', slot } : placing(tree, node, slot, policy);
}

/** True for the unit that is the top department. */
export function isTopUnit({ fact, link }: UnitNode, { settings }: Policy): boolean {
  if (link?.isTop) return true;
  const { structure, topUnit } = behaviourOf(settings);
  return structure === 'tree' && topUnit === 'is_top_department' && fact?.parentId === null;
}

/** Where a live unit's department belongs, or why that cannot be said. The top unit has no slot. */
export function desiredSlot(tree: Units, node: UnitNode, policy: Policy): Slot | Step {
  const name = desiredName(node, policy);
  if (typeof name !== 'string') return rest(name);
  if (typeof node.back?.parentId === 'number') return { parentId: node.back.parentId, name };
  const parentId = node.fact?.parentId ?? null;
  if (parentId === null || behaviourOf(policy.settings).structure === 'flat') {
    return { parentId: policy.catalogue.topDepartmentId, name };
  }
  const parent = tree.get(parentId);
  if (parent?.fact?.isDepartment) return rest(park('FACT_INVALID', { reason: 'parent_is_department' }));
  if (parent && !parent.link && isIgnored(parent)) return rest(park('IGNORED', { unit: parentId }));
  // What goes back goes below a parent that went back before it, although the source has deleted that one.
  if (!parent?.link || (isGone(parent) && !node.back)) return { kind: 'needs', id: parentId, why: 'parent' };
  return { parentId: parent.link.targetId, name };
}

/** The department's name, or why there is none. */
function desiredName(node: UnitNode, policy: Policy): string | Outcome {
  if (node.back) return node.back.name;
  const own = trimmed(node.fact?.name ?? null);
  if (own === null) return park('FACT_INVALID', { field: 'name' });
  const isOwn = policy.settings.uniqueUnits || node.resolution?.action === 'create_new';
  const name = isOwn ? withId(own, node.id) : own;
  return fits(name, maxName) ? name : park('VALUE_TOO_LONG', { field: 'name', max: maxName });
}

/** The first parentless unit becomes the top one and stays it; a second one is not guessed at. */
function topStep(tree: Units, node: UnitNode): Step {
  if (node.link?.isTop) return rest(settled);
  const top = tree.top();
  if (node.link || (top && top.id !== node.id)) return rest(park('FACT_INVALID', { reason: 'second_top_unit' }));
  for (const other of tree.nodes()) {
    const { fact } = other;
    if (!fact || isGone(other) || fact.rejectedCode || fact.parentId !== null) continue;
    if (compareIds(other.id, node.id) < 0) return rest(park('FACT_INVALID', { reason: 'second_top_unit' }));
  }
  return { kind: 'link_top' };
}

function placing(tree: Units, node: UnitNode, slot: Slot, policy: Policy): Step {
  const applied = node.link?.applied;
  if (applied && applied.parentId === slot.parentId && applied.name === slot.name) return rest(settled);
  const mover = applied && moverAbove(tree, node, slot.parentId, policy);
  if (mover === 'none') return rest(park(node.back ? 'UNDO_IMPOSSIBLE' : 'FACT_INVALID', { reason: 'circle' }));
  if (mover) return { kind: 'needs', id: mover.id, why: 'path' };
  const holder = tree.holderOf(slot.parentId, slot.name);
  if (!holder || holder.id === node.id) return { kind: 'place', slot };
  if (!isLeaving(tree, holder, policy)) return rest(park('DEPARTMENT_NAME_TAKEN', { unit: holder.id }));
  return { kind: 'needs', id: holder.id, why: 'name' };
}

/**
 * Our new parent's department is below our own one now: moving would close a circle. The unit on the path between that
 * wants to be elsewhere, nearest to the parent; in an organisation without circles there is always one, unless it is left
 * alone or went back.
 */
function moverAbove(tree: Units, node: UnitNode, parentId: TargetId, policy: Policy): UnitNode | 'none' | undefined {
  let mover: UnitNode | undefined;
  let at = tree.at(parentId);
  for (const seen = new Set<string>(); at?.link && !seen.has(at.id); at = tree.at(at.link.applied.parentId ?? -1)) {
    if (at.id === node.id) return mover ?? 'none';
    seen.add(at.id);
    mover ??= wantsOtherParent(tree, at, policy) ? at : undefined;
  }
  return undefined;
}

function wantsOtherParent(tree: Units, node: UnitNode, policy: Policy): boolean {
  if (typeof node.back?.parentId === 'number') return node.back.parentId !== node.link?.applied.parentId;
  if (!node.fact || isIgnored(node) || isGone(node) || isTopUnit(node, policy)) return false;
  if (node.fact.parentId === null) return policy.catalogue.topDepartmentId !== node.link?.applied.parentId;
  return tree.get(node.fact.parentId)?.link?.targetId !== node.link?.applied.parentId;
}

/** True when a unit gives up the name it holds under its parent: deleted, renamed or moved away. */
function isLeaving(tree: Units, holder: UnitNode, policy: Policy): boolean {
  if (!holder.fact || !holder.link || isIgnored(holder)) return false;
  if (isGone(holder)) return true;
  if (holder.fact.rejectedCode) return false;
  const name = desiredName(holder, policy);
  return (typeof name === 'string' && name !== holder.link.applied.name) || wantsOtherParent(tree, holder, policy);
}

/**
 * Deleted is what we made, once nothing of ours refers to it; adopted departments are only let go of (decided 8, 12).
 * With `keepForeignDepartments` people leave an adopted one first: afterwards it would count as theirs.
 */
function removal(tree: Units, node: UnitNode, policy: Policy): Step {
  const { link } = node;
  if (!link) return rest(settled);
  const isRemoved = isRemovable(node, policy);
  if (isRemoved) {
    if ([policy.catalogue.defaultDepartmentId, defaultDepartmentOf(policy)].includes(link.targetId)) {
      return rest(park('DEPARTMENT_NOT_EMPTY', { reason: 'default_department' }));
    }
    const child = tree.childrenOf(link.targetId).toSorted(compareIds)[0];
    if (child !== undefined) return { kind: 'needs', id: child, why: 'child' };
  }
  const leavesFirst = isRemoved || policy.settings.keepForeignDepartments;
  if (leavesFirst && node.memberId !== null) {
    return rest(waitFor('person', node.memberId, ...(node.undo ? (['DEPARTMENT_NOT_EMPTY'] as const) : [])));
  }
  if (isRemoved && node.keepsMember) return rest(park('DEPARTMENT_NOT_EMPTY', { reason: 'left_alone' }));
  return { kind: 'remove' };
}
