import type { Knex } from '@orgstream/database';

/** An erased person, and the person's users in Learningbank. */
export interface Forgotten {
  readonly tenant: string;
  readonly person: string;
  readonly receivers: readonly { readonly integration: string; readonly receiver: string }[];
}

/**
 * Deletes every row to a person, and notes its receivers, so that a replay of the topic brings none back. Integrations
 * that are gone took their rows with them. Returns how many rows went. What is being entered meanwhile has not seen the
 * notes: it is waited for between noting and deleting, and nobody waits for the deletion, which may read a large ledger.
 */
export async function forgetReceivers(db: Knex, { tenant, person, receivers }: Forgotten): Promise<number> {
  const all = [...receivers];
  await note(db, tenant, all);
  for (let total = 0; ;) {
    await waitForWriters(db);
    const { rows, noted } = await remove(db, { tenant, person, receivers: all });
    total += rows;
    // Others' notes that came of the rows themselves: who was found by e-mail has no link.
    if (noted.length === 0) return total;
    all.push(...noted);
  }
}

async function note(db: Knex, tenant: string, receivers: Forgotten['receivers']): Promise<void> {
  await db.raw(
    `insert into bridge.forgotten (integration_id, receiver)
     select i.id, r.receiver
       from unnest(?::text[], ?::text[]) as r (integration, receiver)
       join control.integration i on i.id::text = r.integration and i.tenant = ?
     on conflict (integration_id, receiver) do nothing`,
    [...columnsOf(receivers), tenant],
  );
}

/** Whoever writes into the ledger now has committed when it returns. */
async function waitForWriters(db: Knex): Promise<void> {
  await db.transaction((tx) => tx.raw(`lock table bridge.notification in share row exclusive mode`));
}

async function remove(
  db: Knex,
  { tenant, person, receivers }: Forgotten,
): Promise<{ readonly rows: number; readonly noted: Forgotten['receivers'] }> {
  const { rows } = await db.raw<{ rows: { n: string; noted: Forgotten['receivers'] }[] }>(
    `with given as (
       select i.id as integration_id, r.receiver
         from unnest(?::text[], ?::text[]) as r (integration, receiver)
         join control.integration i on i.id::text = r.integration and i.tenant = ?),
     gone as (
       delete from bridge.notification n
        where n.tenant = ? and (n.person_id = ? or n.ziik_user_id::text = ?
              or exists (select from given g where g.integration_id = n.integration_id and g.receiver = n.receiver))
       returning n.integration_id, n.receiver, n.is_test),
     noted as (
       insert into bridge.forgotten (integration_id, receiver)
       select distinct integration_id, receiver from gone where not is_test
       on conflict (integration_id, receiver) do nothing
       returning integration_id, receiver)
     select (select count(*) from gone) as n,
            coalesce((select jsonb_agg(jsonb_build_object('integration', integration_id, 'receiver', receiver)) from noted), '[]') as noted`,
    [...columnsOf(receivers), tenant, tenant, person, person],
  );
  return { rows: Number(rows[0]!.n), noted: rows[0]!.noted };
}

function columnsOf(receivers: Forgotten['receivers']): readonly [string[], string[]] {
  return [receivers.map(({ integration }) => integration), receivers.map(({ receiver }) => receiver)];
}
