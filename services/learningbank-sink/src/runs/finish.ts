import type { AppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { dropWork } from './mark-store.ts';
import { moveRun, type RunRow } from './run-store.ts';

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
