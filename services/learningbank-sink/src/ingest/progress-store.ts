import type { Knex } from '@orgstream/database';
import { isLater } from './collate.ts';
import type { At } from './fact.ts';
import { noProgress, type Progress } from './marks.ts';
import { query } from './query.ts';

/**
 * Tenants among `tenants` that have an integration, with their progress. The integrations stay locked against removal
 * until the transaction ends: so the erasing of a tenant's replica comes after every fact that was let in.
 */
export async function readScope(tx: Knex, tenants: ReadonlySet<string>): Promise<ReadonlyMap<string, Progress>> {
  if (tenants.size === 0) return new Map();
  const rows = await query<{
    tenant: string;
    passed_epoch: string | null;
    passed_lsn: string;
    tx_epoch: string;
    tx_lsn: string;
    tx_objects: number;
  }>(
    tx,
    `select i.tenant, p.passed_epoch, p.passed_lsn, p.tx_epoch, p.tx_lsn, p.tx_objects
       from control.integration i left join sink.ingest_progress p on p.tenant = i.tenant
      where i.tenant = any(?::text[]) for key share of i`,
    [[...tenants]],
  );
  return new Map(
    rows.map((row) => [
      row.tenant,
      row.passed_epoch === null
        ? noProgress
        : {
            passed: { epoch: Number(row.passed_epoch), lsn: Number(row.passed_lsn) },
            tx: { epoch: Number(row.tx_epoch), lsn: Number(row.tx_lsn), objects: row.tx_objects },
          },
    ]),
  );
}

/** Progress of each tenant once the batch's `last` records are passed; passing never goes back. */
export function advance(
  scope: ReadonlyMap<string, Progress>,
  passed: ReadonlyMap<string, Omit<At, 'seq'>>,
): ReadonlyMap<string, Progress> {
  return new Map(
    [...scope].map(([tenant, progress]) => {
      const to = passed.get(tenant);
      return [tenant, to && isLater(to, progress.passed) ? { ...progress, passed: to } : progress];
    }),
  );
}

/** Stores what differs from `before`. One writer at a time: the partition's offset is locked. */
export async function storeProgress(
  tx: Knex,
  before: ReadonlyMap<string, Progress>,
  after: ReadonlyMap<string, Progress>,
): Promise<void> {
  const moved = [...after]
    .filter(([tenant, progress]) => progress !== before.get(tenant))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (moved.length === 0) return;
  await query(
    tx,
    `insert into sink.ingest_progress (tenant, passed_epoch, passed_lsn, tx_epoch, tx_lsn, tx_objects)
     select * from unnest(?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::int[])
     on conflict (tenant) do update set (passed_epoch, passed_lsn, tx_epoch, tx_lsn, tx_objects)
       = (excluded.passed_epoch, excluded.passed_lsn, excluded.tx_epoch, excluded.tx_lsn, excluded.tx_objects)`,
    [
      moved.map(([tenant]) => tenant),
      moved.map(([, { passed }]) => passed.epoch),
      moved.map(([, { passed }]) => passed.lsn),
      moved.map(([, { tx: newest }]) => newest.epoch),
      moved.map(([, { tx: newest }]) => newest.lsn),
      moved.map(([, { tx: newest }]) => newest.objects),
    ],
  );
}
