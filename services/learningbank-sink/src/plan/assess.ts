import { operations as inOrder, type Operation } from '@orgstream/core';
import { createHash } from 'node:crypto';
import type { Assessment, Policy } from '../model.ts';
import { assessPerson } from './assess-person.ts';
import { assessRole } from './assess-role.ts';
import { assessUnit } from './assess-unit.ts';
import type { Judged } from './judged.ts';
import type { PlanInput } from './input.ts';
import { isTopUnitChanged } from './plan-unit.ts';

/** Raised when the planner desires something else for the same facts and settings: that is a run of its own. */
export const plannerVersion = 1;

/**
 * What bringing one object into step means as a whole: pure and total, through the rules of the plan, in an input in
 * which everything the object waits for is there.
 */
export function assess(input: PlanInput, policy: Policy): Assessment {
  const judged = judge(input, policy);
  const halted = input.tenantGone ? 'TENANT_GONE' : isTopChanged(input) ? 'TOP_UNIT_CHANGED' : null;
  // A leaver goes also while the top unit is in question (README); a deleted site holds everybody.
  const stops = halted === 'TENANT_GONE' || (halted !== null && !judged.operations.includes('deactivate'));
  const held = stops && judged.operations.length > 0;
  const operations = held ? [] : sorted(judged.operations);
  const blocked = sorted([...judged.blocked, ...(held ? judged.operations : [])]);
  return {
    operations,
    blocked: blocked.filter((operation) => !operations.includes(operation)),
    hash: fingerprint([input.kind, judged.desired]),
    before: judged.before,
    after: judged.after,
    code: operations.length > 0 ? null : held ? halted : judged.code,
    hints: judged.hints ?? [],
  };
}

function judge(input: PlanInput, policy: Policy): Judged {
  switch (input.kind) {
    case 'unit':
      return assessUnit(input, policy);
    case 'role':
      return assessRole(input, policy);
    case 'person':
      return assessPerson(input, policy);
  }
}

function isTopChanged(input: PlanInput): boolean {
  return input.kind === 'unit' ? isTopUnitChanged(input.units) : input.topUnitChanged;
}

function sorted(operations: readonly Operation[]): readonly Operation[] {
  return inOrder.filter((operation) => operations.includes(operation));
}

/** Short enough to be shown, long enough that two desired states never share it. */
function fingerprint(desired: unknown): string {
  return createHash('sha256').update(JSON.stringify(desired)).digest('hex').slice(0, 32);
}
