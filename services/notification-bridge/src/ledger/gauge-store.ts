import type { Knex } from '@orgstream/database';
import type { LedgerGauges } from '../metrics.ts';
import { quietSql } from '../tenant/quiet.ts';

/** Reads what the gauges of the ledger show; one look at the rows that have not ended. */
export async function readGauges(db: Knex): Promise<LedgerGauges> {
  const { rows } = await db.raw<{
    rows: { quiet: boolean; open: string; waiting: string; oldest_ms: string | null }[];
  }>(
    `with open as (
       select integration_id, count(*) as open, count(*) filter (where state = 'queued' and not is_test) as waiting,
              extract(epoch from now() - min(received_at)) * 1000 as oldest_ms
         from bridge.notification where state in ('queued', 'sending', 'unknown') group by 1)
     select coalesce(${quietSql}, false) as quiet, sum(open) as open, sum(waiting) as waiting, max(oldest_ms) as oldest_ms
       from open left join control.channel c on c.integration_id = open.integration_id group by 1`,
  );
  const { rows: stopped } = await db.raw<{ rows: { code: string; n: string }[] }>(
    `select coalesce(s.code, 'UNEXPECTED') as code, count(*) as n from bridge.channel_state s
       join control.channel c on c.integration_id = s.integration_id and c.enabled
      where s.state = 'stopped' group by 1`,
  );
  const sum = (of: readonly string[]): number => of.reduce((total, n) => total + Number(n), 0);
  return {
    queued: sum(rows.map(({ open }) => open)),
    held: sum(rows.filter(({ quiet }) => quiet).map(({ waiting }) => waiting)),
    oldestQueuedMs: Math.max(0, ...rows.filter(({ quiet }) => !quiet).map(({ oldest_ms }) => Number(oldest_ms ?? 0))),
    stopped: new Map(stopped.map(({ code, n }) => [code, Number(n)])),
  };
}
