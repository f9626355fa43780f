import type { AppliedUnit, Policy } from '../model.ts';
import { parentToCome, withParent } from './assumed.ts';
import type { UnitInput } from './input.ts';
import { codeOf, leftAlone, stopped, type Judged } from './judged.ts';
import { operationsOfUnit } from './operations-of.ts';
import { createUnit } from './plan-unit.ts';
import { behaviourOf } from './presets.ts';
import { desiredSlot, isRemovable, isTopUnit, unitStep, type Slot, type Step } from './unit-step.ts';
import { isGone, isIgnored, type UnitNode, type Units } from './unit-tree.ts';

/** What bringing a unit's department into step means as a whole. */
export function assessUnit(input: UnitInput, policy: Policy): Judged {
  const node = input.units.get(input.id);
  if (!node?.fact || isIgnored(node)) return leftAlone;
  if (isGone(node)) return removal(input, node, policy);
  const tree = withParent(input.units, node);
  const step = unitStep(tree, node, policy);
  const before = appliedTerms(input.units, node);
  const code = step.kind === 'rest' ? codeOf(step.outcome) : null;
  if (!code && (node.link?.isTop || step.kind === 'link_top')) return top(node, before);
  const slot = node.fact.rejectedCode || isTopUnit(node, policy) ? step : desiredSlot(tree, node, policy);
  if ('kind' in slot) return stopped(code ?? 'UNEXPECTED', [], { before, after: null, desired: ['none', code] });
  const after = desiredTerms(tree, node, slot);
  const rest = { before, after, desired: after };
  const { operations, code: found } = changes(input, node, { slot, step, policy });
  const why = code ?? found;
  return why ? stopped(why, operations, rest) : { operations, blocked: [], code: null, ...rest };
}

function removal(input: UnitInput, node: UnitNode, policy: Policy): Judged {
  const before = appliedTerms(input.units, node);
  const rest = { before, after: null, desired: 'gone' };
  if (!isRemovable(node, policy)) return { ...rest, operations: [], blocked: [], code: null };
  const step = unitStep(input.units, node, policy);
  const { users = 0, departments = 0 } = input.occupants ?? {};
  const code = step.kind === 'rest' ? codeOf(step.outcome) : users + departments > 0 ? 'DEPARTMENT_NOT_EMPTY' : null;
  return code ? stopped(code, ['delete'], rest) : { ...rest, operations: ['delete'], blocked: [], code };
}

/** The top department is linked as it is and never changed. */
function top(node: UnitNode, before: Judged['before']): Judged {
  const after = { name: node.fact?.name ?? null, parent: null };
  return { operations: node.link ? [] : ['adopt'], blocked: [], code: null, before, after, desired: 'top' };
}

function changes(
  input: UnitInput,
  node: UnitNode,
  { slot, step, policy }: { readonly slot: Slot; readonly step: Step; readonly policy: Policy },
): Pick<Judged, 'operations' | 'code'> {
  if (node.link) {
    const { follow } = behaviourOf(policy.settings);
    return { operations: follow ? operationsOfUnit(node.link.applied, slot) : [], code: null };
  }
  const candidates = (input.candidates ?? []).map((candidate) =>
    slot.parentId === parentToCome
      ? { ...candidate, applied: { name: '', ...candidate.applied, parentId: parentToCome } as AppliedUnit }
      : candidate,
  );
  const outcome = step.kind === 'rest' ? step.outcome : createUnit({ ...input, candidates }, slot, policy);
  const action = outcome.kind === 'actions' ? outcome.actions[0] : undefined;
  if (action?.op !== 'link') return { operations: ['create'], code: codeOf(outcome) };
  const { follow } = behaviourOf(policy.settings);
  const rest = follow ? operationsOfUnit(action.after as AppliedUnit, slot) : [];
  return { operations: ['adopt', ...rest], code: null };
}

function appliedTerms(tree: Units, { link }: UnitNode): Judged['before'] {
  if (!link) return null;
  const { name, parentId } = link.applied;
  const parent = parentId === null ? undefined : tree.at(parentId);
  return { name, parent: parentId === null ? null : parent ? `unit/${parent.id}` : `#${parentId}` };
}

function desiredTerms(tree: Units, { fact }: UnitNode, { name, parentId }: Slot): NonNullable<Judged['after']> {
  const own = fact?.parentId ?? '';
  return { name, parent: tree.get(own)?.link?.targetId === parentId ? `unit/${own}` : `#${parentId}` };
}
