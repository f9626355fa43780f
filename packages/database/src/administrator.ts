import type { Knex } from 'knex';

/**
 * True in SQL while a person is an active administrator of a tenant that has an integration. Looked at with each request,
 * not at sign-in only: who is no administrator any more in Ziik is none here.
 */
export const administers = (tenant: string, person: string): string => /* sql */ `(
  exists (select from sink.person p
           where p.tenant = ${tenant} and p.id = ${person} and p.admin and p.active and not p.deleted
             and not p.anonymised and (p.expires_at is null or p.expires_at > now()))
  and not exists (select from sink.erased e where e.tenant = ${tenant} and e.person_id = ${person})
  and not exists (select from sink.tenant s where s.tenant = ${tenant} and s.deleted)
  and exists (select from control.integration i where i.tenant = ${tenant}))`;

export async function isAdministrator(
  db: Knex,
  { tenant, person }: { readonly tenant: string; readonly person: string },
): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { yes: boolean }[] }>(`select ${administers(':tenant', ':person')} as yes`, {
    tenant,
    person,
  });
  return rows[0]!.yes;
}

/** Tenants of a source that know this person id, with the e-mail they have for it; two at most. */
export async function tenantsOfPerson(
  db: Knex,
  { source, person }: { readonly source: string; readonly person: string },
): Promise<readonly { readonly tenant: string; readonly email: string | null }[]> {
  const { rows } = await db.raw<{ rows: { tenant: string; email: string | null }[] }>(
    `select p.tenant, p.email from sink.person p join control.tenant t on t.key = p.tenant
      where t.source = ? and p.id = ? and not p.deleted limit 2`,
    [source, person],
  );
  return rows;
}
