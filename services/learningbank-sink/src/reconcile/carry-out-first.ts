import type { Outcome } from '../model.ts';
import { readOpenAttempts } from './attempt-store.ts';
import { carryOut, type Carried } from './carry-out.ts';
import type { Claimed } from './keys.ts';
import type { ObjectContext } from './object-context.ts';
import { markWork } from './work-store.ts';

const later: Carried = { to: 'end', end: { to: 'retry', code: null, waitMs: 250, burn: false } };

/**
 * Changes another object of ours out of turn, because it holds what this one needs and cannot go yet. The other is
 * marked, for it is now off its own way; when it is in flight, this one comes back shortly. When its last call is unclear
 * it is marked too: only its own turn looks at the target, and it may be parked.
 */
export async function carryOutFirst(
  context: ObjectContext,
  claimed: Claimed,
  { object, action }: Extract<Outcome, { kind: 'first' }>,
): Promise<Carried> {
  const key = { integrationId: claimed.integrationId, ...object };
  const others = await context.plan({ integration: context.integration, key });
  // The brake holds what the other would do: it is not touched on another's behalf either.
  if (context.brake.isTripped(key.kind, others.assess().operations)) {
    return { to: 'end', end: { to: 'wait', on: object, code: null } };
  }
  let carried: Carried = later;
  const free = await context.exclusively(key, async () => {
    const isOpen = (await readOpenAttempts(context.db, key)).length > 0;
    if (!isOpen) carried = await carryOut(context, { key, cause: claimed, action, refusedOnce: true, grant: null });
    if (isOpen || carried.to === 'done') await markWork(context.db, { key, lane: claimed.lane, cause: claimed });
  });
  return free ? carried : later;
}
