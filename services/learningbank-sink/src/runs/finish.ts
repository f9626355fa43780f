import type { AppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { dropWork } from './mark-store.ts';
import type { Fenced } from './fence.ts';
import { lockRun, moveRun, type RunRow } from './run-store.ts';

/** Ends a run before its end: what it holds is let go of, what it has not done is `cancelled`. */
export async function endRun(
  tx: Knex,
  run: RunRow,
  end:
    | { readonly state: 'cancelled'; readonly by?: string; readonly error?: Pick<AppError, 'code' | 'message'> }
    | { readonly state: 'failed'; readonly error: Pick<AppError, 'code' | 'message'> },
): Promise<boolean> {
  await dropWork(tx, run);
  await tx.raw(
    `update sink.run_item set state = 'cancelled' where run_id = ? and state in ('planned', 'approved', 'held')`,
    [run.id],
  );
  return moveRun(tx, run, {
    state: end.state,
    ...(end.error ? { code: end.error.code, message: end.error.message } : {}),
    ...('by' in end && end.by !== undefined ? { decidedBy: end.by } : {}),
  });
}

/**
 * Ends a run with a code, where it is still in the state it was seen in. The first sync makes itself: its plan is made
 * again under the settings and the planner that are in force now.
 */
export async function failRun(
  fenced: Fenced,
  run: Pick<RunRow, 'id' | 'integrationId' | 'state'>,
  error: Pick<AppError, 'code' | 'message'>,
): Promise<void> {
  await fenced(async (tx) => {
    const locked = await lockRun(tx, run);
    if (locked?.state !== run.state) return;
    const isStale = error.code === 'RUN_SETTINGS_CHANGED' || error.code === 'RUN_PLANNER_CHANGED';
    const isFirst = locked.isFirst || locked.kind === 'rebuild';
    if (isStale && isFirst) await moveRun(tx, locked, { state: 'planning' });
    else await endRun(tx, locked, { state: 'failed', error });
  });
}
