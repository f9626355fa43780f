export { plan } from './plan.ts';
export { loadPlanInputs } from './plan-input-store.ts';
export type { PlanInput } from './input.ts';
export { assess, plannerVersion } from './assess.ts';
export { unconfirmed } from './presets.ts';
