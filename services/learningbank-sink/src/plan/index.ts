export { plan } from './plan.ts';
export { loadPlanInputs } from './plan-input-store.ts';
export type { PlanInput } from './input.ts';
export { assess, plannerVersion } from './assess.ts';
export { behaviourOf, unconfirmed } from './presets.ts';
export { isTopUnit } from './unit-step.ts';
export { ownerMark } from './protected.ts';
