import { marker, type AppliedRole, type Outcome, type Policy } from '../model.ts';
import type { RoleInput } from './input.ts';
import { act, conflict, park, settled, tenantGone, topUnitChanged, waitFor } from './outcomes.ts';
import { behaviourOf } from './presets.ts';
import { adoptable } from './adoptable.ts';
import { isIgnored, type RoleBook, type RoleNode } from './role-book.ts';
import { fits, interimName, maxName, trimmed, withId } from './text.ts';

/** What becomes of a role's permission type now. */
export function planRole(input: RoleInput, policy: Policy): Outcome {
  if (input.tenantGone) return tenantGone;
  if (input.topUnitChanged) return topUnitChanged;
  return planRoleAmong(input.roles.undone(), input, policy);
}

/** The same by the facts of these roles. */
export function planRoleAmong(roles: RoleBook, input: RoleInput, policy: Policy): Outcome {
  const node = roles.get(input.id);
  if (!node?.fact || isIgnored(node)) return settled;
  if (behaviourOf(policy.settings).permissions === 'default_only' && !node.undo) return settled;
  if (node.fact.deleted) return remove(node);
  if (node.fact.rejectedCode) return park(node.fact.rejectedCode);
  const name = desiredRole(node);
  if (typeof name !== 'string') return name;
  if (!node.link) return whenFree(roles, node, name) ?? create(input, name, policy);
  // An adopted permission type is assigned, never renamed (semantics.md §1, decided 8).
  if (!node.link.madeByUs || node.link.applied.name === name) return settled;
  const { targetId } = node.link;
  const after = { name };
  return whenFree(roles, node, name) ?? act({ op: 'permission_type.update', targetId, set: { name }, after });
}

/** The permission type's name, or why there is none. */
export function desiredRole({ id, fact, back, resolution }: RoleNode): string | Outcome {
  if (back !== undefined) return back;
  const own = trimmed(fact?.name ?? null);
  if (own === null) return park('FACT_INVALID', { field: 'name' });
  const name = resolution?.action === 'create_new' ? withId(own, id) : own;
  return fits(name, maxName) ? name : park('VALUE_TOO_LONG', { field: 'name', max: maxName });
}

/** Only what we made is deleted, once nobody of ours has it; an adopted one is left to people, then let go of. */
function remove(node: RoleNode): Outcome {
  if (!node.link) return settled;
  const { targetId, madeByUs } = node.link;
  if (node.memberId !== null) return waitFor('person', node.memberId);
  if (!madeByUs) return act({ op: 'unlink', targetId });
  return act({ op: 'permission_type.delete', targetId }, { op: 'unlink', targetId });
}

/** Found by marker: ours from before a crash. Found by exact name: adopted, unless it carries rights (decided 8). */
function create(input: RoleInput, name: string, policy: Policy): Outcome {
  const externalId = marker(policy.tenant, 'role', input.id);
  if (!input.candidates) return { kind: 'look_up', find: { marker: externalId, natural: { name } } };
  const own = input.candidates.find((candidate) => candidate.externalId === externalId);
  const chosen = adoptable(input.candidates, input.roles.get(input.id)?.resolution);
  const found =
    own ?? chosen ?? input.candidates.find(({ applied }) => 'name' in applied && applied.name.trim() === name);
  if (!found) return act({ op: 'permission_type.create', name, externalId, after: { name } });
  const { targetId } = found;
  if (found.isSystem && found !== chosen) return conflict('PERMISSION_TYPE_HAS_RIGHTS', { targetId });
  if (found.linkedBy?.scope === 'elsewhere') return conflict('LINKED_ELSEWHERE', { targetId });
  if (found.linkedBy) return park('PERMISSION_TYPE_NAME_TAKEN', { role: found.linkedBy.id });
  const after: AppliedRole = { name: (found.applied as AppliedRole).name };
  return act({ op: 'link', targetId, madeByUs: found === own, isTop: false, after });
}

/** Undefined when no role of ours holds the name; else what to do until it is free. */
function whenFree(roles: RoleBook, node: RoleNode, name: string): Outcome | undefined {
  const holder = roles.holderOf(name);
  if (!holder?.link || holder.id === node.id) return undefined;
  if (!isLeaving(holder)) return park('PERMISSION_TYPE_NAME_TAKEN', { role: holder.id });
  // An adopted one is let go of, never renamed: its name is then free to be adopted by us.
  // What is held is not touched on another's behalf either.
  const waits = !holder.link.madeByUs || holder.work === 'held' || canGo(roles, node, holder);
  if (waits) return waitFor('role', holder.id);
  const after = { name: interimName(holder.link.applied.name, holder.id, (wanted) => roles.has(wanted)) };
  const { targetId } = holder.link;
  return {
    kind: 'first',
    object: { kind: 'role', id: holder.id },
    action: { op: 'permission_type.update', targetId, set: after, after },
  };
}

/** True when a role gives up the name its permission type has: deleted, or renamed where we may rename. */
function isLeaving(node: RoleNode): boolean {
  const { fact, link } = node;
  if (!fact || !link || isIgnored(node)) return false;
  if (fact.deleted) return true;
  const name = fact.rejectedCode || !link.madeByUs ? null : desiredRole(node);
  return typeof name === 'string' && name !== link.applied.name;
}

/** Follows who waits for whose name: true when that chain ends at a role which can be dealt with now. */
function canGo(roles: RoleBook, planned: RoleNode, holder: RoleNode): boolean {
  const seen: RoleNode[] = [];
  for (let at: RoleNode | undefined = holder; at;) {
    if (at.id === planned.id) return false;
    const turn: number = seen.indexOf(at);
    if (turn >= 0) return seen.slice(turn).some(({ work }) => work === 'ready');
    if ((at.work !== 'ready' && at.work !== 'waiting') || !isLeaving(at)) return false;
    const isReady = at.work === 'ready';
    if (at.fact?.deleted) return at.memberId === null && isReady;
    const name: string | Outcome = desiredRole(at);
    const next: RoleNode | undefined = typeof name === 'string' ? roles.holderOf(name) : undefined;
    if (!next || next.id === at.id) return isReady;
    seen.push(at);
    at = next;
  }
  return false;
}
