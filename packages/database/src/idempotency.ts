import type { Knex } from 'knex';

/** A request under a key of its sender: `new` = go on, `done` = answer this again, `other` = the key was used for another request, `busy` = it is under way. */
export type Reservation =
  | { readonly state: 'new' | 'other' | 'busy' }
  | { readonly state: 'done'; readonly status: number; readonly response: unknown };

interface Key {
  readonly tokenId: string;
  readonly key: string;
}

/** A request without an answer for this long died with its process, and may be made again. */
const STALE_SECONDS = 60;

/** Reserves the key for a request; of two at once, one is `new`. */
export async function reserveKey(db: Knex, request: Key & { readonly hash: Buffer }): Promise<Reservation> {
  const { rows: taken } = await db.raw<{ rows: unknown[] }>(
    `insert into control.idempotency as i (token_id, key, request_hash) values (:tokenId, :key, :hash)
     on conflict (token_id, key) do update set created_at = now()
       where i.status is null and i.request_hash = :hash and i.created_at < now() - :stale * interval '1 second'
     returning i.key`,
    { ...request, stale: STALE_SECONDS },
  );
  if (taken.length > 0) return { state: 'new' };
  const { rows } = await db.raw<{ rows: { request_hash: Buffer; status: number | null; response: unknown }[] }>(
    `select request_hash, status, response from control.idempotency where token_id = :tokenId and key = :key`,
    { tokenId: request.tokenId, key: request.key },
  );
  const row = rows[0];
  if (!row) return reserveKey(db, request);
  if (!row.request_hash.equals(request.hash)) return { state: 'other' };
  return row.status === null ? { state: 'busy' } : { state: 'done', status: row.status, response: row.response };
}

/** Keeps the answer for repetitions. */
export async function storeAnswer(
  db: Knex,
  answer: Key & { readonly status: number; readonly response: unknown },
): Promise<void> {
  await db.raw(
    `update control.idempotency set status = :status, response = :response where token_id = :tokenId and key = :key`,
    { ...answer, response: JSON.stringify(answer.response ?? null) },
  );
}

/** Lets go of a key whose request had no effect: it may be tried again. */
export async function releaseKey(db: Knex, key: Key): Promise<void> {
  await db.raw(`delete from control.idempotency where token_id = :tokenId and key = :key and status is null`, {
    tokenId: key.tokenId,
    key: key.key,
  });
}

/** Forgets answers older than a day. */
export async function forgetAnswers(db: Knex): Promise<void> {
  await db.raw(`delete from control.idempotency where created_at < now() - interval '1 day'`);
}
