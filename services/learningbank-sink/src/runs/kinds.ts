import { driftPlanner } from '../operate/drift.ts';
import { undoPlanner } from '../operate/undo.ts';
import { createAssessPlanner } from './assess-planner.ts';
import type { RunPlanners } from './kind.ts';

const everything = createAssessPlanner(null);

/** How each kind of run plans itself. */
export const planners: RunPlanners = {
  sync: everything,
  rebuild: everything,
  settings: everything,
  planner: everything,
  gap: createAssessPlanner('gap'),
  replay: createAssessPlanner('replay'),
  drift: driftPlanner,
  undo: undoPlanner,
};
