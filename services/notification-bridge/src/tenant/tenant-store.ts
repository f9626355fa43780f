import { createLeaseStore, type Knex, type LeaseStore } from '@orgstream/database';

/** Leases of the tenants that have a Ziik channel. */
export function tenantLeases(db: Knex): LeaseStore {
  const store = createLeaseStore(db, {
    table: 'bridge.tenant',
    key: 'tenant',
    replicas: 'bridge.replica',
    wanted: `exists (select from control.channel c join control.integration i on i.id = c.integration_id where i.tenant = l.tenant)`,
  });
  return {
    ...store,
    async list() {
      await db.raw(
        `insert into bridge.tenant (tenant)
         select distinct i.tenant from control.channel c join control.integration i on i.id = c.integration_id
          where not exists (select from bridge.tenant t where t.tenant = i.tenant)
         on conflict (tenant) do nothing`,
      );
      return store.list();
    },
  };
}
