import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { RoleLink, UnitLink } from '../model.ts';
import {
  decisionColumns,
  decisions,
  linkOf,
  outerJoined,
  workStateOf,
  type DecisionColumns,
  type LinkColumns,
  type LoadContext,
  type WorkColumns,
} from './rows.ts';
import { RoleBook, type RoleNode } from './role-book.ts';
import { UnitTree, type UnitNode } from './unit-tree.ts';

interface UnitRow extends LinkColumns<UnitLink['applied']>, WorkColumns, DecisionColumns<UnitLink['applied']> {
  readonly id: string;
  readonly known: boolean;
  readonly parent_id: string | null;
  readonly name: string | null;
  readonly is_department: boolean;
  readonly deleted: boolean;
  readonly rejected_code: ErrorCode | null;
  readonly member_id: string | null;
  readonly member_stays: boolean;
}

/** Facts, links, work and resolutions of one kind, whichever of fact and link there is; `f`, `l`, `w` and `r` are their aliases. */
function withLinks(kind: 'unit' | 'role'): string {
  return /* sql */ `
    (select * from sink.${kind} where tenant = :tenant) f
    full join (select * from sink.link where integration_id = :id and kind = '${kind}') l on l.id = f.id
    ${outerJoined(kind, 'coalesce(f.id, l.id)', 'wr')}`;
}

/**
 * Any active user of ours whose applied state holds this target id: a unit or role that is to go waits for them. Who has
 * nothing outstanding stays where he is: he is left alone. People are found by what they have at the target alone: by the
 * integration as well, all of its people would be read for each unit.
 */
function memberOf(field: 'departmentIds' | 'permissionTypeIds', gone: string): string {
  return /* sql */ `
    left join lateral (
      select p.id, pw.id is null and w.undo is null as stays
        from (select * from sink.link
               where kind = 'person' and applied -> '${field}' @> jsonb_build_array(l.target_id) offset 0) p
        left join lateral (
          select pk.id from sink.work pk where pk.integration_id = p.integration_id and pk.kind = p.kind and pk.id = p.id limit 1) pw on true
       where ${gone} and l.made_by_us is not null and p.integration_id = :id and p.applied -> 'active' = 'true'
       order by 2 limit 1) m on true`;
}

/** Columns of an outer-joined {@link memberOf}. */
const memberColumns = `case when not m.stays then m.id end as member_id, coalesce(m.stays, false) as member_stays`;

/** All units of the tenant. */
export async function loadUnits(db: Knex, context: LoadContext): Promise<UnitTree> {
  const gone = `(f.deleted or f.unit_type = 'department' or w.undo is not null)`;
  const { rows } = await db.raw<{ rows: UnitRow[] }>(
    `select coalesce(f.id, l.id) as id, f.id is not null as known, f.parent_id, f.name,
            coalesce(f.unit_type = 'department', false) as is_department, coalesce(f.deleted, false) as deleted,
            f.rejected_code, l.target_id, l.made_by_us, l.is_top, l.applied, w.state as work_state, w.lane, ${memberColumns},
            ${decisionColumns}
       from ${withLinks('unit')} ${memberOf('departmentIds', gone)}`,
    { id: context.id, tenant: context.tenant },
  );
  return new UnitTree(rows.map(unitNode));
}

function unitNode(row: UnitRow): UnitNode {
  const link = linkOf(row);
  return {
    id: row.id,
    fact: row.known
      ? {
          parentId: row.parent_id,
          name: row.name,
          isDepartment: row.is_department,
          deleted: row.deleted,
          rejectedCode: row.rejected_code,
        }
      : null,
    link: link && { ...link, isTop: row.is_top === true },
    work: workStateOf(row),
    memberId: row.member_id,
    ...(row.member_stays ? { keepsMember: true } : {}),
    ...decisions(row),
  };
}

interface RoleRow extends LinkColumns<RoleLink['applied']>, WorkColumns, DecisionColumns<RoleLink['applied']> {
  readonly id: string;
  readonly known: boolean;
  readonly name: string | null;
  readonly deleted: boolean;
  readonly rejected_code: ErrorCode | null;
  readonly code: ErrorCode | null;
  readonly member_id: string | null;
}

/** All roles of the integration. `withMembers`: also who still has those that are to go. */
export async function loadRoles(
  db: Knex,
  context: LoadContext,
  { withMembers }: { readonly withMembers: boolean },
): Promise<RoleBook> {
  const { rows } = await db.raw<{ rows: RoleRow[] }>(
    `select coalesce(f.id, l.id) as id, f.id is not null as known, f.name, coalesce(f.deleted, false) as deleted,
            f.rejected_code, l.target_id, l.made_by_us, null::boolean as is_top, l.applied, w.state as work_state, w.lane,
            w.code, ${decisionColumns}, ${withMembers ? memberColumns : 'null::text as member_id'}
       from ${withLinks('role')} ${withMembers ? memberOf('permissionTypeIds', '(f.deleted or w.undo is not null)') : ''}`,
    { id: context.id, tenant: context.tenant },
  );
  return new RoleBook(rows.map(roleNode));
}

function roleNode(row: RoleRow): RoleNode {
  const blocked = row.work_state === 'parked' || row.work_state === 'conflict' || row.work_state === 'held';
  return {
    id: row.id,
    fact: row.known ? { name: row.name, deleted: row.deleted, rejectedCode: row.rejected_code } : null,
    link: linkOf(row),
    work: workStateOf(row),
    blockedBy: blocked ? (row.code ?? 'UNEXPECTED') : null,
    memberId: row.member_id,
    ...decisions(row),
  };
}

/** Whether the site is gone, and whether the unit linked as the top one still is the top one. */
export async function loadOrganisation(
  db: Knex,
  context: LoadContext,
): Promise<{ readonly tenantGone: boolean; readonly topUnitChanged: boolean }> {
  const { rows } = await db.raw<{ rows: { tenant_gone: boolean; top_unit_changed: boolean }[] }>(
    `select exists (select from sink.tenant where tenant = :tenant and deleted) as tenant_gone,
            exists (select from sink.link l join sink.unit u on u.tenant = :tenant and u.id = l.id
                     where l.integration_id = :id and l.kind = 'unit' and l.is_top
                       and (u.deleted or u.unit_type = 'department'
                            or (u.rejected_code is null and u.parent_id is not null))) as top_unit_changed`,
    { id: context.id, tenant: context.tenant },
  );
  return { tenantGone: rows[0]!.tenant_gone, topUnitChanged: rows[0]!.top_unit_changed };
}
