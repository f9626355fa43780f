import { marker, type Action, type Candidate, type Outcome, type Policy, type AppliedUnit } from '../model.ts';
import type { UnitInput } from './input.ts';
import { adoptable } from './adoptable.ts';
import { act, conflict, park, settled, tenantGone, topUnitChanged, waitFor } from './outcomes.ts';
import { interimName, trimmed } from './text.ts';
import { behaviourOf } from './presets.ts';
import { isRemovable, unitStep, type Slot } from './unit-step.ts';
import { isGone, type UnitNode, type UnitTree } from './unit-tree.ts';

/** The unit linked as the top one is gone or below another: the tenant stops (semantics.md §1, decided 14). */
export function isTopUnitChanged(tree: UnitTree): boolean {
  const top = tree.top();
  if (!top?.fact) return false;
  return isGone(top) || (!top.fact.rejectedCode && top.fact.parentId !== null);
}

/** What becomes of a unit's department now. */
export function planUnit(input: UnitInput, policy: Policy): Outcome {
  if (input.tenantGone) return tenantGone;
  if (isTopUnitChanged(input.units)) return topUnitChanged;
  const tree = input.units.undone();
  const node = tree.get(input.id);
  if (!node) return settled;
  const step = unitStep(tree, node, policy);
  switch (step.kind) {
    case 'rest':
      return step.outcome;
    case 'link_top':
      return act(linkTop(node, policy));
    case 'remove':
      return remove(input, node, policy);
    case 'place':
      return node.link ? act(update(node, step.slot)) : createUnit(input, step.slot, policy);
    case 'needs':
      return step.why === 'parent' || step.why === 'child'
        ? waitFor('unit', step.id, ...(step.why === 'child' && node.undo ? (['DEPARTMENT_NOT_EMPTY'] as const) : []))
        : makeWay(tree, node, tree.get(step.id)!, { policy, why: step.why });
  }
}

function linkTop(node: UnitNode, policy: Policy): Action {
  const after = { name: trimmed(node.fact?.name ?? null) ?? '', parentId: null };
  return { op: 'link', targetId: policy.catalogue.topDepartmentId, madeByUs: false, isTop: true, after };
}

function remove(input: UnitInput, node: UnitNode, policy: Policy): Outcome {
  const { targetId } = node.link!;
  if (!isRemovable(node, policy)) return act({ op: 'unlink', targetId });
  if (!input.occupants) return { kind: 'look_up', what: 'occupants' };
  const { users, departments, unclear } = input.occupants;
  if (unclear) return waitFor(unclear.kind, unclear.id);
  if (users + departments > 0) return park('DEPARTMENT_NOT_EMPTY', { users, departments });
  return act({ op: 'department.delete', targetId }, { op: 'unlink', targetId });
}

function update(node: UnitNode, slot: Slot): Action {
  const { applied, targetId } = node.link!;
  return {
    op: 'department.update',
    targetId,
    set: {
      ...(applied.name === slot.name ? {} : { name: slot.name }),
      ...(applied.parentId === slot.parentId ? {} : { parentId: slot.parentId }),
    },
    after: slot,
  };
}

/**
 * Found by marker: ours from before a crash. Found by (parent, exact name): adopted, at first link only (decided 8). In a
 * flat structure the exact name is looked for anywhere in the tree, and several of it are a match case (semantics.md §4).
 */
export function createUnit(input: UnitInput, slot: Slot, policy: Policy): Outcome {
  const externalId = marker(policy.tenant, 'unit', input.id);
  const isFlat = behaviourOf(policy.settings).structure === 'flat';
  if (!input.candidates) {
    return { kind: 'look_up', find: { marker: externalId, natural: isFlat ? { name: slot.name } : slot } };
  }
  const own = input.candidates.find((candidate) => candidate.externalId === externalId);
  const named = input.candidates.filter((candidate) => isNamed(candidate, slot, isFlat));
  const chosen = adoptable(input.candidates, input.units.get(input.id)?.resolution);
  if (!own && !chosen && named.length > 1) {
    return conflict('DEPARTMENT_AMBIGUOUS', {
      targetIds: named.map(({ targetId }) => targetId).toSorted((a, b) => a - b),
    });
  }
  const found = own ?? chosen ?? named[0];
  if (!found) return act({ op: 'department.create', ...slot, externalId, after: slot });
  if (found.linkedBy?.scope === 'elsewhere' || (!isFlat && found.targetId === policy.catalogue.topDepartmentId)) {
    return conflict('LINKED_ELSEWHERE', { targetId: found.targetId });
  }
  if (found.linkedBy) return park('DEPARTMENT_NAME_TAKEN', { unit: found.linkedBy.id });
  const after = found.applied as AppliedUnit;
  return act({ op: 'link', targetId: found.targetId, madeByUs: found === own, isTop: false, after });
}

function isNamed({ applied }: Candidate, slot: Slot, anywhere: boolean): boolean {
  return 'parentId' in applied && (anywhere || applied.parentId === slot.parentId) && applied.name.trim() === slot.name;
}

/**
 * `other` is in the way but will go. It goes first when it can; when it cannot yet, or when the two wait for each other,
 * it gets its interim name at once, and for a path the top department as interim parent (decided 14).
 */
function makeWay(
  tree: UnitTree,
  node: UnitNode,
  other: UnitNode,
  { policy, why }: { readonly policy: Policy; readonly why: 'name' | 'path' },
): Outcome {
  const letGo = isGone(other) && !isRemovable(other, policy);
  // What is held is not touched on another's behalf either.
  const isHeld = other.work === 'held';
  if (isHeld || letGo || canGo(tree, node, other, policy) || !other.link) return waitFor('unit', other.id);
  const { targetId, applied } = other.link;
  const parentId = why === 'path' ? policy.catalogue.topDepartmentId : applied.parentId!;
  const name = interimName(applied.name, other.id, (wanted) => tree.holderOf(parentId, wanted) !== undefined);
  return {
    kind: 'first',
    object: { kind: 'unit', id: other.id },
    action: {
      op: 'department.update',
      targetId,
      set: { name, ...(why === 'path' ? { parentId } : {}) },
      after: { name, parentId },
    },
  };
}

/** Follows who waits for whom, from `other` on: true when that chain ends at a unit which can be dealt with now. */
function canGo(tree: UnitTree, planned: UnitNode, other: UnitNode, policy: Policy): boolean {
  const seen: UnitNode[] = [];
  for (let at: UnitNode | undefined = other; at;) {
    if (at.id === planned.id) return false;
    const turn: number = seen.indexOf(at);
    if (turn >= 0) return seen.slice(turn).some(({ work }) => work === 'ready');
    if (at.work !== 'ready' && at.work !== 'waiting') return false;
    const step = unitStep(tree, at, policy);
    if (step.kind === 'rest') return false;
    if (step.kind !== 'needs') return at.work === 'ready';
    seen.push(at);
    at = tree.get(step.id);
  }
  return false;
}
