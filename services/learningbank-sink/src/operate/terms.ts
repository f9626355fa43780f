import type { Operation } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { query } from '../ingest/query.ts';
import type { AppliedPerson, AppliedRole, AppliedUnit, ObjectKind, TargetId } from '../model.ts';

/** What a link row holds as applied, of any kind. */
export type Applied = AppliedUnit | AppliedRole | AppliedPerson;

type Terms = Readonly<Record<string, unknown>>;

/** Which of our units and roles stand behind ids of the target. */
export interface Names {
  readonly units: ReadonlyMap<TargetId, string>;
  readonly roles: ReadonlyMap<TargetId, string>;
}

/** Names of what is linked now. */
export async function readNames(db: Knex, integrationId: string): Promise<Names> {
  const rows = await query<{ kind: ObjectKind; id: string; target_id: string }>(
    db,
    `select kind, id, target_id from sink.link where integration_id = ? and kind in ('unit', 'role')`,
    [integrationId],
  );
  const of = (wanted: ObjectKind): ReadonlyMap<TargetId, string> =>
    new Map(rows.flatMap(({ kind, id, target_id }) => (kind === wanted ? [[Number(target_id), id] as const] : [])));
  return { units: of('unit'), roles: of('role') };
}

/** An applied state in the words of operators: units and roles by source id, what is not ours as `#<target id>`. */
export function inTerms(kind: ObjectKind, applied: Applied | null, names: Names): Terms | null {
  if (applied === null) return null;
  const unit = (id: TargetId): string => {
    const known = names.units.get(id);
    return known === undefined ? `#${id}` : `unit/${known}`;
  };
  switch (kind) {
    case 'unit': {
      const { name, parentId } = applied as AppliedUnit;
      return { name, parent: parentId === null ? null : unit(parentId) };
    }
    case 'role':
      return { name: (applied as AppliedRole).name };
    case 'person': {
      const { firstName, lastName, email, active, jobProfileId, ...lists } = applied as AppliedPerson;
      return {
        firstName,
        lastName,
        email,
        active,
        departments: lists.departmentIds.map(unit),
        permissionTypes: lists.permissionTypeIds.map((id) => names.roles.get(id) ?? `#${id}`),
        jobProfileId,
      };
    }
  }
}

/** Of two states in terms, the name and what differs. */
export function onlyDiffering(
  before: Terms | null,
  after: Terms | null,
): { before: Terms | null; after: Terms | null } {
  if (!before || !after) return { before, after };
  const differs = (field: string): boolean => JSON.stringify(before[field]) !== JSON.stringify(after[field]);
  const kept = Object.keys(after).filter((field) => /name$/i.test(field) || differs(field));
  const only = (terms: Terms): Terms => Object.fromEntries(kept.map((field) => [field, terms[field]]));
  return { before: only(before), after: only(after) };
}

/** What going from one applied state to another does, in the words of operators; null = there is none (or it is gone). */
export function operationsBetween(kind: ObjectKind, from: Applied | null, to: Applied | null): readonly Operation[] {
  if (!from && !to) return [];
  if (!from) return ['create'];
  if (!to) return [kind === 'person' ? 'deactivate' : 'delete'];
  if (kind === 'unit') return unitOperations(from as AppliedUnit, to as AppliedUnit);
  if (kind === 'role') return (from as AppliedRole).name === (to as AppliedRole).name ? [] : ['rename'];
  return personOperations(from as AppliedPerson, to as AppliedPerson);
}

type Found = readonly (readonly [Operation, boolean])[];
const whichOf = (found: Found): readonly Operation[] => found.flatMap(([operation, is]) => (is ? [operation] : []));

function unitOperations(from: AppliedUnit, to: AppliedUnit): readonly Operation[] {
  return whichOf([
    ['move', from.parentId !== to.parentId],
    ['rename', from.name !== to.name],
  ]);
}

function personOperations(from: AppliedPerson, to: AppliedPerson): readonly Operation[] {
  const [had, has] = [new Set(from.permissionTypeIds), new Set(to.permissionTypeIds)];
  return whichOf([
    ['reactivate', !from.active && to.active],
    ['deactivate', from.active && !to.active],
    ['move', !sameDepartments(from.departmentIds, to.departmentIds)],
    ['rename', from.firstName !== to.firstName || from.lastName !== to.lastName],
    ['permission_added', to.permissionTypeIds.some((id) => !had.has(id))],
    ['permission_removed', from.permissionTypeIds.some((id) => !has.has(id))],
    ['email_changed', from.email.toLowerCase() !== to.email.toLowerCase()],
    ['job_profile_changed', to.jobProfileId !== null && from.jobProfileId !== to.jobProfileId],
    ['dates_changed', from.firstDay !== to.firstDay || from.lastDay !== to.lastDay],
  ]);
}

/** The same departments with the same primary one; the order of the others means nothing to the target. */
export function sameDepartments(a: readonly TargetId[], b: readonly TargetId[]): boolean {
  const set = new Set(a);
  return a[0] === b[0] && set.size === new Set(b).size && b.every((id) => set.has(id));
}
