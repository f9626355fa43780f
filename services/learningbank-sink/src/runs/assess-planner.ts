import type { Knex } from '@orgstream/database';
import type { Assessment, ObjectKey } from '../model.ts';
import { assess, loadPlanInputs, type PlanInput } from '../plan/index.ts';
import type { NewItem, RunContext, RunPlanner } from './kind.ts';
import { ListedCandidates } from './listed-candidates.ts';
import { objectsOf, readStandings, type Standing } from './scope-store.ts';

/** Objects of one batch: some statements each, and what is held in memory. */
const batchSize = 500;

/**
 * The plan of every kind that compares what is desired with what is applied: all in scope, or (`forRun`) what waits for a
 * run of this kind. What an operator undid, rejected or ignored is no item as long as the same is desired. Of an edit of
 * settings only what it changes; of a new planner only what is not outstanding anyway.
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
        const standings = await readStandings(db, integration.id, objects);
        yield known.flatMap((input) => itemOf(context, input, standings.get(`${input.kind}/${input.id}`)));
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

function itemOf(context: RunContext, input: PlanInput, standing: Standing | undefined): readonly NewItem[] {
  const { log, integration, policy } = context;
  const { kind, id } = input;
  try {
    const assessment = assess(input, policy);
    const { operations, code, hash, before, after } = assessment;
    if (operations.length === 0 && code === null) return [];
    if (standing && (standing.isBeingUndone || standing.holdHash === hash)) return [];
    if (!isOfThisRun(context, input, { assessment, standing })) return [];
    return [{ kind, id, operations, before, after, hash, code, ...detailOf(assessment) }];
  } catch (error) {
    // The planner is total; if it is not, that is this object's trouble and nobody else's.
    log.warn({ err: error, integration: integration.id, kind, objectId: id }, 'object not planned');
    return [{ kind, id, operations: [], before: null, after: null, hash: null, code: 'UNEXPECTED' }];
  }
}

function isOfThisRun(
  { run, inForce }: RunContext,
  input: PlanInput,
  { assessment, standing }: { readonly assessment: Assessment; readonly standing: Standing | undefined },
): boolean {
  if (run.kind === 'planner') return standing === undefined && assessment.operations.length > 0;
  if (!inForce) return true;
  // Not the hash: that changes with a rule too which makes no difference to this object.
  return whatIsDone(assess(input, inForce)) !== whatIsDone(assessment);
}

const whatIsDone = ({ operations, code, after }: Assessment): string => JSON.stringify([operations, code, after]);

function detailOf({ blocked, hints }: Assessment): Pick<NewItem, 'detail'> {
  if (blocked.length === 0 && hints.length === 0) return {};
  return { detail: { ...(blocked.length > 0 ? { blocked } : {}), ...(hints.length > 0 ? { hints } : {}) } };
}
