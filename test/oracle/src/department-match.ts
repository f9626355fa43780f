import type { Context } from './context.ts';
import type { ExpectedTree } from './expected-tree.ts';
import { ownId, parseMarker } from './marker.ts';
import type { TargetDepartment } from './state.ts';
import { nameKey } from './text.ts';

/** Which department belongs to which unit, and who sits where. */
export interface DepartmentMatch {
  readonly ofUnit: ReadonlyMap<string, TargetDepartment>;
  readonly unitOf: ReadonlyMap<number, string>;
  readonly children: ReadonlyMap<number | null, readonly TargetDepartment[]>;
  /** Departments of one name under one parent. */
  at(parentId: number, name: string): readonly TargetDepartment[];
}

/** One key per parent and name: where only one department may be. */
export const placeKey = (parentId: number | null, name: string): string => `${parentId} ${nameKey(name)}`;

/** By our marker; else, top-down, a department without any marker by (parent, exact name): an adopted one. */
export function matchDepartments(context: Context, tree: ExpectedTree, top: TargetDepartment): DepartmentMatch {
  const { state, tenant } = context;
  const places = Map.groupBy(state.departments, (one) => placeKey(one.parentId, one.name));
  const at = (parentId: number, name: string) => places.get(placeKey(parentId, name)) ?? [];
  const marked = new Map<string, TargetDepartment>();
  for (const department of state.departments) {
    const id = ownId(department.externalId, tenant, 'unit');
    if (id !== undefined && !department.isTop && !marked.has(id)) marked.set(id, department);
  }
  const ofUnit = new Map<string, TargetDepartment>();
  const unitOf = new Map<number, string>();
  const pair = (unitId: string, department: TargetDepartment | undefined) => {
    if (!department || unitOf.has(department.id)) return;
    ofUnit.set(unitId, department);
    unitOf.set(department.id, unitId);
  };
  for (const { unit, parentId, name } of tree.units.values()) {
    const parent = parentId === null ? undefined : ofUnit.get(parentId);
    const free = (one: TargetDepartment) => parseMarker(one.externalId) === undefined && !unitOf.has(one.id);
    if (parentId === null) pair(unit.id, top);
    else pair(unit.id, marked.get(unit.id) ?? (parent && at(parent.id, name).find(free)));
  }
  for (const unit of tree.waiting) pair(unit.id, marked.get(unit.id));
  return { ofUnit, unitOf, at, children: Map.groupBy(state.departments, (one) => one.parentId) };
}
