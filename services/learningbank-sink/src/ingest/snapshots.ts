import { parseTenantKey, type directory } from '@orgstream/core';
import { insertCommand, type Knex } from '@orgstream/database';
import type { Change } from './change.ts';
import type { History } from './offset-store.ts';
import { countSeen, sweep, type SweepStart } from './sweep.ts';
import { query } from './query.ts';

/** A tenant without any proved snapshot asks again this often before it waits for an operator. */
const MAX_UNPROVED = 3;

/** What a marker led to. `ready`: the tenant has a proved snapshot now, its integrations may begin. */
export interface MarkerOutcome {
  readonly changes: readonly Change[];
  readonly state?: 'proved' | 'counted' | 'unproved';
  readonly detail?: unknown;
}

interface Marker {
  readonly marker: directory.SnapshotMarker;
  readonly offset: number;
  readonly partition: number;
  readonly history: History;
}

/**
 * A snapshot's start is noted; its end is judged: **proved** = start seen, and per listed chunk as many distinct rows met
 * as it says. Then whatever it has not seen is swept, in the same transaction. Unproved removes nobody. Markers that
 * come again (the source resumed) change nothing.
 */
export async function applyMarker(tx: Knex, met: Marker): Promise<MarkerOutcome> {
  if (met.marker.phase === 'start') await startSnapshot(tx, met);
  return met.marker.phase === 'end' ? endSnapshot(tx, met) : { changes: [] };
}

/**
 * Rows of a newer snapshot overwrite the sightings of an older one, which can therefore no longer be proved. The start of an
 * older one may come again (the normalizer goes back, the tenant was added again): it supersedes nothing.
 */
async function startSnapshot(tx: Knex, { marker, offset, partition }: Marker): Promise<void> {
  const { tenant, snapshotId, position } = marker;
  const rows = await query<unknown>(
    tx,
    `insert into sink.snapshot (tenant, snapshot_id, epoch, lsn, seq, partition, start_offset, state)
     select p.*, case when exists (select from sink.snapshot n
                                    where n.tenant = p.tenant and n.state in ('started', 'counted', 'proved')
                                      and (n.epoch, n.lsn, n.seq) > (p.epoch, p.lsn, p.seq))
                      then 'superseded' else 'started' end
       from (values (?::text, ?::text, ?::bigint, ?::bigint, ?::int, ?::int, ?::bigint))
         as p(tenant, snapshot_id, epoch, lsn, seq, partition, start_offset)
     on conflict do nothing returning tenant`,
    [tenant, snapshotId, position.epoch, position.lsn, position.seq, partition, offset],
  );
  if (rows.length === 0) return;
  await query(
    tx,
    `update sink.snapshot set state = 'superseded', ended_at = now()
      where tenant = ? and state = 'started' and snapshot_id <> ? and (epoch, lsn, seq) <= (?, ?, ?)`,
    [tenant, snapshotId, position.epoch, position.lsn, position.seq],
  );
}

async function endSnapshot(tx: Knex, met: Marker): Promise<MarkerOutcome> {
  const { tenant, snapshotId, chunks, committedAtMs } = met.marker;
  const found = await findSnapshot(tx, tenant, snapshotId);
  if (found && found.state !== 'started') return { changes: [] };
  if (!found) {
    await startSnapshot(tx, met);
    return settle(tx, met.marker, 'unproved', { reason: 'START_NOT_SEEN' });
  }
  const missing = await missingChunks(tx, met.marker);
  if (missing.length > 0) {
    const detail = { reason: 'ROWS_MISSING', chunks: missing.length, first: missing.slice(0, 20) };
    return settle(tx, met.marker, 'unproved', detail);
  }
  const changes = await sweep(tx, found, committedAtMs, chunks);
  const state = met.history === 'behind' ? 'proved' : 'counted';
  return { ...(await settle(tx, met.marker, state, { swept: changes.length })), changes };
}

async function missingChunks(tx: Knex, marker: directory.SnapshotMarker): Promise<readonly unknown[]> {
  const met = await countSeen(tx, marker.tenant, marker.snapshotId);
  return marker.chunks
    .map(({ no, kind, rows }) => ({ no, kind, rows, met: met.get(`${kind}/${no}`) ?? 0 }))
    .filter((chunk) => chunk.met !== chunk.rows);
}

async function settle(
  tx: Knex,
  { tenant, snapshotId, chunks }: directory.SnapshotMarker,
  state: 'proved' | 'counted' | 'unproved',
  detail: unknown,
): Promise<MarkerOutcome> {
  await query(
    tx,
    `update sink.snapshot set state = ?, chunks = ?, detail = ?, ended_at = now() where tenant = ? and snapshot_id = ?`,
    [state, JSON.stringify(chunks), JSON.stringify(detail), tenant, snapshotId],
  );
  if (state === 'unproved') await askAgain(tx, tenant, 'unproved');
  return { changes: [], state, detail };
}

async function findSnapshot(
  tx: Knex,
  tenant: string,
  snapshotId: string,
): Promise<(SweepStart & { readonly state: string }) | undefined> {
  const rows = await query<{ epoch: string; lsn: string; seq: number; start_offset: string; state: string }>(
    tx,
    `select epoch, lsn, seq, start_offset, state from sink.snapshot where tenant = ? and snapshot_id = ? for update`,
    [tenant, snapshotId],
  );
  const row = rows[0];
  return (
    row && {
      tenant,
      snapshotId,
      epoch: Number(row.epoch),
      lsn: Number(row.lsn),
      seq: row.seq,
      offset: Number(row.start_offset),
      state: row.state,
    }
  );
}

/**
 * Called once a partition has passed the history that was in the log when it was first assigned. A counted snapshot is
 * proved now, unless a later one did not hold: compaction may have taken the rows that the later one's sweep went by,
 * so the replica may still show people who left. Such tenants ask for a fresh snapshot, and send nothing before it.
 * Returns the tenants that have become ready.
 */
export async function proveHistory(tx: Knex, partition: number): Promise<readonly string[]> {
  const rows = await query<{ tenant: string; state: string }>(
    tx,
    `update sink.snapshot s
        set state = case when exists (select from sink.snapshot n
                                       where n.tenant = s.tenant and n.state = 'unproved' and n.start_offset > s.start_offset)
                         then 'superseded' else 'proved' end
      where s.partition = ? and s.state = 'counted'
     returning s.tenant, s.state`,
    [partition],
  );
  const ready = new Set(rows.filter((row) => row.state === 'proved').map((row) => row.tenant));
  for (const { tenant } of rows) if (!ready.has(tenant)) await askAgain(tx, tenant, 'rebuild');
  return [...ready];
}

/** Asks ziik-cdc for another snapshot where the tenant has none to go by. */
async function askAgain(tx: Knex, tenant: string, reason: 'unproved' | 'rebuild'): Promise<void> {
  const key = parseTenantKey(tenant);
  const rows = await query<{ proved: string; unproved: string }>(
    tx,
    `select count(*) filter (where state in ('proved', 'counted', 'started')) as proved,
            count(*) filter (where state = 'unproved') as unproved from sink.snapshot where tenant = ?`,
    [tenant],
  );
  const { proved, unproved } = rows[0]!;
  if (!key || Number(proved) > 0 || (reason === 'unproved' && Number(unproved) > MAX_UNPROVED)) return;
  await insertCommand(tx, {
    addressee: 'ziik-cdc',
    kind: 'snapshot',
    payload: { source: key.source, tenant, reason },
  });
}
