import type { Context } from './context.ts';
import { matchDepartments, placeKey, type DepartmentMatch } from './department-match.ts';
import { expectedTree, type ExpectedTree, type ExpectedUnit } from './expected-tree.ts';
import { ownId } from './marker.ts';
import { compareStrayDepartments } from './stray-departments.ts';
import type { TargetDepartment } from './state.ts';
import { nameKey } from './text.ts';

/** The department of each unit that has one. */
export interface MappedUnits {
  readonly departmentOf: ReadonlyMap<string, TargetDepartment>;
  /** Units that wait or are parked. */
  readonly held: ReadonlySet<string>;
}

/** Units become departments, 1:1, below the top department (semantics §1; decided 5-8, 12, 14). */
export function compareDepartments(context: Context): MappedUnits {
  const { findings, options, source, state, tenant } = context;
  const tree = expectedTree(source, options.uniqueUnits ?? false);
  const top = topDepartment(context, tree);
  if (!top) return { departmentOf: new Map(), held: new Set(source.units.map((unit) => unit.id)) };

  const match = matchDepartments(context, tree, top);
  const held = new Set<string>();
  for (const expected of tree.units.values()) {
    if (expected.parentId !== null) compareUnit(context, tree, match, held, expected);
  }
  for (const unit of tree.waiting) {
    held.add(unit.id);
    findings.park('unit', unit.id, 'WAITING');
  }
  compareStrayDepartments(context, tree, match, held);
  findings.duplicate('unit', 'marker', state.departments, (one) => ownId(one.externalId, tenant, 'unit'));
  const isOurs = (one: TargetDepartment) => match.unitOf.has(one.id);
  findings.duplicate('unit', 'name', state.departments, (one) => placeKey(one.parentId, one.name), isOurs);
  return { departmentOf: match.ofUnit, held };
}

function topDepartment(
  { findings, options, source, state }: Context,
  tree: ExpectedTree,
): TargetDepartment | undefined {
  const [unit] = tree.tops;
  const department = state.departments.find((one) => one.isTop);
  if (!unit || tree.tops.length > 1 || !department) {
    const rule = 'one top unit is linked to the top department (decided 14: else the tenant halts)';
    const actual = tree.tops.length;
    findings.mismatch({ kind: 'tenant', sourceId: source.siteId, field: 'topUnits', expected: 1, actual, rule });
    return undefined;
  }
  const { topDepartmentName = department.name } = options;
  findings.compared += 1;
  if (department.name !== topDepartmentName) {
    const rule = "the top department's name is never changed";
    const values = { expected: topDepartmentName, actual: department.name };
    findings.mismatch({ kind: 'unit', sourceId: unit.id, field: 'name', ...values, rule });
  }
  return department;
}

function compareUnit(
  context: Context,
  tree: ExpectedTree,
  match: DepartmentMatch,
  held: Set<string>,
  expected: ExpectedUnit,
): void {
  const { findings } = context;
  const { id } = expected.unit;
  const parentId = expected.parentId ?? '';
  const parent = match.ofUnit.get(parentId);
  const code = expected.problem ?? heldBack(context, tree, match, held, expected, parent);
  if (code !== undefined) {
    held.add(id);
    findings.park('unit', id, code);
    return;
  }
  const mismatch = (field: string, wanted: unknown, actual: unknown, rule: string) =>
    findings.mismatch({ kind: 'unit', sourceId: id, field, expected: wanted, actual, rule });
  const department = match.ofUnit.get(id);
  if (!department || !parent) return mismatch('exists', expected.name, null, 'sub-unit created: department created');
  findings.compared += 1;
  if (nameKey(department.name) !== nameKey(expected.name)) {
    mismatch('name', expected.name, department.name, 'sub-unit renamed: department renamed');
  }
  if (department.parentId !== parent.id) {
    mismatch('parent', parent.id, department.parentId, "sub-unit moved: department under the new parent's");
  }
}

function heldBack(
  context: Context,
  tree: ExpectedTree,
  match: DepartmentMatch,
  held: ReadonlySet<string>,
  expected: ExpectedUnit,
  parent: TargetDepartment | undefined,
): string | undefined {
  if (!parent) return held.has(expected.parentId ?? '') ? 'WAITING' : undefined;
  const own = match.ofUnit.get(expected.unit.id);
  const holders = match.at(parent.id, expected.name).filter((one) => one.id !== own?.id);
  return holders.some((holder) => mayStay(context, tree, match, holder)) ? 'DEPARTMENT_NAME_TAKEN' : undefined;
}

/**
 * Whether the holder of a name that another unit wants is there by right: nobody's, kept back itself, or where it
 * belongs (decided 7). An object of ours that is to go, or belongs elsewhere, must have freed the name (decided 14).
 */
function mayStay({ tenant }: Context, tree: ExpectedTree, match: DepartmentMatch, holder: TargetDepartment): boolean {
  const unitId = match.unitOf.get(holder.id);
  if (unitId === undefined) return ownId(holder.externalId, tenant, 'unit') === undefined;
  const expected = tree.units.get(unitId);
  if (!expected || expected.problem !== undefined) return true;
  const parent = match.ofUnit.get(expected.parentId ?? '');
  return parent !== undefined && placeKey(parent.id, expected.name) === placeKey(holder.parentId, holder.name);
}
