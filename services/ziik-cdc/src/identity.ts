import { formatLsn, nextEpoch, parseLsn } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import { readSlot, translateSourceError, type SourceMapping, type SourceRow } from '@orgstream/ziik-source';
import type pg from 'pg';
import { requestAll } from './request-all.ts';
import { storeIdentity } from './source-state.ts';

/**
 * Finds out whether the source's LSNs are still comparable with what was published: same system, same timeline, not
 * behind. If not, the epoch rises and every tenant is snapshotted again.
 */
export async function settleIdentity(options: {
  readonly sql: pg.Client;
  readonly replication: pg.Client;
  readonly row: SourceRow;
  readonly mapping: SourceMapping;
  readonly db: Knex;
  readonly log: Logger;
}): Promise<{ readonly epoch: number; readonly publishedLsn: number }> {
  const { sql, replication, row, mapping, db, log } = options;
  const { rows } = await replication
    .query<{ systemid: string; timeline: number | string; xlogpos: string }>('IDENTIFY_SYSTEM')
    .catch((error: unknown) => {
      throw translateSourceError(error, 'identifying the source');
    });
  const { systemid, xlogpos } = rows[0]!;
  const timeline = Number(rows[0]!.timeline); // int4 before PostgreSQL 15, int8 since
  const unchanged = row.systemId === systemid && row.timeline === timeline;
  if (unchanged && parseLsn(xlogpos) >= row.publishedLsn) return row;
  const first = row.systemId === null;
  const slot = await readSlot(sql, row.slot);
  const confirmed = parseLsn(slot?.confirmedFlushLsn ?? '0/0');
  const settled = first
    ? { epoch: row.epoch, publishedLsn: row.publishedLsn }
    : { epoch: nextEpoch(row.epoch, Date.now()), publishedLsn: confirmed };
  if (!first) {
    log.warn({ timeline, lsn: formatLsn(confirmed), epoch: settled.epoch }, 'source is another one: new epoch');
    // Before the epoch is stored: a crash in between asks twice, never not at all.
    await requestAll({ db, client: sql, source: row.name, mapping, reason: 'epoch', commandId: null });
  }
  await storeIdentity(db, row.name, { systemId: systemid, timeline, ...settled });
  return settled;
}
