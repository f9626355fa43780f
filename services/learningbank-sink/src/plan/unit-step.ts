import type { Outcome, Policy, TargetId } from '../model.ts';
import { park, settled, waitFor } from './outcomes.ts';
import { compareIds, fits, maxName, trimmed, withId } from './text.ts';
import { isGone, type UnitNode, type Units } from './unit-tree.ts';

/** Where a unit's department belongs. */
export interface Slot {
  readonly parentId: TargetId;
  readonly name: string;
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
  if (node.fact === null) return rest(settled);
  if (isGone(node)) return removal(tree, node, policy);
  if (node.fact.rejectedCode) return rest(park(node.fact.rejectedCode));
  if (node.fact.parentId === null) return topStep(tree, node);
  const slot = desiredSlot(tree, node, policy);
  return 'kind' in slot ? slot : placing(tree, node, slot, policy);
}

/** Where a live unit's department belongs, or why that cannot be said. The top unit has no slot. */
export function desiredSlot(tree: Units, node: UnitNode, policy: Policy): Slot | Step {
  const parentId = node.fact?.parentId ?? '';
  const name = desiredName(node, policy);
  if (typeof name !== 'string') return rest(name);
  const parent = tree.get(parentId);
  if (parent?.fact?.isDepartment) return rest(park('FACT_INVALID', { reason: 'parent_is_department' }));
  if (!parent?.link || isGone(parent)) return { kind: 'needs', id: parentId, why: 'parent' };
  return { parentId: parent.link.targetId, name };
}

/** The department's name, or why there is none. */
function desiredName(node: UnitNode, policy: Policy): string | Outcome {
  const own = trimmed(node.fact?.name ?? null);
  if (own === null) return park('FACT_INVALID', { field: 'name' });
  const name = policy.settings.uniqueUnits ? withId(own, node.id) : own;
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
  const mover = applied && moverAbove(tree, node, slot.parentId);
  if (mover) return { kind: 'needs', id: mover.id, why: 'path' };
  const holder = tree.holderOf(slot.parentId, slot.name);
  if (!holder || holder.id === node.id) return { kind: 'place', slot };
  if (!isLeaving(tree, holder, policy)) return rest(park('DEPARTMENT_NAME_TAKEN', { unit: holder.id }));
  return { kind: 'needs', id: holder.id, why: 'name' };
}

/**
 * Our new parent's department is below our own one now: moving would close a circle. The unit on the path between that
 * wants to be elsewhere, nearest to the parent; in an organisation without circles there is always one.
 */
function moverAbove(tree: Units, node: UnitNode, parentId: TargetId): UnitNode | undefined {
  let mover: UnitNode | undefined;
  let at = tree.at(parentId);
  for (const seen = new Set<string>(); at?.link && !seen.has(at.id); at = tree.at(at.link.applied.parentId ?? -1)) {
    if (at.id === node.id) return mover;
    seen.add(at.id);
    mover ??= wantsOtherParent(tree, at) ? at : undefined;
  }
  return undefined;
}

function wantsOtherParent(tree: Units, node: UnitNode): boolean {
  if (!node.fact || isGone(node) || node.fact.parentId === null) return false;
  return tree.get(node.fact.parentId)?.link?.targetId !== node.link?.applied.parentId;
}

/** True when a unit gives up the name it holds under its parent: deleted, renamed or moved away. */
function isLeaving(tree: Units, holder: UnitNode, policy: Policy): boolean {
  if (!holder.fact || !holder.link) return false;
  if (isGone(holder)) return true;
  if (holder.fact.rejectedCode) return false;
  const name = desiredName(holder, policy);
  return (typeof name === 'string' && name !== holder.link.applied.name) || wantsOtherParent(tree, holder);
}

/**
 * Deleted is what we made, once nothing of ours refers to it; adopted departments are only let go of (decided 8, 12).
 * With `keepForeignDepartments` people leave an adopted one first: afterwards it would count as theirs.
 */
function removal(tree: Units, node: UnitNode, policy: Policy): Step {
  const { link } = node;
  if (!link) return rest(settled);
  if (link.madeByUs) {
    if (link.targetId === policy.catalogue.defaultDepartmentId) {
      return rest(park('DEPARTMENT_NOT_EMPTY', { reason: 'default_department' }));
    }
    const child = tree.childrenOf(link.targetId).toSorted(compareIds)[0];
    if (child !== undefined) return { kind: 'needs', id: child, why: 'child' };
  }
  const leavesFirst = link.madeByUs || policy.settings.keepForeignDepartments;
  if (leavesFirst && node.memberId !== null) return rest(waitFor('person', node.memberId));
  return { kind: 'remove' };
}
