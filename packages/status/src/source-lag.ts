import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

export interface SourceLag {
  /** WAL that the slot keeps the source from removing, bytes; null when the source or its slot does not answer. */
  readonly retainedWalBytes: number | null;
  /** WAL committed before the question and not yet acknowledged as published, bytes; 0 = caught up. */
  readonly lagBytes: number | null;
}

const unknown: SourceLag = { retainedWalBytes: null, lagBytes: null };

/**
 * How far the slot is behind the moment of the question. The position is taken first and the slot is then given
 * `waitMs` to pass it: so "caught up" means that everything committed before the question is in Kafka.
 */
export async function readSourceLag(url: string, slot: string, waitMs: number): Promise<SourceLag> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000, query_timeout: 3_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const asked = await client.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
    // A word in the stream after that position: an idle slot learns by it that nothing came before. Not needed, only quick.
    await client.query(`select pg_logical_emit_message(true, 'orgstream', 'status')`).catch(() => {});
    const deadline = performance.now() + waitMs;
    for (;;) {
      const lag = await query(client, slot, asked.rows[0]!.lsn);
      if (lag.lagBytes === 0 || lag.lagBytes === null || performance.now() > deadline) return lag;
      await delay(20);
    }
  } catch {
    return unknown;
  } finally {
    await client.end().catch(() => {});
  }
}

async function query(client: pg.Client, slot: string, lsn: string): Promise<SourceLag> {
  const { rows } = await client.query<{ retained: string; lag: string }>(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) as retained,
            greatest(0, pg_wal_lsn_diff($2::pg_lsn, confirmed_flush_lsn)) as lag
       from pg_replication_slots where slot_name = $1`,
    [slot, lsn],
  );
  return rows[0] ? { retainedWalBytes: Number(rows[0].retained), lagBytes: Number(rows[0].lag) } : unknown;
}
