import { backoffMs, sleep } from '@orgstream/runtime';
import { qualified, quoteIdentifier, translateSourceError } from '@orgstream/ziik-source';
import type pg from 'pg';
import type { Reread } from './change-reader.ts';
import { isInvisible, parsePgSnapshot } from './xids.ts';

/**
 * Reads columns of a row by its key, not before the transaction that changed it is visible: with synchronous
 * replication it may be streamed while a SELECT still sees the row as it was (facts §5).
 */
export function createReread(client: pg.Client, signal: AbortSignal): Reread {
  return async (table, key, columns, xid) => {
    const statement = `select pg_current_snapshot()::text as snapshot, (
        select array[${columns.map((column) => `${quoteIdentifier(column)}::text`).join(', ')}]
          from ${qualified(table)} where ${quoteIdentifier(table.tenantColumn)} = $1 and ${quoteIdentifier(table.idColumn)} = $2
      ) as found`;
    for (let attempt = 1; ; attempt += 1) {
      const { rows } = await client
        .query<{ snapshot: string; found: (string | null)[] | null }>(statement, [key.siteId, key.id])
        .catch((error: unknown) => {
          throw translateSourceError(error, `reading ${qualified(table)} again`);
        });
      const { snapshot, found } = rows[0]!;
      if (!isInvisible(parsePgSnapshot(snapshot), xid) || signal.aborted) return found ?? undefined;
      await sleep(backoffMs(attempt, { baseMs: 10, capMs: 1_000 }), signal);
    }
  };
}
