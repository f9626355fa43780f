export { plan } from './plan.ts';
export { inputKey, loadPlanInputs } from './plan-input-store.ts';
export type { LoadContext } from './rows.ts';
export type { Occupants, PersonInput, PlanInput, RoleInput, UnitInput, WorkState } from './input.ts';
export { UnitTree, type UnitNode } from './unit-tree.ts';
export { RoleBook, type RoleNode } from './role-book.ts';
