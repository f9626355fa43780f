import type { Knex } from '@orgstream/database';
import type { ErrorCode, Operation } from '@orgstream/core';
import type { Claimed, WorkKey } from './keys.ts';

/** A call about to be made. */
export interface AttemptStart {
  readonly key: WorkKey;
  readonly op: string;
  readonly targetId: number | null;
  readonly after: unknown;
  readonly cause: Claimed;
  /** Of the integration, when the call was planned. */
  readonly generation: number;
  /** What its object gets as a whole; empty = nothing that the brake would count. */
  readonly operations: readonly Operation[];
  /** An operator approved it: no window counts it. */
  readonly approved: boolean;
}

/** Why no attempt was written; nothing may be sent then. */
export type Refusal = 'lease_lost' | 'disabled';

/**
 * Writes many attempts in the one transaction that checks the lease token, the stop button and, of each integration, that
 * it is enabled, not paused, and of the generation the call was planned with. Their rows are locked against change until
 * the commit: once `disable` or a stop has committed, no attempt can follow. Nor of an object whose work was put into lane
 * gap meanwhile: its run was paused or cancelled. Answers in the order of `starts`: the attempt's id, or why there is none.
 */
export async function openAttempts(
  db: Knex,
  batch: { readonly platform: string; readonly token: number; readonly starts: readonly AttemptStart[] },
): Promise<readonly (number | Refusal)[]> {
  const rowsIn = batch.starts.map((start) => ({
    integration_id: start.key.integrationId,
    kind: start.key.kind,
    object_id: start.key.id,
    op: start.op,
    target_id: start.targetId,
    after: start.after ?? null,
    cause_epoch: start.cause.causeEpoch,
    cause_lsn: start.cause.causeLsn,
    generation: start.generation,
    run_id: start.cause.standing.runId,
    operations: start.operations,
    approved: start.approved,
  }));
  const { rows } = await db.raw<{ rows: (WorkKeyRow & { attempt: string | null; held: boolean })[] }>(
    `with lease as materialized (
       select lease_token from sink.platform
        where id = :platform and lease_token = :token and lease_until > now() for share),
     a as materialized (
       select * from jsonb_to_recordset(cast(:starts as jsonb)) as r (integration_id uuid, kind text, object_id text,
         op text, target_id bigint, after jsonb, cause_epoch bigint, cause_lsn bigint, generation int,
         run_id uuid, operations text[], approved boolean)),
     stop as materialized (select stopped from control.stop for share),
     allowed as materialized (
       select i.id, i.tenant, i.generation from control.integration i
        where i.id in (select integration_id from a) and i.enabled and not i.paused and not i.shadow and i.product = 'sync'
          and not exists (select from stop where stopped)
        order by i.id for share),
     written as (
       insert into sink.attempt (integration_id, kind, object_id, op, target_id, before, after, cause_epoch, cause_lsn, lease_token,
         run_id, operations, approved)
       select a.integration_id, a.kind, a.object_id, a.op, a.target_id, l.applied, a.after, a.cause_epoch, a.cause_lsn, lease.lease_token,
              a.run_id, coalesce(a.operations, '{}'), coalesce(a.approved, false)
         from a
         join allowed on allowed.id = a.integration_id and allowed.generation = a.generation
        cross join lease
         left join sink.link l on (l.integration_id, l.kind, l.id) = (a.integration_id, a.kind, a.object_id)
         left join lateral (
           select w.lane from sink.work w where (w.integration_id, w.kind, w.id) = (a.integration_id, a.kind, a.object_id) limit 1) k on true
        where not exists (select from sink.erased e where e.tenant = allowed.tenant and a.kind = 'person' and e.person_id = a.object_id)
          and k.lane is distinct from 3
        returning id, integration_id, kind, object_id)
     select a.integration_id, a.kind, a.object_id, w.id as attempt, exists (select from lease) as held
       from a left join written w using (integration_id, kind, object_id)`,
    { platform: batch.platform, token: batch.token, starts: JSON.stringify(rowsIn) },
  );
  const ids = new Map(rows.map((row) => [`${row.integration_id}/${row.kind}/${row.object_id}`, row.attempt]));
  const refusal: Refusal = rows[0]?.held === true ? 'disabled' : 'lease_lost';
  return batch.starts.map(({ key }) => {
    const id = ids.get(`${key.integrationId}/${key.kind}/${key.id}`);
    return id == null ? refusal : Number(id);
  });
}

interface WorkKeyRow {
  readonly integration_id: string;
  readonly kind: string;
  readonly object_id: string;
}

/** How a call ended. */
export interface AttemptEnd {
  readonly attemptId: number;
  /** unknown = it may have happened: looked up before anything else of that object. */
  readonly state: 'done' | 'failed' | 'unknown';
  readonly status: number | null;
  readonly code: ErrorCode | null;
}

/** `put`: the link row as it now is; `remove`: the object is gone. */
export type LinkChange =
  | {
      readonly change: 'put';
      readonly targetId: number;
      /** null = as the link row has it already. */
      readonly madeByUs: boolean | null;
      readonly isTop: boolean;
      readonly applied: unknown;
    }
  | { readonly change: 'remove' };

export const attemptEndColumns = `(integration_id uuid, kind text, id text, attempt_id bigint, state text, status int,
  code text, change text, target_id bigint, made_by_us boolean, is_top boolean, applied jsonb,
  cause_epoch bigint, cause_lsn bigint)`;

/** Attempts of an object that were never known to have ended, oldest first. */
export interface OpenAttempt {
  readonly id: number;
  readonly op: string;
  readonly targetId: number | null;
  readonly after: unknown;
}

export async function readOpenAttempts(db: Knex, key: WorkKey): Promise<readonly OpenAttempt[]> {
  const { rows } = await db.raw<{ rows: { id: string; op: string; target_id: string | null; after: unknown }[] }>(
    `select id, op, target_id, after from sink.attempt
      where integration_id = :integrationId and kind = :kind and object_id = :id and state in ('sent', 'unknown')
      order by id`,
    { ...key },
  );
  return rows.map(({ id, op, target_id, after }) => ({
    id: Number(id),
    op,
    targetId: target_id === null ? null : Number(target_id),
    after,
  }));
}

/** Closes open attempts once the target was looked at. */
export async function closeAttempts(
  db: Knex,
  close: { readonly ids: readonly number[]; readonly state: 'done' | 'failed'; readonly code: ErrorCode | null },
): Promise<void> {
  await db.raw(
    `update sink.attempt set state = :state, code = coalesce(:code, code), finished_at = now()
      where id = any(cast(:ids as bigint[])) and state in ('sent', 'unknown')`,
    { ids: [...close.ids], state: close.state, code: close.code },
  );
}
