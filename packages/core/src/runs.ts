/**
 * Kinds of runs. `sync`: everything desired against everything applied (the first sync too). `gap`: what was marked while
 * the integration was disabled. `replay`: the topic read again, or corrections of a repaired normalizer. `rebuild`: links
 * and state thrown away and found again. `settings`: an edit of settings. `planner`: a new version of the planner.
 * `drift`: what the target has against what we applied. `undo`: back to recorded before-images.
 */
export const runKinds = ['sync', 'gap', 'replay', 'rebuild', 'settings', 'planner', 'drift', 'undo'] as const;
export type RunKind = (typeof runKinds)[number];

/**
 *   waiting_for_snapshot → planning → planned ── approved, or by itself ──▶ applying → done
 *                                        └─ dry run: done          cancelled, failed: from any of them
 */
export const runStates = [
  'waiting_for_snapshot',
  'planning',
  'planned',
  'applying',
  'done',
  'cancelled',
  'failed',
] as const;
export type RunState = (typeof runStates)[number];

/**
 * What became of one object of a run. `planned`: nothing yet. `approved`: to be applied. `applied`: calls were made and it
 * is in step. `superseded`: nothing was left to do. `held`: more destructive than approved, or braked. `parked`: with the
 * code of its work. `rejected`, `cancelled`: by an operator.
 */
export const runItemStates = [
  'planned',
  'approved',
  'applied',
  'superseded',
  'held',
  'parked',
  'rejected',
  'cancelled',
] as const;
export type RunItemState = (typeof runItemStates)[number];

/** What a run is about; ids are source ids. `run`: what that run did (undo). */
export type RunScope =
  | { readonly all: true }
  | { readonly kind: 'unit' | 'role' | 'person'; readonly id: string }
  | { readonly run: string };
