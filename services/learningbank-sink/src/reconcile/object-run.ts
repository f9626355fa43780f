import type { Outcome } from '../model.ts';
import { AppError, isAppError } from '@orgstream/core';
import { errorFacts, postgresError } from '@orgstream/database';
import { carryOut, type Carried } from './carry-out.ts';
import { haltIntegration } from './integration-store.ts';
import type { Claimed } from './keys.ts';
import { readLink } from './link-store.ts';
import { candidatesOf, lookUpOccupants, lookUpTarget } from './look-up.ts';
import type { ObjectContext, Planned } from './object-context.ts';
import { settleOpenAttempts } from './open-attempts.ts';
import { carryOutFirst } from './carry-out-first.ts';
import { isOutdated } from './judge.ts';
import { Grant, permit } from './permit.ts';
import { retryOrAsk, type RunEnd } from './retry.ts';
import { dropUndo } from './work-store.ts';

/** What one claim of an object has learnt so far. */
interface Known {
  /** Made from what was looked up: to be followed instead of a plan from fresh state. */
  next?: Planned | undefined;
  /** The listing does not do: the target itself is asked. */
  fresh: boolean;
  /** A name or e-mail was refused once already. */
  refusedOnce: boolean;
  /** A name or e-mail was given up. */
  freed: boolean;
  readonly grant: Grant;
}

/**
 * Brings one claimed object into step: plan, carry out, plan again from fresh state, until it is settled or has to stop.
 * Never throws: whatever happens is the verdict on this one object.
 */
export async function runObject(context: ObjectContext, claimed: Claimed): Promise<RunEnd> {
  const grant = new Grant();
  try {
    const known: Known = { fresh: false, refusedOnce: false, freed: false, grant };
    if (claimed.open) {
      await settleOpenAttempts(context, claimed);
      known.fresh = true;
    }
    for (let round = 1; round <= context.patience.maxRounds; round += 1) {
      const planned = known.next ?? (await context.plan({ integration: context.integration, key: claimed }));
      known.next = undefined;
      const end = await follow(context, claimed, { known, planned });
      if (end?.to === 'settle' && claimed.standing.undo) return await endOfUndo(context, claimed, end);
      if (end) return end;
    }
    throw new AppError('UNEXPECTED', 'planning after applying does not come to rest', { reason: 'no_rest' });
  } catch (error) {
    return await endOfError(context, claimed, error);
  } finally {
    grant.close(context.brake.nowMs());
  }
}

interface Plan {
  readonly known: Known;
  readonly planned: Planned;
}

/** What follows from one plan; undefined = plan again. */
async function follow(context: ObjectContext, claimed: Claimed, plan: Plan): Promise<RunEnd | undefined> {
  const { outcome } = plan.planned;
  const { grant } = plan.known;
  if (outcome.kind === 'actions' || outcome.kind === 'look_up' || outcome.kind === 'first') {
    const held = await permit(context, claimed, { planned: plan.planned, grant });
    if (held) return held;
  }
  switch (outcome.kind) {
    case 'settled':
      return { to: 'settle', freed: plan.known.freed };
    case 'actions':
      return actAll(context, claimed, plan, outcome.actions);
    case 'look_up':
      plan.known.next = await lookUp(context, claimed, plan);
      return undefined;
    case 'first':
      return learn(await carryOutFirst(context, claimed, outcome), plan.known);
    case 'wait':
      return { to: 'wait', on: outcome.on, code: outcome.code ?? null };
    case 'park':
      return { to: 'parked', code: outcome.code, detail: outcome.detail };
    case 'conflict':
      return { to: 'conflict', code: outcome.code, detail: outcome.detail };
    case 'halt':
      return halt(context, outcome.code);
  }
}

/** It is back where it was: held there, as long as what was desired then is what is desired. */
async function endOfUndo(
  context: ObjectContext,
  claimed: Claimed,
  settle: Extract<RunEnd, { to: 'settle' }>,
): Promise<RunEnd> {
  const { operations, blocked, hash } = (
    await context.plan({ integration: context.integration, key: claimed })
  ).assess();
  if (operations.length + blocked.length === 0) return settle;
  if (isOutdated(claimed.standing, hash)) {
    await dropUndo(context.db, claimed);
    return { to: 'drop' };
  }
  return { to: 'held', code: 'UNDONE', operations, hash, undone: true };
}

async function actAll(
  context: ObjectContext,
  claimed: Claimed,
  { known, planned }: Plan,
  actions: Extract<Outcome, { kind: 'actions' }>['actions'],
): Promise<RunEnd | undefined> {
  let last: Carried | undefined;
  for (const action of actions) {
    last = await carryOut(context, {
      key: claimed,
      cause: claimed,
      action,
      refusedOnce: known.refusedOnce,
      grant: known.grant,
    });
    const end = learn(last, known);
    if (end || last.to !== 'done') return end;
  }
  const { link } = last as Extract<Carried, { to: 'done' }>;
  return link && planned.settledBy(link) ? { to: 'settle', freed: known.freed } : undefined;
}

/** Takes over what a carried-out action says about the next plan. */
function learn(carried: Carried, known: Known): RunEnd | undefined {
  switch (carried.to) {
    case 'done':
      known.freed ||= carried.freed;
      return undefined;
    case 'again':
      known.fresh = true;
      known.refusedOnce ||= carried.refused;
      return undefined;
    case 'end':
      return carried.end;
  }
}

async function lookUp(
  context: ObjectContext,
  claimed: Claimed,
  { known, planned }: Plan,
): Promise<Planned | undefined> {
  const { db, platform, session, integration, gate } = context;
  if (planned.outcome.kind === 'look_up' && planned.outcome.what === 'occupants') {
    const departmentId = (await readLink(db, claimed))?.targetId;
    if (departmentId === undefined) return undefined;
    return planned.knowing({
      occupants: await gate.run(claimed.lane, () =>
        lookUpOccupants(db, session, { platform, tenant: integration.tenant, departmentId }),
      ),
    });
  }
  const key = planned.lookUp!;
  const objects =
    context.listing && !known.fresh && key.adopt === undefined
      ? await context.listing(key)
      : await gate.run(claimed.lane, () => lookUpTarget(session, key));
  return planned.knowing({ candidates: await candidatesOf(db, { platform, integrationId: integration.id }, objects) });
}

async function halt(context: ObjectContext, code: AppError['code']): Promise<RunEnd> {
  const { db, integration, log } = context;
  log.error({ integration: integration.id, tenant: integration.tenant, code }, 'integration halted');
  const message = 'nothing is sent any more; see the manual of this code';
  await haltIntegration(db, { id: integration.id, code, message, generation: integration.generation });
  await context.refused();
  return { to: 'drop' };
}

/** The verdict on an object whose planning or look-up failed, or which failed in a way nobody foresaw. */
async function endOfError(context: ObjectContext, claimed: Claimed, error: unknown): Promise<RunEnd> {
  const { integration, log, session } = context;
  if (isAppError(error, 'LEASE_LOST')) return { to: 'drop' };
  if (isAppError(postgresError(error, 'bringing an object into step'), 'POSTGRES_UNREACHABLE')) {
    log.warn({ ...errorFacts(error), integration: integration.id }, 'database in trouble, object left as it is');
    return { to: 'drop' };
  }
  if (isAppError(error, 'PLATFORM_PAUSED', 'TARGET_RATE_LIMITED', 'TARGET_AUTH_FAILED')) {
    return { to: 'retry', code: error.code, waitMs: Math.max(1_000, error.waitMs ?? 0), burn: false };
  }
  if (isAppError(error, 'TARGET_FORBIDDEN')) {
    if (await session.probe()) return { to: 'parked', code: error.code, detail: { op: 'look_up' } };
    return { to: 'retry', code: 'PLATFORM_PAUSED', waitMs: 1_000, burn: false };
  }
  const code = isAppError(error) ? error.code : 'UNEXPECTED';
  if (code === 'UNEXPECTED') {
    log.warn(
      { ...errorFacts(error), integration: integration.id, kind: claimed.kind, objectId: claimed.id },
      'object failed',
    );
  }
  return retryOrAsk({ code, attempts: claimed.attempts, waitMs: isAppError(error) ? error.waitMs : 0 }, context);
}
