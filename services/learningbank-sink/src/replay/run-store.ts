import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { query } from '../ingest/query.ts';

/** How far a replay has come; `sink.run.progress`. */
export interface ReplayProgress {
  /** Records read. */
  readonly done: number;
  /** Records of the topic at the start, in the partitions and from the time asked for. */
  readonly total: number;
  /** A replay makes none: what it finds to be wrong is applied by runs of its integrations. */
  readonly calls: 0;
  readonly perSecond: number;
  readonly etaSeconds: number | null;
  /** Rows that changed: 0 = the replica was as the topic says. */
  readonly changed: number;
  readonly marked: number;
}

/** The run of a replay: a new one, or the one that a process which is gone has begun for the same command. */
export async function startRun(
  db: Knex,
  run: {
    readonly id: string | null;
    readonly tenant: string | null;
    readonly from: string | null;
    readonly by: string | null;
  },
): Promise<string> {
  const rows = await query<{ id: string }>(
    db,
    `insert into sink.run as r (id, kind, tenant, scope, state, requested_by, started_at)
     values (coalesce(?::uuid, gen_random_uuid()), 'replay', ?, ?, 'applying', ?, now())
     on conflict (id) do update set state = 'applying', updated_at = now() returning id`,
    [run.id, run.tenant, JSON.stringify({ all: true, ...(run.from === null ? {} : { from: run.from }) }), run.by],
  );
  return rows[0]!.id;
}

export async function updateRun(
  db: Knex,
  id: string,
  run: {
    readonly state: 'applying' | 'done' | 'failed';
    readonly progress: ReplayProgress;
    readonly code?: ErrorCode;
    readonly message?: string;
  },
): Promise<void> {
  await query(
    db,
    `update sink.run set state = ?, progress = ?, code = ?, message = ?, updated_at = now(),
            finished_at = case when ? = 'applying' then null else now() end
      where id = ?`,
    [run.state, JSON.stringify(run.progress), run.code ?? null, run.message ?? null, run.state, id],
  );
}

/** Whether facts of the tenant are kept at all. */
export async function hasIntegration(db: Knex, tenant: string): Promise<boolean> {
  return (await query(db, `select from control.integration where tenant = ? limit 1`, [tenant])).length > 0;
}

/** Gives a command back that a stopping process leaves undone: the next one need not wait until it is stale. */
export async function giveBack(db: Knex, commandId: number): Promise<void> {
  await query(db, `update control.command set state = 'new', updated_at = now() where id = ? and state = 'running'`, [
    commandId,
  ]);
}
