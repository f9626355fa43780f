import { sleep } from '@orgstream/runtime';
import pg from 'pg';

/** Where a source is read from. */
export interface SourceSlot {
  readonly url: string;
  readonly slot: string;
}

/**
 * WAL committed before the question and not yet acknowledged as published, bytes; 0 = caught up, null = the source or its
 * slot does not answer. The position is taken first and the slot is then given `waitMs` to pass it: so "caught up" means
 * that everything committed before the question is in Kafka.
 */
export async function readSourceLag({ url, slot }: SourceSlot, waitMs: number): Promise<number | null> {
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
      if (lag === 0 || lag === null || performance.now() > deadline) return lag;
      await sleep(20);
    }
  } catch {
    return null;
  } finally {
    await client.end().catch(() => {});
  }
}

async function query(client: pg.Client, slot: string, lsn: string): Promise<number | null> {
  const { rows } = await client.query<{ lag: string }>(
    `select greatest(0, pg_wal_lsn_diff($2::pg_lsn, confirmed_flush_lsn)) as lag
       from pg_replication_slots where slot_name = $1`,
    [slot, lsn],
  );
  return rows[0] ? Number(rows[0].lag) : null;
}
