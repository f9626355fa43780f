import type { Knex } from '@orgstream/database';
import { lanes } from '../model.ts';
import type { EmailHolder, EmailTwin } from './facts.ts';
import {
  ofKind,
  ourIntegration,
  ourTenant,
  personColumns,
  personFact,
  workStateOf,
  type LoadContext,
  type PersonRow,
  type WorkColumns,
} from './rows.ts';

interface Wanted {
  readonly id: string;
  readonly email: string;
}

interface HolderRow extends PersonRow {
  readonly person_id: string;
  readonly holder_active: boolean;
  readonly in_cycle: boolean;
}

/** Who of ours is linked with the address a person wants; with who holds what that one wants, to see circles. */
export async function loadHolders(
  db: Knex,
  { id, tenant }: LoadContext,
  wanted: readonly Wanted[],
): Promise<ReadonlyMap<string, EmailHolder>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await db.raw<{ rows: HolderRow[] }>(
    `with recursive asked as materialized (
       select * from unnest(cast(:ids as text[]), cast(:emails as text[])) as a (person_id, email)),
     chain as (
       select a.person_id, l.id as holder_id, l.applied, 0 as depth
         from asked a
        cross join lateral (
          select * from sink.link where integration_id = ${ourIntegration} and kind = 'person'
             and lower(applied ->> 'email') = lower(a.email) and id <> a.person_id offset 0) l
       union all
       select c.person_id, l.id, l.applied, c.depth + 1
         from chain c
        cross join lateral (select email from sink.person where tenant = ${ourTenant} and id = c.holder_id limit 1) p
        cross join lateral (
          select * from sink.link where integration_id = ${ourIntegration} and kind = 'person'
             and lower(applied ->> 'email') = lower(trim(p.email)) and id <> c.holder_id offset 0) l
        where c.depth < 20 and c.holder_id <> c.person_id)
     select c.person_id, c.holder_id as id, (c.applied ->> 'active')::boolean as holder_active, ${personColumns},
            exists (select from chain d where d.person_id = c.person_id and d.holder_id = c.person_id) as in_cycle
       from chain c
       left join lateral (select * from sink.person where tenant = ${ourTenant} and id = c.holder_id limit 1) f on true
      where c.depth = 0
      order by c.holder_id`,
    { id, tenant, ids: wanted.map((one) => one.id), emails: wanted.map((one) => one.email) },
  );
  return new Map(
    rows.map((row) => [
      row.person_id,
      { id: row.id, active: row.holder_active, fact: personFact(row), inCycle: row.in_cycle },
    ]),
  );
}

const twinsPerAddress = 5;

interface TwinRow extends PersonRow, WorkColumns {
  readonly person_id: string;
}

/**
 * Other people without a link who have the same address: the first few by what the planner asks of them, active before
 * leaving, ready before standing still, lower id first. Searched once per address: five thousand people may share one.
 *
 * `limit 1` on what has one row at most: work and links are looked up by their whole key. As plain joins they were scanned
 * once per address while Postgres had no statistics of them yet, which is in every first sync.
 */
export async function loadTwins(
  db: Knex,
  { id, tenant }: LoadContext,
  wanted: readonly Wanted[],
): Promise<ReadonlyMap<string, readonly EmailTwin[]>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await db.raw<{ rows: TwinRow[] }>(
    `with asked as materialized (
       select person_id, lower(email) as email
         from unnest(cast(:ids as text[]), cast(:emails as text[])) as a (person_id, email))
     select a.person_id, t.*
       from (select distinct email from asked) e
      cross join lateral (
        select f.id, ${personColumns}, w.state as work_state, w.lane
          from sink.person f
          left join lateral (
            select k.state, k.lane from sink.work k
             where k.integration_id = ${ourIntegration} and k.kind = ${ofKind('person')} and k.id = f.id limit 1) w on true
          left join lateral (
            select l.id from sink.link l
             where l.integration_id = ${ourIntegration} and l.kind = ${ofKind('person')} and l.id = f.id limit 1) l on true
         where f.tenant = ${ourTenant} and lower(trim(f.email)) = e.email and not f.deleted and l.id is null
         order by f.active is false or f.anonymised or coalesce(f.expires_at <= now(), false),
                  (w.state = 'ready' and w.lane <> ${lanes.gap}) is not true, length(f.id), f.id
         limit ${twinsPerAddress + 1}) t
       join asked a on a.email = e.email and a.person_id <> t.id`,
    { id, tenant, ids: wanted.map((one) => one.id), emails: wanted.map((one) => one.email) },
  );
  const byPerson = new Map<string, EmailTwin[]>();
  for (const row of rows) {
    const fact = personFact(row);
    if (!fact) continue;
    const twins = byPerson.get(row.person_id) ?? [];
    byPerson.set(row.person_id, [...twins, { id: row.id, fact, work: workStateOf(row) }]);
  }
  return byPerson;
}
