import type { Knex } from '@orgstream/database';
import { query } from '../ingest/query.ts';

/** How far a replay has come. */
export interface ReplayProgress {
  /** Records of the topic at the start, in the partitions read. */
  readonly total: number;
  readonly records: number;
  /** Rows that changed: 0 = the replica was as the topic says. */
  readonly changed: number;
  readonly marked: number;
}

export async function startRun(db: Knex, tenant: string | null, progress: ReplayProgress): Promise<string> {
  const rows = await query<{ id: string }>(
    db,
    `insert into sink.run (kind, tenant, state, progress) values ('replay', ?, 'applying', ?) returning id`,
    [tenant, JSON.stringify(progress)],
  );
  return rows[0]!.id;
}

export async function updateRun(
  db: Knex,
  id: string,
  run: {
    readonly state: 'applying' | 'done' | 'failed';
    readonly progress: ReplayProgress;
    readonly code?: string;
    readonly message?: string;
  },
): Promise<void> {
  await query(
    db,
    `update sink.run set state = ?, progress = ?, code = ?, message = ?, updated_at = now() where id = ?`,
    [run.state, JSON.stringify(run.progress), run.code ?? null, run.message ?? null, id],
  );
}
