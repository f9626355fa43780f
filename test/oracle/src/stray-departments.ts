import type { Context } from './context.ts';
import type { DepartmentMatch } from './department-match.ts';
import type { ExpectedTree } from './expected-tree.ts';
import { ownId } from './marker.ts';
import { isOutOfScope } from './scope.ts';
import type { TargetDepartment } from './state.ts';
import { emailKey } from './text.ts';

/**
 * Departments we made whose unit is gone, or was never to be mirrored, must be gone too; unless foreign users, foreign
 * departments or a unit that waits keep them (decided 12).
 */
export function compareStrayDepartments(
  context: Context,
  tree: ExpectedTree,
  match: DepartmentMatch,
  held: ReadonlySet<string>,
): void {
  const { findings, options, state, tenant } = context;
  const topId = tree.tops[0]?.id;
  const isStray = (one: TargetDepartment) => {
    const id = ownId(one.externalId, tenant, 'unit');
    if (id === undefined || one.isTop || match.unitOf.has(one.id)) return false;
    // A second department of a living unit is a duplicate, reported as such.
    return id === topId || !match.ofUnit.has(id);
  };
  const occupied = departmentsWithForeignUsers(context);
  const isKept = (one: TargetDepartment): boolean =>
    occupied.has(one.id) ||
    one.id === state.defaults.departmentId ||
    one.id === options.defaultDepartmentId ||
    (match.children.get(one.id) ?? []).some((child) => {
      const unitId = match.unitOf.get(child.id);
      return unitId === undefined ? !isStray(child) || isKept(child) : held.has(unitId);
    });
  for (const department of state.departments) {
    if (!isStray(department)) continue;
    const sourceId = ownId(department.externalId, tenant, 'unit') ?? '';
    if (sourceId !== topId && isKept(department)) findings.park('unit', sourceId, 'DEPARTMENT_NOT_EMPTY');
    else {
      const rule = 'sub-unit deleted, or not mirrored (decided 6): department deleted';
      findings.mismatch({ kind: 'unit', sourceId, field: 'exists', expected: null, actual: department.name, rule });
    }
  }
}

/** Users who are nobody's of this tenant, neither by marker nor by e-mail; and those of people who are left alone. */
function departmentsWithForeignUsers(context: Context): Set<number> {
  const { source, state, tenant } = context;
  const emails = new Set(source.people.map((person) => emailKey(person.email)));
  const alone = new Set(source.people.filter((person) => isOutOfScope(context, person)).map(({ id }) => id));
  const foreign = state.users.filter((user) => {
    const key = emailKey(user.email);
    const id = ownId(user.externalId, tenant, 'person');
    return id === undefined ? key === undefined || !emails.has(key) : alone.has(id);
  });
  return new Set(foreign.flatMap((user) => user.departmentIds));
}
