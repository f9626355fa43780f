import type { Knex } from '@orgstream/database';
import type { Change } from './change.ts';
import type { At } from './fact.ts';
import { marksOf, reachOf, type Progress, type Touch } from './marks.ts';
import { advance, storeProgress } from './progress-store.ts';
import { lookUp, markWork } from './work-store.ts';

export interface Marked {
  readonly objects: number;
  readonly integrations: readonly string[];
}

/**
 * Marks everything that changes touch: the objects themselves, and those reached through memberships, assignments and the
 * unit tree. `passed` = transactions whose last record is in this batch; stored, unless this is a run.
 */
export async function markChanges(
  tx: Knex,
  changes: readonly Change[],
  options: {
    readonly scope: ReadonlyMap<string, Progress>;
    readonly passed: ReadonlyMap<string, Omit<At, 'seq'>>;
    readonly run: boolean;
  },
): Promise<Marked> {
  const touches = await touchesOf(tx, changes);
  const progress = advance(options.scope, options.passed);
  const { marks, largest } = marksOf(touches, { progress, run: options.run });
  const integrations = await markWork(tx, marks);
  if (!options.run) await storeProgress(tx, options.scope, withLargest(progress, largest));
  return { objects: marks.length, integrations };
}

async function touchesOf(tx: Knex, changes: readonly Change[]): Promise<readonly Touch[]> {
  const reached = changes.map((change) => ({ change, ...reachOf(change) }));
  const asked = reached.flatMap(({ change, lookUps }) => lookUps.map((look) => ({ change, look })));
  const found = await lookUp(
    tx,
    asked.map(({ look }) => look),
  );
  const further = found.map(({ no, kind, id }): Touch => ({ kind, id, change: asked[no]!.change, leaver: false }));
  return [...reached.flatMap(({ touches }) => touches), ...further];
}

function withLargest(
  progress: ReadonlyMap<string, Progress>,
  largest: ReadonlyMap<string, Progress['tx']>,
): ReadonlyMap<string, Progress> {
  return new Map(
    [...progress].map(([tenant, before]) => {
      const tx = largest.get(tenant);
      return [tenant, tx ? { ...before, tx } : before];
    }),
  );
}
