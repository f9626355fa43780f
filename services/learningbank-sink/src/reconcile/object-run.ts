import type { Candidate, Outcome } from '../model.ts';
import { AppError, isAppError } from '@orgstream/core';
import { postgresError } from '@orgstream/database';
import { carryOut, type Carried } from './carry-out.ts';
import { haltIntegration } from './integration-store.ts';
import type { Claimed } from './keys.ts';
import { readLink } from './link-store.ts';
import { candidatesOf, lookUpOccupants, lookUpTarget } from './look-up.ts';
import type { ObjectContext, Planned } from './object-context.ts';
import { settleOpenAttempts } from './open-attempts.ts';
import { carryOutFirst } from './carry-out-first.ts';
import { retryOrPark, type RunEnd } from './retry.ts';

/** What was looked up for the next plan of an object. */
interface Known {
  candidates?: readonly Candidate[] | undefined;
  occupants?: { readonly users: number; readonly departments: number } | undefined;
  /** The listing does not do: the target itself is asked. */
  fresh: boolean;
  /** A name or e-mail was refused once already. */
  refusedOnce: boolean;
  /** A name or e-mail was given up. */
  freed: boolean;
}

/**
 * Brings one claimed object into step: plan, carry out, plan again from fresh state, until it is settled or has to stop.
 * Never throws: whatever happens is the verdict on this one object.
 */
export async function runObject(context: ObjectContext, claimed: Claimed): Promise<RunEnd> {
  try {
    const known: Known = { fresh: false, refusedOnce: false, freed: false };
    if (claimed.open) {
      await settleOpenAttempts(context, claimed);
      known.fresh = true;
    }
    for (let round = 1; round <= context.patience.maxRounds; round += 1) {
      const end = await step(context, claimed, known);
      if (end) return end;
    }
    throw new AppError('UNEXPECTED', 'planning after applying does not come to rest', { reason: 'no_rest' });
  } catch (error) {
    return endOfError(context, claimed, error);
  }
}

/** One plan and what follows from it; undefined = plan again. */
async function step(context: ObjectContext, claimed: Claimed, known: Known): Promise<RunEnd | undefined> {
  const { integration } = context;
  const { candidates, occupants } = known;
  const planned = await context.plan({ integration, key: claimed, candidates, occupants });
  const { outcome } = planned;
  switch (outcome.kind) {
    case 'settled':
      return { to: 'settle', freed: known.freed };
    case 'actions':
      return actAll(context, claimed, { known, actions: outcome.actions });
    case 'look_up':
      return lookUp(context, claimed, { known, planned });
    case 'first':
      return follow(await carryOutFirst(context, claimed, outcome), known);
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

async function actAll(
  context: ObjectContext,
  claimed: Claimed,
  { known, actions }: { readonly known: Known; readonly actions: Extract<Outcome, { kind: 'actions' }>['actions'] },
): Promise<RunEnd | undefined> {
  for (const action of actions) {
    const carried = await carryOut(context, { key: claimed, cause: claimed, action, refusedOnce: known.refusedOnce });
    const end = follow(carried, known);
    if (end || carried.to !== 'done') return end;
  }
  return undefined;
}

/** Takes over what a carried-out action says about the next plan. */
function follow(carried: Carried, known: Known): RunEnd | undefined {
  switch (carried.to) {
    case 'done':
      known.freed ||= carried.freed;
      known.candidates = known.occupants = undefined;
      return undefined;
    case 'again':
      known.fresh = true;
      known.refusedOnce ||= carried.refused;
      known.candidates = known.occupants = undefined;
      return undefined;
    case 'end':
      return carried.end;
  }
}

async function lookUp(
  context: ObjectContext,
  claimed: Claimed,
  { known, planned }: { readonly known: Known; readonly planned: Planned },
): Promise<undefined> {
  const { db, platform, session, integration, gate } = context;
  if (planned.outcome.kind === 'look_up' && planned.outcome.what === 'occupants') {
    const link = await readLink(db, claimed);
    const departmentId = link?.targetId;
    if (departmentId === undefined) return;
    known.occupants = await gate.run(claimed.lane, () => lookUpOccupants(db, session, { platform, departmentId }));
    return;
  }
  const key = planned.lookUp!;
  const objects =
    context.listing && !known.fresh
      ? await context.listing(key)
      : await gate.run(claimed.lane, () => lookUpTarget(session, key));
  known.candidates = await candidatesOf(db, { platform, integrationId: integration.id }, objects);
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
function endOfError(context: ObjectContext, claimed: Claimed, error: unknown): RunEnd {
  const { integration, log, patience } = context;
  if (isAppError(error, 'LEASE_LOST')) return { to: 'drop' };
  if (isAppError(postgresError(error, 'bringing an object into step'), 'POSTGRES_UNREACHABLE')) {
    log.warn({ err: error, integration: integration.id }, 'database in trouble, object left as it is');
    return { to: 'drop' };
  }
  if (isAppError(error, 'PLATFORM_PAUSED', 'TARGET_RATE_LIMITED', 'TARGET_AUTH_FAILED')) {
    return { to: 'retry', code: error.code, waitMs: Math.max(1_000, error.waitMs ?? 0), burn: false };
  }
  const code = isAppError(error) ? error.code : 'UNEXPECTED';
  if (code === 'UNEXPECTED') {
    log.warn({ err: error, integration: integration.id, kind: claimed.kind, objectId: claimed.id }, 'object failed');
  }
  return retryOrPark({ code, attempts: claimed.attempts, waitMs: isAppError(error) ? error.waitMs : 0 }, patience);
}
