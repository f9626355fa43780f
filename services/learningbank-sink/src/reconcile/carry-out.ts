import { AppError, isAppError } from '@orgstream/core';
import { errorFacts } from '@orgstream/database';
import type { Action } from '../model.ts';
import type { AttemptEnd, LinkChange } from './attempt-store.ts';
import type { Doing } from './doing.ts';
import { type Call, execute, isCall, targetOf } from './executor.ts';
import { consequenceOf } from './failure.ts';
import { dealWithMissing, namesReferences } from './missing.ts';
import type { ObjectContext } from './object-context.ts';
import { retryOrAsk, type RunEnd } from './retry.ts';

/** An action was done; or the object is to be planned again from a fresh look at the target; or its turn ends. */
export type Carried =
  | { readonly to: 'done'; readonly freed: boolean; readonly link: LinkPut | null }
  | { readonly to: 'again'; readonly refused: boolean }
  | { readonly to: 'end'; readonly end: RunEnd };

/** The link row as it is since; its `madeByUs` is that of a new row. */
type LinkPut = { readonly targetId: number; readonly madeByUs: boolean; readonly applied: unknown };

const drop: Carried = { to: 'end', end: { to: 'drop' } };
const nothingNew: Carried = { to: 'done', freed: false, link: null };

/** Carries out one action: an attempt, one call, and the record of what is true since; or just the record. */
export async function carryOut(context: ObjectContext, doing: Doing): Promise<Carried> {
  const { action } = doing;
  if (!isCall(action)) return relink(context, doing, action);
  const name = wantedName(action);
  if (name === null) return call(context, doing, action);
  return context.turns.run(`${context.integration.id}/${name}`, () => call(context, doing, action));
}

/** The name that a call would take at the target, with its place; null = none. */
function wantedName(action: Call): string | null {
  switch (action.op) {
    case 'department.create':
      return `unit/${action.parentId}/${action.name}`;
    case 'department.update':
      return `unit/${action.after.parentId}/${action.after.name}`;
    case 'permission_type.create':
      return `role/${action.name}`;
    case 'permission_type.update':
      return `role/${action.set.name}`;
    case 'user.create':
      return `person/${action.user.email.toLowerCase()}`;
    case 'user.update':
      return action.set.email === undefined ? null : `person/${action.set.email.toLowerCase()}`;
    case 'job_profile.create':
      return `job_profile/${action.name}`;
    default:
      return null;
  }
}

async function relink(
  context: ObjectContext,
  { key, cause }: Doing,
  action: Extract<Action, { op: 'link' | 'unlink' }>,
): Promise<Carried> {
  const link: LinkChange =
    action.op === 'unlink'
      ? { change: 'remove' }
      : {
          change: 'put',
          targetId: action.targetId,
          madeByUs: action.madeByUs,
          isTop: action.isTop,
          applied: action.after,
        };
  switch (await context.record({ key, cause, link })) {
    case 'recorded':
      context.acted(action.op);
      return { to: 'done', freed: action.op === 'unlink', link: link.change === 'put' ? linkOf(link) : null };
    case 'taken':
      // Somebody else linked it since it was looked up: the next look shows by whom.
      return { to: 'again', refused: false };
    case 'stale':
      return drop;
  }
}

async function call(context: ObjectContext, doing: Doing, action: Call): Promise<Carried> {
  const { key, cause, grant } = doing;
  const { integration, session, gate } = context;
  // Somebody else made it meanwhile: a hundred people who need one profile make one.
  if (action.op === 'job_profile.create' && context.catalogue.now().jobProfiles.has(action.name)) return nothingNew;
  let attemptId: number | undefined;
  const open = async (): Promise<number> => {
    const after = 'after' in action ? action.after : null;
    const { generation } = integration;
    const started = await context.openAttempt({
      key,
      op: action.op,
      targetId: targetOf(action),
      after,
      cause,
      generation,
      operations: grant?.operations ?? [],
      approved: grant?.approved ?? false,
    });
    if (typeof started === 'number') {
      grant?.sending();
      return (attemptId = started);
    }
    throw new AppError(started === 'disabled' ? 'PLATFORM_PAUSED' : 'LEASE_LOST', 'opening an attempt', {
      refusal: started,
    });
  };
  let targetId: number;
  try {
    targetId = await gate.run(cause.lane, () =>
      session.write(open, (client, id, signal) =>
        execute(client, action, { signal, idempotencyKey: `orgstream-${integration.id}-${id}` }),
      ),
    );
  } catch (error) {
    if (isAppError(error) && error.data['refusal'] === 'disabled') {
      await context.refused();
      return drop;
    }
    return fail(context, doing, { action, attemptId, error });
  }
  // Outside of the catch: a call that was made but cannot be recorded must stay `sent`, to be looked at.
  return succeed(context, doing, { action, attemptId: attemptId!, targetId });
}

async function succeed(
  context: ObjectContext,
  { key, cause }: Doing,
  { action, attemptId, targetId }: { readonly action: Call; readonly attemptId: number; readonly targetId: number },
): Promise<Carried> {
  const link: LinkChange | null =
    action.op === 'job_profile.create'
      ? null
      : 'after' in action
        ? { change: 'put', targetId, madeByUs: action.op.endsWith('.create'), isTop: false, applied: action.after }
        : { change: 'remove' };
  const end: AttemptEnd = { attemptId, state: 'done', status: null, code: null };
  const recorded = await context.record({ key, cause, end, link });
  context.acted(action.op);
  if (recorded === 'stale') return drop;
  if (recorded === 'taken') return { to: 'again', refused: false };
  if (action.op === 'job_profile.create') context.catalogue.learnJobProfile(action.name, targetId);
  return { to: 'done', freed: frees(action), link: link?.change === 'put' ? linkOf(link) : null };
}

function linkOf({ targetId, madeByUs, applied }: Extract<LinkChange, { change: 'put' }>): LinkPut {
  return { targetId, madeByUs: madeByUs === true, applied };
}

function takenCode(action: Call, code: AppError['code']): AppError['code'] {
  return action.op === 'job_profile.create' ? 'TARGET_CONFLICT' : code;
}

/** True when a name or an e-mail may have become free for another object of ours. */
function frees(action: Call): boolean {
  switch (action.op) {
    case 'department.update':
    case 'department.delete':
    case 'permission_type.update':
    case 'permission_type.delete':
    case 'user.deactivate':
    case 'user.delete':
      return true;
    case 'user.update':
      return 'email' in action.set;
    default:
      return false;
  }
}

async function fail(
  context: ObjectContext,
  doing: Doing,
  {
    action,
    attemptId,
    error,
  }: { readonly action: Call; readonly attemptId: number | undefined; readonly error: unknown },
): Promise<Carried> {
  const { key, cause, refusedOnce } = doing;
  const { session } = context;
  const what = consequenceOf(error, action.op, key.kind);
  const gone = what.kind === 'missing' && action.op.endsWith('.delete');
  if (attemptId !== undefined) {
    const state = what.kind === 'read_back' ? 'unknown' : gone ? 'done' : 'failed';
    if (state === 'failed') doing.grant?.failed();
    const status = isAppError(error) && typeof error.data['status'] === 'number' ? error.data['status'] : null;
    const end: AttemptEnd = { attemptId, state, status, code: isAppError(error) ? error.code : 'UNEXPECTED' };
    const recorded = await context.record({ key, cause, end, link: gone ? { change: 'remove' } : null });
    if (recorded === 'stale') return drop;
  }
  const stop = (end: RunEnd): Carried => ({ to: 'end', end });
  const burn = async (code: AppError['code'], waitMs = 0): Promise<Carried> =>
    stop(await retryOrAsk({ code, attempts: cause.attempts, waitMs }, context));
  switch (what.kind) {
    case 'lost':
      return drop;
    case 'platform':
      return stop({ to: 'retry', code: what.code, waitMs: Math.max(1_000, what.waitMs), burn: false });
    case 'read_back':
    case 'retry':
      if (!isAppError(error))
        context.log.warn({ ...errorFacts(error), op: action.op, kind: key.kind, objectId: key.id }, 'call failed');
      return burn(what.code, what.waitMs);
    case 'taken':
      if (action.op === 'job_profile.create') await context.catalogue.refresh();
      if (!refusedOnce) return { to: 'again', refused: true };
      return stop({ to: 'parked', code: takenCode(action, what.code), detail: { op: action.op } });
    case 'forbidden':
      if (await session.probe()) return stop({ to: 'parked', code: 'TARGET_FORBIDDEN', detail: { op: action.op } });
      return stop({ to: 'retry', code: 'PLATFORM_PAUSED', waitMs: 1_000, burn: false });
    case 'missing':
      if (gone) return { to: 'done', freed: true, link: null };
      return (await dealWithMissing(context, doing, action))
        ? { to: 'again', refused: false }
        : burn('TARGET_NOT_FOUND');
    case 'park':
      if (namesReferences(what.detail) && (await dealWithMissing(context, doing, action))) {
        return { to: 'again', refused: false };
      }
      return stop({ to: 'parked', code: what.code, detail: what.detail });
  }
}
