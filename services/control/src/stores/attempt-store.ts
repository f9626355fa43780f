import type { Attempt } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';
import { iso } from './sql.ts';

export interface AttemptRow extends Pick<
  Attempt,
  'kind' | 'op' | 'state' | 'operations' | 'approved' | 'before' | 'after' | 'status' | 'code'
> {
  readonly id: string;
  readonly object_id: string;
  readonly target_id: string | null;
  readonly cause_epoch: string;
  readonly cause_lsn: string;
  readonly run_id: string | null;
  readonly sent_at: Date;
  readonly finished_at: Date | null;
}

/** Newest first, one more than `limit`. */
export async function listAttemptPage(
  db: Knex,
  options: {
    readonly integration: string;
    readonly kind?: string | undefined;
    readonly id?: string | undefined;
    readonly run?: string | undefined;
    readonly state?: string | undefined;
    readonly code?: string | undefined;
    readonly before?: readonly [no: string] | undefined;
    readonly limit: number;
  },
): Promise<readonly AttemptRow[]> {
  const { rows } = await db.raw<{ rows: AttemptRow[] }>(
    `select id, kind, object_id, op, target_id, state, operations, approved, before, after, cause_epoch, cause_lsn,
            run_id, status, code, sent_at, finished_at
       from sink.attempt
      where integration_id = :integration
        and (cast(:kind as text) is null or kind = :kind)
        and (cast(:id as text) is null or object_id = :id)
        and (cast(:run as text) is null or run_id = cast(:run as text)::uuid)
        and (cast(:state as text) is null or state = :state)
        and (cast(:code as text) is null or code = :code)
        and (cast(:before as text) is null or id < cast(:before as text)::bigint)
      order by id desc limit :limit`,
    {
      integration: options.integration,
      kind: options.kind ?? null,
      id: options.id ?? null,
      run: options.run ?? null,
      state: options.state ?? null,
      code: options.code ?? null,
      before: options.before?.[0] ?? null,
      limit: options.limit + 1,
    },
  );
  return rows;
}

export function toAttempt(row: AttemptRow): Attempt {
  const { kind, op, state, operations, approved, before, after, status, code } = row;
  return {
    no: Number(row.id),
    kind,
    id: row.object_id,
    op,
    targetId: row.target_id === null ? null : Number(row.target_id),
    state,
    operations,
    approved,
    before,
    after,
    cause: { epoch: row.cause_epoch, lsn: row.cause_lsn },
    run: row.run_id,
    status,
    code,
    sentAt: row.sent_at.toISOString(),
    finishedAt: iso(row.finished_at),
  };
}
