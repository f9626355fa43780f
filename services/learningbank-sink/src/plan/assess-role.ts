import type { AppliedRole, Outcome, Policy } from '../model.ts';
import type { RoleInput } from './input.ts';
import { codeOf, leftAlone, stopped, type Judged } from './judged.ts';
import { operationsOf } from './operations-of.ts';
import { desiredRole, planRoleAmong } from './plan-role.ts';
import { behaviourOf } from './presets.ts';
import { isIgnored } from './role-book.ts';

/** What bringing a role's permission type into step means as a whole. */
export function assessRole(asked: RoleInput, policy: Policy): Judged {
  const input = { ...asked, candidates: asked.candidates ?? [] };
  const node = input.roles.get(input.id);
  if (!node?.fact || isIgnored(node) || behaviourOf(policy.settings).permissions === 'default_only') return leftAlone;
  const before = node.link ? { name: node.link.applied.name } : null;
  if (node.fact.deleted) {
    const operations = node.link?.madeByUs ? (['delete'] as const) : [];
    return { operations, blocked: [], code: null, before, after: null, desired: 'gone' };
  }
  const outcome = planRoleAmong(input.roles, input, policy);
  const name = desiredRole(node);
  const code = codeOf(outcome);
  const desired = typeof name === 'string' && !node.fact.rejectedCode ? { name } : null;
  if (!desired) return stopped(code ?? 'UNEXPECTED', [], { before, after: null, desired: ['none', code] });
  const operations = operationsFor(outcome, node.link?.applied ?? null, desired);
  const rest = { before, after: desired, desired };
  return code ? stopped(code, operations, rest) : { operations, blocked: [], code, ...rest };
}

/** Waiting for the name, or for who holds it, stands for what comes afterwards. */
function operationsFor(outcome: Outcome, applied: AppliedRole | null, desired: AppliedRole): Judged['operations'] {
  if (outcome.kind === 'settled') return [];
  if (applied) return ['rename'];
  const action = outcome.kind === 'actions' ? outcome.actions[0] : undefined;
  if (action?.op !== 'link') return ['create'];
  const isRenamed = action.madeByUs && (action.after as AppliedRole).name !== desired.name;
  return [...operationsOf(action, false), ...(isRenamed ? (['rename'] as const) : [])];
}
