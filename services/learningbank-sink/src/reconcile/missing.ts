import type { ObjectKind } from '../model.ts';
import type { Doing } from './doing.ts';
import { type Call, targetOf } from './executor.ts';
import type { ObjectContext } from './object-context.ts';
import { readTarget } from './read-back.ts';
import { findLinkers } from './target-store.ts';
import { markDependants } from './dependants.ts';
import { markWork } from './work-store.ts';

/** True when a refusal names fields that hold ids of other objects. */
export function namesReferences(detail: Readonly<Record<string, unknown>>): boolean {
  const fields = detail['fields'];
  return (
    Array.isArray(fields) &&
    fields.some((field) => /^(parentId|departmentIds?|add|remove|permissionTypeIds?)\b/.test(String(field)))
  );
}

/**
 * The target does not know an object that a call names: somebody deleted it there. Looks which one it is, forgets its
 * link, and has it made anew, by its own work where it is not the object itself. False when nothing is missing.
 */
export async function dealWithMissing(context: ObjectContext, doing: Doing, action: Call): Promise<boolean> {
  const { session, gate, db, platform, integration } = context;
  const { key, cause } = doing;
  const own = targetOf(action);
  const named = [...(own === null ? [] : [{ kind: key.kind, id: own }]), ...referencesOf(action)];
  const missing: { readonly kind: ObjectKind; readonly id: number }[] = [];
  for (const one of named) {
    const found = await gate.run(cause.lane, () => readTarget(session, one.kind, one.id));
    if (!found) missing.push(one);
  }
  const linkers = await findLinkers(db, platform, missing);
  let healed = false;
  for (const one of missing) {
    const linker = linkers.get(`${one.kind}/${one.id}`);
    if (linker?.integrationId !== integration.id) continue;
    const other = { integrationId: integration.id, kind: one.kind, id: linker.id };
    await context.record({ key: other, cause, link: { change: 'remove' } });
    await markDependants(db, { key: other, tenant: integration.tenant, cause });
    if (other.kind !== key.kind || other.id !== key.id) await markWork(db, { key: other, lane: cause.lane, cause });
    healed = true;
  }
  return healed;
}

/** Target objects that a call names beside its own. */
function referencesOf(action: Call): readonly { readonly kind: ObjectKind; readonly id: number }[] {
  const units = (ids: readonly number[]): readonly { kind: ObjectKind; id: number }[] =>
    ids.map((id) => ({ kind: 'unit', id }));
  const roles = (ids: readonly number[]): readonly { kind: ObjectKind; id: number }[] =>
    ids.map((id) => ({ kind: 'role', id }));
  switch (action.op) {
    case 'department.create':
      return units([action.parentId]);
    case 'department.update':
      return units(action.set.parentId === undefined ? [] : [action.set.parentId]);
    case 'user.create':
      return [...units(action.user.departmentIds), ...roles(action.user.permissionTypeIds)];
    case 'user.departments':
      return units(action.departmentIds);
    case 'user.permissions':
      return roles([...action.add, ...action.remove]);
    default:
      return [];
  }
}
