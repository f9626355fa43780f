import type { Knex } from '@orgstream/database';
import type { Assessment, ObjectKey, Policy } from '../model.ts';
import { assess, loadPlanInputs, type PlanInput } from '../plan/index.ts';
import type { NewItem, RunContext, RunPlanner } from './kind.ts';
import { ListedCandidates } from './listed-candidates.ts';
import { objectsOf, readHolds } from './scope-store.ts';

/** Objects of one batch: some statements each, and what is held in memory. */
const batchSize = 500;

/**
 * The plan of every kind that compares what is desired with what is applied: all in scope, or (`forRun`) what waits for a
 * run of this kind. What an operator undid, rejected or ignored is no item as long as the same is desired.
 */
export function createAssessPlanner(forRun: 'gap' | 'replay' | null): RunPlanner {
  return {
    async *plan(context) {
      const { db, integration, platform, policy, run, signal } = context;
      const whose = { id: integration.id, tenant: integration.tenant };
      const isFirst = run.isFirst || run.kind === 'rebuild';
      const listed = isFirst ? new ListedCandidates(db, { platform, integrationId: integration.id }, policy) : null;
      for await (const objects of objectsOf(db, whose, { scope: run.scope, forRun, size: batchSize })) {
        if (signal.aborted) return;
        const inputs = await load(db, context, objects);
        const known = listed ? await listed.withCandidates(inputs) : inputs;
        const holds = await readHolds(db, integration.id, objects);
        yield known.flatMap((input) => itemOf(context, input, { policy, holds }));
      }
    },
  };
}

async function load(
  db: Knex,
  { integration }: RunContext,
  objects: readonly ObjectKey[],
): Promise<readonly PlanInput[]> {
  const inputs = await loadPlanInputs(db, integration, objects);
  return objects.map(({ kind, id }) => inputs.get(`${kind}/${id}`)!);
}

function itemOf(
  { log, integration }: RunContext,
  input: PlanInput,
  { policy, holds }: { readonly policy: Policy; readonly holds: ReadonlyMap<string, string | null> },
): readonly NewItem[] {
  const { kind, id } = input;
  try {
    const assessment = assess(input, policy);
    const { operations, code, hash, before, after } = assessment;
    if (operations.length === 0 && code === null) return [];
    const hold = holds.get(`${kind}/${id}`);
    if (hold === null || hold === hash) return [];
    return [{ kind, id, operations, before, after, hash, code, ...detailOf(assessment) }];
  } catch (error) {
    // The planner is total; if it is not, that is this object's trouble and nobody else's.
    log.warn({ err: error, integration: integration.id, kind, objectId: id }, 'object not planned');
    return [{ kind, id, operations: [], before: null, after: null, hash: null, code: 'UNEXPECTED' }];
  }
}

function detailOf({ blocked, hints }: Assessment): Pick<NewItem, 'detail'> {
  if (blocked.length === 0 && hints.length === 0) return {};
  return { detail: { ...(blocked.length > 0 ? { blocked } : {}), ...(hints.length > 0 ? { hints } : {}) } };
}
