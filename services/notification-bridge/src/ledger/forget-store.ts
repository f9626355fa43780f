import type { Knex } from '@orgstream/database';

/** An erased person, and the person's users in Learningbank. */
export interface Forgotten {
  readonly tenant: string;
  readonly person: string;
  readonly receivers: readonly { readonly integration: string; readonly receiver: string }[];
}

/**
 * Deletes every row to a person, and notes its receivers, so that a replay of the topic brings none back. Integrations
 * that are gone took their rows with them. Returns how many rows went.
 */
export async function forgetReceivers(db: Knex, forgotten: Forgotten): Promise<number> {
  return db.transaction(async (tx) => {
    // Who is entering notifications now has not seen that this person is forgotten: waited for, then nobody enters any.
    await tx.raw(`lock table bridge.notification in share row exclusive mode`);
    return forget(tx, forgotten);
  });
}

async function forget(tx: Knex, { tenant, person, receivers }: Forgotten): Promise<number> {
  const { rows } = await tx.raw<{ rows: { n: string }[] }>(
    `with given as (
       select i.id as integration_id, r.receiver
         from unnest(?::text[], ?::text[]) as r (integration, receiver)
         join control.integration i on i.id::text = r.integration and i.tenant = ?),
     gone as (
       delete from bridge.notification n
        where n.tenant = ? and (n.person_id = ? or n.ziik_user_id::text = ?
              or exists (select from given g where g.integration_id = n.integration_id and g.receiver = n.receiver))
       returning n.integration_id, n.receiver, n.is_test),
     -- Who was found by e-mail has no link: the rows say whose they were.
     noted as (
       insert into bridge.forgotten (integration_id, receiver)
       select integration_id, receiver from given union select integration_id, receiver from gone where not is_test
       on conflict (integration_id, receiver) do nothing)
     select count(*) as n from gone`,
    [
      receivers.map(({ integration }) => integration),
      receivers.map(({ receiver }) => receiver),
      tenant,
      tenant,
      person,
      person,
    ],
  );
  return Number(rows[0]!.n);
}
