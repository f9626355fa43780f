import type { Outcome, Policy } from '../model.ts';
import type { PlanInput } from './input.ts';
import { planPerson } from './plan-person.ts';
import { planRole } from './plan-role.ts';
import { planUnit } from './plan-unit.ts';
import { undoPerson } from './undo-person.ts';

/**
 * What becomes of one object now: pure and total, the same for the same input. After the actions were carried out the
 * object is planned again with fresh input; that gives no further actions. An object with an undo goes back to what was
 * applied then; settled = it is there.
 */
export function plan(input: PlanInput, policy: Policy): Outcome {
  switch (input.kind) {
    case 'unit':
      return planUnit(input, policy);
    case 'role':
      return planRole(input, policy);
    case 'person':
      return input.undo ? undoPerson(input, input.undo, policy) : planPerson(input, policy);
  }
}
