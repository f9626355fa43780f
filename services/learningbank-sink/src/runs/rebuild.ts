import { AppError, parseTenantKey } from '@orgstream/core';
import { insertCommand, type Knex } from '@orgstream/database';
import type { Integration } from '../reconcile/integration-store.ts';

/**
 * Forgets what is linked and outstanding, and asks the source for a fresh snapshot: nothing is sent until it is proved.
 * The generation rises, so that no call planned before is made after. What happened (attempts) and what operators decided
 * about match cases stays.
 */
export async function forgetEverything(tx: Knex, { id, tenant }: Integration): Promise<void> {
  const key = parseTenantKey(tenant);
  if (!key) throw new AppError('USAGE', `rebuilding: ${tenant} is no tenant key`);
  await tx.raw(`update control.integration set generation = generation + 1 where id = ?`, [id]);
  await tx.raw(
    `update sink.integration_state
        set state = 'waiting_for_snapshot', code = null, message = null, snapshot_id = null, top_unit_id = null,
            first_sync_started_at = null, first_sync_done_at = null, first_sync_total = null, updated_at = now()
      where integration_id = ?`,
    [id],
  );
  for (const table of ['work', 'link', 'brake'])
    await tx.raw(`delete from sink.${table} where integration_id = ?`, [id]);
  await insertCommand(tx, {
    addressee: 'ziik-cdc',
    kind: 'snapshot',
    payload: { source: key.source, tenant, reason: 'rebuild' },
  });
}
