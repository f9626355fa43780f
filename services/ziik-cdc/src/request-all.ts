import { tenantKey } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { qualified, quoteIdentifier, type SourceMapping } from '@orgstream/ziik-source';
import type pg from 'pg';
import { requestSnapshots } from './snapshot-store.ts';

/**
 * Asks for a snapshot of every site of the source, and of tenants we know that it no longer has: those end as
 * TENANT_UNKNOWN, for an operator to see. Returns how many.
 */
export async function requestAll(options: {
  readonly db: Knex;
  readonly client: pg.Client;
  readonly source: string;
  readonly mapping: SourceMapping;
  readonly reason: string;
  readonly commandId: number | null;
}): Promise<number> {
  const { db, client, source, mapping, reason, commandId } = options;
  const sites = mapping.find(({ kind }) => kind === 'tenant')!;
  const { rows } = await client.query<{ id: string }>(
    `select ${quoteIdentifier(sites.idColumn)}::text as id from ${qualified(sites)} order by 1`,
  );
  const known = await db.raw<{ rows: { site_id: string }[] }>(`select site_id from control.tenant where source = ?`, [
    source,
  ]);
  const ids = new Set([...rows.map(({ id }) => id), ...known.rows.map(({ site_id }) => site_id)]);
  const tenants = [...ids].map((siteId) => ({ tenant: tenantKey(source, siteId), siteId }));
  await requestSnapshots(db, { source, tenants, reason, commandId });
  return tenants.length;
}
