import type { ErrorCode, SnapshotChunk } from '@orgstream/core';
import type { Knex } from '@orgstream/database';

/** Where a snapshot goes on after a crash. */
export interface SnapshotCursor {
  /** Index into the mapping. */
  readonly table: number;
  /** Last id read; null = from the beginning. */
  readonly afterId: number | null;
  /** Number of the next chunk. */
  readonly nextChunk: number;
}

/** A snapshot of one tenant. */
export interface SnapshotRow {
  readonly id: string;
  readonly tenant: string;
  readonly siteId: number;
  readonly epoch: number | null;
  readonly startLsn: number | null;
  readonly cursor: SnapshotCursor | null;
  readonly chunks: readonly SnapshotChunk[];
}

interface Raw {
  readonly id: string;
  readonly tenant: string;
  readonly site_id: string;
  readonly epoch: string | null;
  readonly start_lsn: string | null;
  readonly cursor: SnapshotCursor | null;
  readonly chunks: SnapshotChunk[];
}

/**
 * Asks for snapshots of tenants; asked twice by the same command, it is one. Asked for by ourselves (no command), a
 * request of ours that has not begun is enough: it will begin after what made us ask.
 */
export async function requestSnapshots(
  db: Knex,
  request: {
    readonly source: string;
    readonly tenants: readonly { readonly tenant: string; readonly siteId: string }[];
    readonly reason: string;
    readonly commandId: number | null;
  },
): Promise<void> {
  await db.raw(
    `insert into cdc.snapshot (source, tenant, site_id, reason, command_id)
     select ?, t.tenant, t.site_id, ?, ?::bigint from unnest(?::text[], ?::bigint[]) as t (tenant, site_id)
      where ?::bigint is not null or not exists (
        select from cdc.snapshot s
         where s.source = ? and s.tenant = t.tenant and s.state = 'requested' and s.command_id is null)
     on conflict (command_id, tenant) do nothing`,
    [
      request.source,
      request.reason,
      request.commandId,
      request.tenants.map(({ tenant }) => tenant),
      request.tenants.map(({ siteId }) => siteId),
      request.commandId,
      request.source,
    ],
  );
}

/** The snapshot to work on: one already begun, else the oldest request. */
export async function nextSnapshot(db: Knex, source: string): Promise<SnapshotRow | undefined> {
  const { rows } = await db.raw<{ rows: Raw[] }>(
    `select id, tenant, site_id, epoch, start_lsn, cursor, chunks from cdc.snapshot
      where source = ? and state in ('running', 'requested')
      order by state = 'running' desc, requested_at, site_id, id limit 1`,
    [source],
  );
  const raw = rows[0];
  return (
    raw && {
      id: raw.id,
      tenant: raw.tenant,
      siteId: Number(raw.site_id),
      epoch: raw.epoch === null ? null : Number(raw.epoch),
      startLsn: raw.start_lsn === null ? null : Number(raw.start_lsn),
      cursor: raw.cursor,
      chunks: raw.chunks,
    }
  );
}

/** Begins a snapshot, or begins it again under a new id: what an older epoch has sent does not count. */
export async function beginSnapshot(db: Knex, id: string, epoch: number): Promise<string> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `update cdc.snapshot set id = case when epoch is null then id else gen_random_uuid() end, epoch = ?,
       state = 'running', cursor = ?, chunks = '[]', rows_sent = 0, start_lsn = null, started_at = now()
      where id = ? returning id`,
    [epoch, JSON.stringify({ table: 0, afterId: null, nextChunk: 1 } satisfies SnapshotCursor), id],
  );
  return rows[0]!.id;
}

/** Stores that everything before `cursor` is in Kafka. */
export async function advanceSnapshot(
  db: Knex,
  id: string,
  progress: { readonly cursor: SnapshotCursor; readonly startLsn: number; readonly chunks: readonly SnapshotChunk[] },
): Promise<void> {
  await db.raw(
    `update cdc.snapshot set cursor = ?, start_lsn = ?, chunks = chunks || ?::jsonb, rows_sent = rows_sent + ?
      where id = ?`,
    [
      JSON.stringify(progress.cursor),
      progress.startLsn,
      JSON.stringify(progress.chunks),
      progress.chunks.reduce((sum, { rows }) => sum + rows, 0),
      id,
    ],
  );
}

export async function endSnapshot(
  db: Knex,
  id: string,
  failure?: { readonly code: ErrorCode; readonly message: string },
): Promise<void> {
  await db.raw(`update cdc.snapshot set state = ?, code = ?, message = ?, finished_at = now() where id = ?`, [
    failure ? 'failed' : 'done',
    failure?.code ?? null,
    failure?.message ?? null,
    id,
  ]);
}

/** How far the snapshots of a command are. */
export interface CommandProgress {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly rows: number;
  readonly code: ErrorCode | null;
  readonly message: string | null;
}

export async function commandProgress(db: Knex, commandId: number): Promise<CommandProgress> {
  const { rows } = await db.raw<{ rows: CommandProgress[] }>(
    `select count(*)::int as total, count(*) filter (where state = 'done')::int as done,
            count(*) filter (where state = 'failed')::int as failed, coalesce(sum(rows_sent), 0)::float8 as rows,
            min(code) as code, min(message) as message
       from cdc.snapshot where command_id = ?`,
    [commandId],
  );
  return rows[0]!;
}
