import type { Knex } from '@orgstream/database';
import type { Assessment, ObjectKind, PersonLink, Policy } from '../model.ts';
import type { Way } from '../platform/session-pool.ts';
import { assess, loadPlanInputs, plan, type PlanInput } from '../plan/index.ts';
import { type Answer, answered, createBatcher, failed } from './batcher.ts';
import type { Integration } from './integration-store.ts';
import { keyOf } from './keys.ts';
import type { Planned, PlanRequest } from './object-context.ts';
import { policyOf } from './policy.ts';

/**
 * Plans objects in batches: what is asked for while one batch is loaded is loaded together next. Each plan is made from
 * state loaded after it was asked for.
 */
export function createPlanner(options: {
  readonly db: Knex;
  readonly nowMs: () => number;
  readonly wayOf: (integrationId: string) => Pick<Way, 'catalogue' | 'username'> | undefined;
  readonly maxBatch: number;
}): (request: PlanRequest) => Promise<Planned> {
  return createBatcher({
    max: options.maxBatch,
    run: async (requests: readonly PlanRequest[]) => {
      const answers = new Map<PlanRequest, Answer<Planned>>();
      for (const [integration, group] of byIntegration(requests)) {
        const way = options.wayOf(integration.id);
        if (!way) throw new Error('planning without a way to the platform');
        const inputs = await loadPlanInputs(
          options.db,
          integration,
          group.map(({ key }) => key),
        );
        const policy = policyOf(integration, way, options.nowMs());
        for (const request of group) answers.set(request, planOne(request, inputs, policy));
      }
      return requests.map((request) => answers.get(request)!);
    },
  });
}

function planOne(request: PlanRequest, inputs: ReadonlyMap<string, PlanInput>, policy: Policy): Answer<Planned> {
  const { key } = request;
  try {
    const input = inputs.get(`${key.kind}/${key.id}`);
    if (!input) throw new Error(`no plan input for ${keyOf(key)}`);
    return answered(plannedFrom(input, policy));
  } catch (error) {
    // The planner is total; if it is not, that is this object's trouble and nobody else's.
    return failed(error);
  }
}

function plannedFrom(input: PlanInput, policy: Policy): Planned {
  const outcome = plan(input, policy);
  let assessment: Assessment | undefined;
  return {
    outcome,
    assess: () => (assessment ??= assess(input, policy)),
    lookUp:
      outcome.kind === 'look_up' && outcome.what === undefined
        ? { kind: input.kind, ...outcome.find, ...adoptedOf(input) }
        : null,
    knowing: (lookedUp) => plannedFrom({ ...input, ...lookedUp }, policy),
    settledBy: (link) =>
      input.kind === 'person' && plan({ ...input, link: link as PersonLink }, policy).kind === 'settled',
  };
}

/** The target object that an operator decided to adopt. */
function adoptedOf(input: PlanInput): { readonly adopt?: number } {
  const { resolution } =
    input.kind === 'person' ? input : ((input.kind === 'unit' ? input.units : input.roles).get(input.id) ?? {});
  return resolution?.action === 'adopt' && resolution.targetId !== null ? { adopt: resolution.targetId } : {};
}

/** Assesses many objects of one kind; who cannot be planned is left out: it does nothing. */
export async function assessMany(
  db: Knex,
  integration: Integration,
  of: { readonly kind: ObjectKind; readonly ids: readonly string[]; readonly policy: Policy },
): Promise<ReadonlyMap<string, Assessment>> {
  const found = new Map<string, Assessment>();
  for (let at = 0; at < of.ids.length; at += assessedAtOnce) {
    const keys = of.ids.slice(at, at + assessedAtOnce).map((id) => ({ kind: of.kind, id }));
    for (const input of (await loadPlanInputs(db, integration, keys)).values()) {
      try {
        found.set(input.id, assess(input, of.policy));
      } catch {
        // The planner is total; if it is not, its own turn says so.
      }
    }
  }
  return found;
}

const assessedAtOnce = 500;

function byIntegration(requests: readonly PlanRequest[]): ReadonlyMap<Integration, readonly PlanRequest[]> {
  const groups = new Map<Integration, PlanRequest[]>();
  for (const request of requests) {
    const group = groups.get(request.integration);
    if (group) group.push(request);
    else groups.set(request.integration, [request]);
  }
  return groups;
}
