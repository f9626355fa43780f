import { AppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';

/**
 * A burnt one is remembered this much longer than it is good for, and nothing older can be burnt: both by the clock of
 * Postgres, so that a replica whose own clock is wrong cannot take what has been forgotten for new.
 */
const keptS = 600;

/**
 * Burns an assertion's id: once for ever, across all replicas. Throws ASSERTION_USED the second time. To be called
 * before anything is answered; who is refused afterwards has used it up all the same.
 */
export async function burnJti(
  db: Knex,
  { iss, jti, expiresAt }: { readonly iss: string; readonly jti: string; readonly expiresAt: Date },
): Promise<void> {
  const { rows } = await db.raw<{ rows: { burnt: boolean; stale: boolean }[] }>(
    `with fit as (select cast(:expiresAt as timestamptz) > now() - :keptS * interval '1 s' as yes),
     burnt as (
       insert into edge.used_jti (iss, jti, expires_at) select :iss, :jti, :expiresAt from fit where yes
       on conflict do nothing returning 1)
     select exists (select from burnt) as burnt, not yes as stale from fit`,
    { iss, jti, expiresAt: expiresAt.toISOString(), keptS },
  );
  if (rows[0]!.burnt) return;
  if (rows[0]!.stale) throw new AppError('ASSERTION_INVALID', 'using an assertion: it expired long ago', { reason: 'expired' }); // prettier-ignore
  throw new AppError('ASSERTION_USED', 'using an assertion: it was used before');
}

/** Forgets burnt ids that could not be used any more anyhow; returns how many. */
export async function forgetJtis(db: Knex): Promise<number> {
  const { rows } = await db.raw<{ rows: { count: number }[] }>(
    `with gone as (delete from edge.used_jti where expires_at <= now() - ? * interval '1 s' returning 1)
     select count(*)::int as count from gone`,
    [keptS],
  );
  return rows[0]!.count;
}
