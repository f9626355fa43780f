import { kinds } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { query } from './query.ts';

/**
 * Erases the replica of every tenant whose last integration is gone. Returns those tenants. Links, work and attempts went
 * with the integration itself. The lock on the tenant makes a new integration wait: it then finds no proved snapshot
 * and asks for one.
 */
export async function eraseAbandoned(db: Knex): Promise<readonly string[]> {
  const rows = await query<{ tenant: string }>(
    db,
    `select tenant from (
       select tenant from sink.ingest_progress union select tenant from sink.snapshot union select tenant from sink.tenant
     ) known where not exists (select from control.integration i where i.tenant = known.tenant)`,
    [],
  );
  const erased: string[] = [];
  for (const { tenant } of rows) if (await eraseTenant(db, tenant)) erased.push(tenant);
  return erased;
}

/** Erases one tenant's replica, unless it has an integration (again). */
export async function eraseTenant(db: Knex, tenant: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    await query(tx, `select from control.tenant where key = ? for update`, [tenant]);
    const rows = await query<unknown>(tx, `select from control.integration where tenant = ? limit 1`, [tenant]);
    if (rows.length > 0) return false;
    for (const table of [...kinds, 'snapshot', 'ingest_progress']) {
      await query(tx, `delete from sink.${table} where tenant = ?`, [tenant]);
    }
    return true;
  });
}
