import { AppError } from '@orgstream/core';
import { marker } from '../model.ts';
import { closeAttempts, type OpenAttempt, readOpenAttempts } from './attempt-store.ts';
import { markDependants } from './dependants.ts';
import type { Claimed } from './keys.ts';
import { readLink, type LinkRecord } from './link-store.ts';
import { lookUpTarget } from './look-up.ts';
import type { ObjectContext } from './object-context.ts';
import { foldApplied, readTarget, shows } from './read-back.ts';

/**
 * Looks at the target after calls of which nobody knows whether they happened (a crash, a reset connection, an answer
 * that does not fit), writes what is true into the link, and closes the attempts. Comes before anything else of that
 * object. A create is looked for by our marker and linked at once: the planner does not look for who has left meanwhile.
 */
export async function settleOpenAttempts(context: ObjectContext, claimed: Claimed): Promise<void> {
  const { db, session, gate } = context;
  const attempts = await readOpenAttempts(db, claimed);
  if (attempts.length === 0) return;
  const link = await readLink(db, claimed);
  if (!link) return closeCreates(context, claimed, attempts);
  const found = await gate.run(claimed.lane, () => readTarget(session, claimed.kind, link.targetId));
  const ids = attempts.map(({ id }) => id);
  if (!found) {
    await recordLooked(context, { key: claimed, cause: claimed, link: { change: 'remove' } });
    await markDependants(db, { key: claimed, tenant: context.integration.tenant, cause: claimed });
    const deleted = attempts.filter(({ op }) => op.endsWith('.delete')).map(({ id }) => id);
    await closeAttempts(db, { ids: deleted, state: 'done', code: null });
    return closeAttempts(db, { ids, state: 'failed', code: 'TARGET_NOT_FOUND' });
  }
  const applied = foldApplied(claimed.kind, found, link, attempts);
  const { targetId, isTop } = link;
  await recordLooked(context, {
    key: claimed,
    cause: claimed,
    link: { change: 'put', targetId, madeByUs: link.madeByUs, isTop, applied },
  });
  const done = attempts.filter(({ after }) => shows(applied, after)).map(({ id }) => id);
  await closeAttempts(db, { ids: done, state: 'done', code: null });
  await closeAttempts(db, { ids, state: 'failed', code: null });
}

async function closeCreates(context: ObjectContext, claimed: Claimed, attempts: readonly OpenAttempt[]): Promise<void> {
  const { db, session, gate, integration } = context;
  const own = marker(integration.tenant, claimed.kind, claimed.id);
  const found = await gate.run(claimed.lane, () =>
    lookUpTarget(session, { kind: claimed.kind, marker: own, natural: null }),
  );
  const [made] = found;
  const create = attempts.findLast(({ op }) => op.endsWith('.create') && op !== 'job_profile.create');
  if (made && create) {
    const link = { targetId: made.object.id, madeByUs: true, isTop: false } as const;
    const applied = foldApplied(claimed.kind, made.object, { ...link, kind: claimed.kind, applied: create.after }, [
      create,
    ]);
    await recordLooked(context, { key: claimed, cause: claimed, link: { change: 'put', ...link, applied } });
  }
  const state = made ? 'done' : 'failed';
  await closeAttempts(db, { ids: attempts.map(({ id }) => id), state, code: null });
}

/** What was looked at is true only as long as the platform is ours: a stale owner closes no attempt. */
async function recordLooked(context: ObjectContext, looked: LinkRecord): Promise<void> {
  const recorded = await context.record(looked);
  if (recorded === 'stale') throw new AppError('LEASE_LOST', 'recording a look at the target: the lease has run out');
}
