import type { Knex } from '@orgstream/database';
import { lockIngest } from '../ingest/erased.ts';
import { query } from '../ingest/query.ts';
import { notifyWork } from '../ingest/work-store.ts';
import { marker } from '../model.ts';

/** Whom to erase. */
export interface Erasure {
  readonly tenant: string;
  readonly person: string;
}

/** A user that stays in Learningbank: erasing here does not delete there. */
export interface RemainingUser {
  readonly integration: string;
  readonly platform: string;
  readonly targetId: number;
}

/** What has to be known before the rows are gone. Ids only: it is kept in the command, so that a crash loses none. */
export interface ErasedIds {
  readonly memberships: readonly string[];
  readonly assignments: readonly string[];
  readonly target: readonly RemainingUser[];
}

/** Rows deleted, by table. */
export type ErasedRows = Readonly<Record<string, number>>;

/** Enters the person in the register against resurrection. False: there is no such tenant. */
export async function registerErased(db: Knex, { tenant, person, by }: Erasure & { readonly by: string }) {
  const rows = await query<{ key: string }>(db, `select key from control.tenant where key = ?`, [tenant]);
  if (rows.length === 0) return false;
  await query(
    db,
    `insert into sink.erased (tenant, person_id, erased_by) values (?, ?, ?) on conflict (tenant, person_id) do nothing`,
    [tenant, person, by],
  );
  return true;
}

/** What refers to the person: keys of Kafka to bury, and users that stay. */
export async function readErasedIds(db: Knex, { tenant, person }: Erasure): Promise<ErasedIds> {
  const memberships = await query<{ id: string }>(
    db,
    `select id from sink.membership where tenant = ? and person_id = ? order by id`,
    [tenant, person],
  );
  const ids = memberships.map(({ id }) => id);
  const assignments = await query<{ id: string }>(
    db,
    `select id from sink.assignment where tenant = ? and membership_id = any(?::text[]) order by id`,
    [tenant, ids],
  );
  const target = await query<{ integration: string; platform: string; target_id: string }>(
    db,
    // A user that was being made when the register was entered is not linked any more: its call says which one it is.
    `select i.id as integration, s.platform, coalesce(l.target_id, a.target_id) as target_id
       from control.integration i
       join sink.integration_state s on s.integration_id = i.id
       left join sink.link l on l.integration_id = i.id and l.kind = 'person' and l.id = ?
       left join lateral (
         select c.target_id, c.op from sink.attempt c
          where c.integration_id = i.id and c.kind = 'person' and c.object_id = ? and c.state = 'done'
          order by c.id desc limit 1) a on true
      where i.tenant = ? and (l.target_id is not null or (a.target_id is not null and a.op <> 'user.delete'))
      order by i.created_at`,
    [person, person, tenant],
  );
  return {
    memberships: ids,
    assignments: assignments.map(({ id }) => id),
    target: target.map(({ target_id, ...rest }) => ({ ...rest, targetId: Number(target_id) })),
  };
}

/** Calls about the person that are under way. */
export async function countCallsUnderWay(db: Knex, { tenant, person }: Erasure): Promise<number> {
  const rows = await query<{ calls: string }>(
    db,
    `select count(*) as calls from sink.attempt a join control.integration i on i.id = a.integration_id
      where i.tenant = ? and a.kind = 'person' and a.object_id = ? and a.state = 'sent'`,
    [tenant, person],
  );
  return Number(rows[0]!.calls);
}

/**
 * Deletes every row about the person, in one transaction that stands between the writers: ingest and replay hold their
 * partition's offset row, the platform's owner its platform row, while they write. Who began before the register was
 * committed has ended when these locks are had; who begins later sees the register.
 */
export async function deleteRows(db: Knex, erasure: Erasure): Promise<ErasedRows> {
  return db.transaction(async (tx) => {
    const integrations = await lockWriters(tx, erasure.tenant);
    const addresses = await readAddresses(tx, erasure, integrations);
    const counts: Record<string, number> = {};
    for (const [table, where, bindings] of deletions(erasure, integrations, addresses)) {
      const rows = await query<{ n: string }>(
        tx,
        `with gone as (delete from sink.${table} where ${where} returning 1) select count(*) as n from gone`,
        bindings,
      );
      counts[table] = Number(rows[0]!.n);
    }
    await clearAnswers(tx, erasure, integrations);
    await relieveOthers(tx, erasure, integrations);
    return counts;
  });
}

async function lockWriters(tx: Knex, tenant: string): Promise<readonly string[]> {
  await query(
    tx,
    `select from sink.platform where id in (select platform from sink.integration_state where tenant = ?) order by id for update`,
    [tenant],
  );
  await lockIngest(tx);
  const rows = await query<{ id: string }>(tx, `select id from control.integration where tenant = ?`, [tenant]);
  return rows.map(({ id }) => id);
}

/** By what a listing of the target could show the person: its user ids and its addresses. */
async function readAddresses(
  tx: Knex,
  { tenant, person }: Erasure,
  integrations: readonly string[],
): Promise<{ readonly targetIds: readonly string[]; readonly emails: readonly string[] }> {
  const links = await query<{ target_id: string; email: string | null }>(
    tx,
    `select target_id, lower(applied ->> 'email') as email from sink.link
      where integration_id = any(?::uuid[]) and kind = 'person' and id = ?`,
    [integrations, person],
  );
  const facts = await query<{ email: string | null }>(
    tx,
    `select lower(trim(email)) as email from sink.person where tenant = ? and id = ?`,
    [tenant, person],
  );
  const emails = [...links, ...facts].flatMap(({ email }) => (email ? [email] : []));
  return { targetIds: links.map(({ target_id }) => target_id), emails };
}

type Deletion = readonly [table: string, where: string, bindings: readonly unknown[]];

function deletions(
  { tenant, person }: Erasure,
  integrations: readonly string[],
  { targetIds, emails }: Awaited<ReturnType<typeof readAddresses>>,
): readonly Deletion[] {
  const ofIntegrations = `integration_id = any(?::uuid[]) and kind = 'person' and`;
  return [
    ['work', `${ofIntegrations} id = ?`, [integrations, person]],
    ['link', `${ofIntegrations} id = ?`, [integrations, person]],
    ['attempt', `${ofIntegrations} object_id = ?`, [integrations, person]],
    ['resolution', `${ofIntegrations} id = ?`, [integrations, person]],
    [
      'run_item',
      `kind = 'person' and id = ? and run_id in (select id from sink.run where integration_id = any(?::uuid[]))`,
      [person, integrations],
    ],
    [
      'target',
      `kind = 'person' and platform in (select platform from sink.integration_state where tenant = ?)
         and (external_id = ? or target_id = any(?::bigint[]) or lower(email) = any(?::text[]))`,
      [tenant, marker(tenant, 'person', person), targetIds, emails],
    ],
    [
      'assignment',
      `tenant = ? and membership_id in (select id from sink.membership where tenant = ? and person_id = ?)`,
      [tenant, tenant, person],
    ],
    ['membership', `tenant = ? and person_id = ?`, [tenant, person]],
    ['person', `tenant = ? and id = ?`, [tenant, person]],
  ];
}

/** Answers to "why?" show names and addresses. */
async function clearAnswers(tx: Knex, { person }: Erasure, integrations: readonly string[]): Promise<void> {
  await query(
    tx,
    `update control.command set result = null
      where addressee = 'learningbank-sink' and kind = 'explain' and payload ->> 'integration' = any(?::text[])
        and payload ->> 'kind' = 'person' and payload ->> 'id' = ?`,
    [integrations, person],
  );
}

/** Who waited for the person, or for an address it held, is looked at again. */
async function relieveOthers(tx: Knex, { person }: Erasure, integrations: readonly string[]): Promise<void> {
  const rows = await query<{ integration_id: string }>(
    tx,
    `update sink.work set state = 'ready', next_at = now(), waits_kind = null, waits_id = null,
            generation = nextval('sink.work_generation')
      where integration_id = any(?::uuid[])
        and ((state = 'waiting' and waits_kind = 'person' and waits_id = ?)
          or (state in ('parked', 'conflict') and code in ('EMAIL_TAKEN', 'REHIRE', 'MATCHED_TWICE')
              and (detail ->> 'person' = ? or jsonb_exists(detail -> 'people', ?) or waits_id = ?)))
      returning integration_id`,
    [integrations, person, person, person, person],
  );
  await notifyWork(
    tx,
    rows.map(({ integration_id }) => integration_id),
  );
}
