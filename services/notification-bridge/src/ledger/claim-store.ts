import type { Knex } from '@orgstream/database';
import { quietSql } from '../tenant/quiet.ts';
import { type LedgerRow, type RawRow, rowColumns, toRow } from './row.ts';

/** Which rows of a channel are looked for. */
export interface Claim {
  readonly integration: string;
  /** Of the lease that asks. */
  readonly token: number;
  /** Receivers that are being served. */
  readonly busy: readonly string[];
  readonly limit: number;
  /** `tests`: quiet mode holds everything else back. `looks`: nothing may be sent, only what is unclear is looked up. */
  readonly what: 'all' | 'tests' | 'looks';
  /** A `sending` row of our own that nobody works on is looked up this long after its POST. */
  readonly settleMs: number;
}

const next = `n.id = (
           select o.id from bridge.notification o
            where o.integration_id = n.integration_id and o.receiver = n.receiver and o.is_test = n.is_test
              and o.ended_at is null
            order by o.id + 0 limit 1)`;

/** Where ripe rows are looked for, so that none is searched for among the others. */
const arms = {
  unclear: `n.state in ('sending', 'unknown')
         and (n.state <> 'sending' or (n.lease_token = :token and n.sending_at < now() - :settleMs * interval '1 ms'))`,
  tests: `n.is_test = true and n.state in ('queued', 'sending', 'unknown') and n.state = 'queued' and ${next}`,
  // Asked again here: who acts on what it knew a moment ago makes conversations that nothing may be said in.
  queue: `n.is_test = false and n.state in ('queued', 'sending', 'unknown') and n.state = 'queued' and ${next}
         and not coalesce((select ${quietSql} from control.channel c where c.integration_id = :integration), false)`,
} as const;

const armsOf: Readonly<Record<Claim['what'], readonly (keyof typeof arms)[]>> = {
  looks: ['unclear'],
  tests: ['unclear', 'tests'],
  all: ['unclear', 'tests', 'queue'],
};

/**
 * Ripe rows of a channel: what is unclear first, then tests, then by age; of each receiver only the oldest that has not
 * ended, so that a receiver gets its messages in order, one at a time. Tests do not queue behind notifications, a look
 * behind nothing. Nothing is changed: only the owner of the tenant's lease asks. The oldest is looked up by the index,
 * row by row: as a join each row was compared with each while Postgres had no statistics of the table yet.
 */
export async function claimRows(db: Knex, { what, ...claim }: Claim): Promise<readonly LedgerRow[]> {
  const queries = armsOf[what].map(
    (arm) => `(select ${rowColumns} from bridge.notification n
       where n.integration_id = :integration and n.next_at <= now() and n.receiver <> all(cast(:busy as text[]))
         and ${arms[arm]}
       order by n.next_at, n.id limit :limit)`,
  );
  const { rows } = await db.raw<{ rows: RawRow[] }>(
    `select * from (${queries.join(' union all ')}) as ripe limit :limit`,
    {
      ...claim,
      busy: [...claim.busy],
    },
  );
  return rows.map(toRow);
}

/**
 * What the former owner of a tenant left in `sending` may have been sent, and its last call may still be under way: it
 * is `unknown`, to be looked up once that call has surely ended. Returns how many rows there were.
 */
export async function takeOver(
  db: Knex,
  lease: { readonly tenant: string; readonly token: number; readonly settleMs: number },
): Promise<number> {
  const { rows } = await db.raw<{ rows: { n: string }[] }>(
    `with owner as materialized (
       select from bridge.tenant where tenant = :tenant and lease_token = :token for share),
     left_behind as (
       update bridge.notification n
          set state = 'unknown', code = 'DELIVERY_UNKNOWN', next_at = now() + :settleMs * interval '1 ms'
        where n.tenant = :tenant and n.state = 'sending' and n.lease_token < :token and exists (select from owner)
        returning 1)
     select count(*) as n from left_behind`,
    { ...lease },
  );
  return Number(rows[0]!.n);
}
