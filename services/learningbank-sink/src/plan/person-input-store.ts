import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { PersonLink } from '../model.ts';
import { loadHolders, loadTwins } from './email-store.ts';
import type { MembershipFact, UnitRef } from './facts.ts';
import type { PersonInput } from './input.ts';
import {
  decisionColumns,
  decisions,
  linkOf,
  ourIntegration,
  ourTenant,
  outerJoined,
  ofKind,
  personColumns,
  personFact,
  type DecisionColumns,
  type LinkColumns,
  type LoadContext,
  type PersonRow,
} from './rows.ts';
import { sameEmail, trimmed } from './text.ts';

/** What of a person's input this module finds. */
export type PersonPart = Omit<PersonInput, 'kind' | 'id' | 'tenantGone' | 'topUnitChanged' | 'roles' | 'candidates'>;

type Applied = PersonLink['applied'];
type LinkedPersonRow = PersonRow & LinkColumns<Applied> & DecisionColumns<Applied>;

/** People with links, memberships, units, and who else has their e-mail. */
export async function loadPeople(
  db: Knex,
  context: LoadContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PersonPart>> {
  const [people, memberships, units] = await Promise.all([
    readPeople(db, context, ids),
    readMemberships(db, context, ids),
    readUnits(db, context, ids),
  ]);
  // Who has the address already is settled: nobody is asked for. That is every person who is in step.
  const wanted = people.flatMap(({ id, email, applied, undo }) => {
    const address = trimmed(undo ? (undo.applied?.email ?? null) : email);
    if (address === null || (applied && sameEmail(applied.email, address))) return [];
    return [{ id, email: address, isLinked: applied !== null }];
  });
  const departments = new Set(people.flatMap(({ applied }) => applied?.departmentIds ?? []));
  const [holders, twins, ours] = await Promise.all([
    loadHolders(db, context, wanted),
    loadTwins(
      db,
      context,
      wanted.filter(({ isLinked }) => !isLinked),
    ),
    readOurDepartments(db, context, [...departments]),
  ]);
  return new Map(
    people.map((row): [string, PersonPart] => [
      row.id,
      {
        fact: personFact(row),
        link: linkOf(row),
        ...decisions(row),
        memberships: memberships.get(row.id) ?? [],
        units,
        emailHolder: holders.get(row.id) ?? null,
        twins: twins.get(row.id) ?? [],
        ...ourUnits(row.applied?.departmentIds ?? [], ours),
      },
    ]),
  );
}

async function readPeople(
  db: Knex,
  { id, tenant }: LoadContext,
  ids: readonly string[],
): Promise<readonly LinkedPersonRow[]> {
  const { rows } = await db.raw<{ rows: LinkedPersonRow[] }>(
    `select a.id, ${personColumns}, l.target_id, l.made_by_us, l.is_top, l.applied, ${decisionColumns}
       from unnest(cast(:ids as text[])) as a (id)
       left join lateral (select * from sink.person where tenant = ${ourTenant} and id = a.id limit 1) f on true
       ${outerJoined('person', 'a.id')}`,
    { id, tenant, ids: [...ids] },
  );
  return rows;
}

interface MembershipRow {
  readonly id: string;
  readonly person_id: string;
  readonly ordinal: number | null;
  readonly unit_id: string | null;
  readonly department_id: string | null;
  readonly rejected_code: ErrorCode | null;
  readonly assignments: MembershipFact['assignments'] | null;
}

/** Memberships `m` of the people that are asked for. */
const membershipsOfAsked = /* sql */ `
       unnest(cast(:ids as text[])) as p (id)
      cross join lateral (
        select * from sink.membership where tenant = ${ourTenant} and person_id = p.id and not deleted offset 0) m`;

async function readMemberships(
  db: Knex,
  { tenant }: LoadContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly MembershipFact[]>> {
  const { rows } = await db.raw<{ rows: MembershipRow[] }>(
    `select m.id, m.person_id, m.ordinal, m.unit_id, m.department_id, m.rejected_code, a.assignments
       from ${membershipsOfAsked}
       left join lateral (
         select json_agg(json_build_object('id', s.id, 'ordinal', s.ordinal, 'roleId', s.role_id,
                                           'rejectedCode', s.rejected_code)) as assignments
           from sink.assignment s where s.tenant = ${ourTenant} and s.membership_id = m.id and not s.deleted) a on true`,
    { tenant, ids: [...ids] },
  );
  const byPerson = new Map<string, MembershipFact[]>();
  for (const row of rows) {
    const fact = {
      id: row.id,
      ordinal: row.ordinal,
      unitId: row.unit_id,
      ...(row.department_id === null ? {} : { departmentId: row.department_id }),
      rejectedCode: row.rejected_code,
      assignments: row.assignments ?? [],
    };
    const list = byPerson.get(row.person_id);
    if (list) list.push(fact);
    else byPerson.set(row.person_id, [fact]);
  }
  return byPerson;
}

interface UnitRefRow {
  readonly id: string;
  readonly name: string | null;
  readonly state: UnitRef['state'];
  readonly target_id: string | null;
  readonly blocked_by: ErrorCode | null;
  readonly returns: boolean;
}

/** The units and Ziik departments that these people's memberships name. A unit that waits is as blocked as what it waits for in the end. */
async function readUnits(
  db: Knex,
  { id, tenant }: LoadContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, UnitRef>> {
  const { rows } = await db.raw<{ rows: UnitRefRow[] }>(
    `with recursive named as materialized (
       select distinct u.id from ${membershipsOfAsked}
        cross join lateral (values (m.unit_id), (m.department_id)) as u (id)
        where u.id is not null
       union
       select b.value from unnest(cast(:ids as text[])) as p (id)
        cross join lateral (
          select undo from sink.work where integration_id = ${ourIntegration} and kind = ${ofKind('person')} and id = p.id limit 1) w
        cross join lateral jsonb_each_text(w.undo -> 'units') as b
        where jsonb_typeof(w.undo -> 'units') = 'object'),
     unit as materialized (
       select n.id, f.name, l.target_id, coalesce(jsonb_typeof(w.undo -> 'applied') = 'object', false) as returns,
              case when l.id is null and r.action = 'ignore' then 'unmirrored' when f.id is null then 'unknown' when f.deleted then 'gone'
                   when f.unit_type = 'department' then 'unmirrored' else 'live' end as state
         from named n
         left join lateral (select * from sink.unit where tenant = ${ourTenant} and id = n.id limit 1) f on true
         ${outerJoined('unit', 'n.id')}),
     chain as (
       select u.id as unit_id, w.state, w.code, w.waits_kind, w.waits_id, 0 as depth
         from unit u
        cross join lateral (
          select * from sink.work where integration_id = ${ourIntegration} and kind = ${ofKind('unit')} and id = u.id limit 1) w
        where u.target_id is null
       union all
       select c.unit_id, w.state, w.code, w.waits_kind, w.waits_id, c.depth + 1
         from chain c
        cross join lateral (
          select * from sink.work where integration_id = ${ourIntegration} and kind = c.waits_kind and id = c.waits_id limit 1) w
        where c.state = 'waiting' and c.depth < 20)
     select u.id, u.name, u.state, u.target_id, u.returns,
            (select coalesce(c.code, 'UNEXPECTED') from chain c
              where c.unit_id = u.id and c.state in ('parked', 'conflict', 'held') limit 1) as blocked_by
       from unit u`,
    { id, tenant, ids: [...ids] },
  );
  return new Map(
    rows.map(({ id: unitId, name, state, target_id, blocked_by, returns }) => [
      unitId,
      {
        name,
        state,
        targetId: target_id === null ? null : Number(target_id),
        blockedBy: blocked_by,
        ...(returns ? { returns } : {}),
      },
    ]),
  );
}

function ourUnits(
  departmentIds: readonly number[],
  ours: ReadonlyMap<number, OurUnit>,
): Pick<PersonPart, 'ourDepartments' | 'ourUnitNames'> {
  const found = departmentIds.flatMap((id) => ours.get(id) ?? []);
  return {
    ourDepartments: new Map(found.map(({ targetId, id }) => [targetId, id])),
    ourUnitNames: new Map(found.map(({ id, name }) => [id, name])),
  };
}

interface OurUnit {
  readonly targetId: number;
  readonly id: string;
  readonly name: string | null;
}

/** Which of these departments are linked to units of ours, and to which. */
async function readOurDepartments(
  db: Knex,
  { id, tenant }: LoadContext,
  departmentIds: readonly number[],
): Promise<ReadonlyMap<number, OurUnit>> {
  if (departmentIds.length === 0) return new Map();
  const { rows } = await db.raw<{ rows: { target_id: string; id: string; name: string | null }[] }>(
    `select l.target_id, l.id, f.name from sink.link l
       left join lateral (select name from sink.unit where tenant = ${ourTenant} and id = l.id limit 1) f on true
      where l.integration_id = ${ourIntegration} and l.kind = 'unit' and l.target_id = any(cast(:departmentIds as bigint[]))`,
    { id, tenant, departmentIds: [...departmentIds] },
  );
  return new Map(
    rows.map((row) => [Number(row.target_id), { targetId: Number(row.target_id), id: row.id, name: row.name }]),
  );
}
