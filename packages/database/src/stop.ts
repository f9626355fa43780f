import type { Knex } from 'knex';

/** The stop button. */
export interface StopRow {
  readonly stopped: boolean;
  readonly reason: string | null;
  readonly changed_by: string | null;
  readonly changed_at: Date;
}

export async function readStop(db: Knex): Promise<StopRow> {
  const { rows } = await db.raw<{ rows: StopRow[] }>(
    `select stopped, reason, changed_by, changed_at from control.stop`,
  );
  return rows[0]!;
}

/** Presses or releases it; the sinks are told at once, and look with each attempt they open anyway. */
export async function setStop(
  db: Knex,
  stop: { readonly stopped: boolean; readonly reason: string | null; readonly by: string },
): Promise<StopRow> {
  const { rows } = await db.raw<{ rows: StopRow[] }>(
    `update control.stop set stopped = :stopped, reason = :reason, changed_by = :by, changed_at = now()
     returning stopped, reason, changed_by, changed_at, pg_notify('orgstream_integration', '')`,
    stop,
  );
  const { stopped, reason, changed_by, changed_at } = rows[0]!;
  return { stopped, reason, changed_by, changed_at };
}
