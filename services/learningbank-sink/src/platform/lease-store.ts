import { createLeaseStore, type Knex, type LeaseStore } from '@orgstream/database';

/** Leases of the platforms that a sync integration uses. */
export function platformLeases(db: Knex): LeaseStore {
  return createLeaseStore(db, {
    table: 'sink.platform',
    key: 'id',
    replicas: 'sink.replica',
    wanted: `exists (select from sink.integration_state s where s.platform = l.id)`,
  });
}

/** Makes the breaker visible to operators. Fenced: only the owner speaks. */
export async function writeBreaker(
  db: Knex,
  platform: { readonly id: string; readonly token: number; readonly breaker: string; readonly code: string | null },
): Promise<void> {
  await db.raw(
    `update sink.platform set breaker = :breaker, code = :code, updated_at = now()
      where id = :id and lease_token = :token and (breaker, code) is distinct from (:breaker, :code)`,
    { ...platform },
  );
}
