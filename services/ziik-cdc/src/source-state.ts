import type { AppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { SourceRow } from '@orgstream/ziik-source';

/** A source as somebody runs it: what a runner of an earlier revision has to say is not true any more. */
type Run = Pick<SourceRow, 'name' | 'revision'>;

/** The stream runs: state for status, and from now on the slot is never made by itself again. */
export async function markRunning(db: Knex, { name, revision }: Run): Promise<void> {
  await db.raw(
    `update cdc.source set state = 'running', code = null, message = null, streamed_at = coalesce(streamed_at, now()),
       updated_at = now() where name = ? and revision = ?`,
    [name, revision],
  );
}

/** Stores why a source does not stream; `halted` when it will not by itself. */
export async function markFailed(db: Knex, { name, revision }: Run, error: AppError, halted: boolean): Promise<void> {
  await db.raw(
    `update cdc.source set state = case when ? then 'halted' else state end, code = ?, message = ?, updated_at = now()
      where name = ? and revision = ?`,
    [halted, error.code, error.message, name, revision],
  );
}

/** Where the stream is: identity of the server, and the epoch its LSNs count under. */
export async function storeIdentity(
  db: Knex,
  name: string,
  identity: {
    readonly systemId: string;
    readonly timeline: number;
    readonly epoch: number;
    readonly publishedLsn: number;
  },
): Promise<void> {
  await db.raw(
    `update cdc.source set system_id = ?, timeline = ?, epoch = ?, published_lsn = ?, updated_at = now() where name = ?`,
    [identity.systemId, identity.timeline, identity.epoch, identity.publishedLsn, name],
  );
}

/** From the next session on, what is published stands above everything published before. */
export async function raiseEpoch(db: Knex, name: string, epoch: number): Promise<void> {
  await db.raw(`update cdc.source set epoch = ?, updated_at = now() where name = ? and epoch < ?`, [
    epoch,
    name,
    epoch,
  ]);
}

/** The publication that the slot is read with, from its first stream on. */
export async function storePublication(db: Knex, name: string, oid: number): Promise<void> {
  await db.raw(`update cdc.source set publication_oid = ? where name = ? and publication_oid is null`, [oid, name]);
}

/** Stored before the slot is told. Never goes back. */
export async function storePublished(db: Knex, name: string, lsn: number): Promise<void> {
  await db.raw(`update cdc.source set published_lsn = ? where name = ? and published_lsn < ?`, [lsn, name, lsn]);
}

/** What `orgstream status` shows of the slot. */
export async function storeHealth(
  db: Knex,
  name: string,
  health: { readonly retainedBytes: number; readonly committedAtMs: number | undefined },
): Promise<void> {
  await db.raw(
    `update cdc.source set slot_retained_bytes = ?, committed_at = coalesce(to_timestamp(?::float8), committed_at)
      where name = ?`,
    [
      Math.max(0, Math.round(health.retainedBytes)),
      health.committedAtMs === undefined ? null : health.committedAtMs / 1000,
      name,
    ],
  );
}

/** The source and its snapshots are gone from our side. */
export async function deleteSource(db: Knex, name: string): Promise<void> {
  await db.raw(`delete from cdc.source where name = ?`, [name]);
}
