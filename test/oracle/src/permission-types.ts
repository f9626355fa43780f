import type { Context } from './context.ts';
import { ownId, parseMarker } from './marker.ts';
import type { SourceRole } from './source.ts';
import type { TargetPermissionType } from './state.ts';
import { nameKey, nameProblem } from './text.ts';

/** The permission type of each role that has one. */
export interface MappedRoles {
  readonly typeOf: ReadonlyMap<string, TargetPermissionType>;
  /** Permission types that this tenant made: the ones it also takes away. */
  readonly madeByUs: ReadonlySet<number>;
}

/** Roles become permission types of the same name (semantics §1; decided 8, 12). */
export function comparePermissionTypes(context: Context): MappedRoles {
  const { findings, source, state, tenant } = context;
  const roles = source.roles.filter((role) => !role.deleted);
  const typeOf = matchTypes(context, roles);
  const roleOf = new Map([...typeOf].map(([roleId, type]) => [type.id, roleId]));
  for (const role of roles) compareRole(context, role, { roles, typeOf, roleOf });
  for (const type of state.permissionTypes) {
    const sourceId = ownId(type.externalId, tenant, 'role');
    if (sourceId === undefined || typeOf.has(sourceId)) continue;
    const rule = 'role deleted: permission type deleted';
    findings.mismatch({ kind: 'role', sourceId, field: 'exists', expected: null, actual: type.name, rule });
  }
  const isOurs = (type: TargetPermissionType) => roleOf.has(type.id);
  findings.duplicate('role', 'marker', state.permissionTypes, (one) => ownId(one.externalId, tenant, 'role'));
  findings.duplicate('role', 'name', state.permissionTypes, (one) => nameKey(one.name), isOurs);
  const made = state.permissionTypes.filter((type) => ownId(type.externalId, tenant, 'role') !== undefined);
  return { typeOf, madeByUs: new Set(made.map((type) => type.id)) };
}

interface RoleMatch {
  readonly roles: readonly SourceRole[];
  readonly typeOf: ReadonlyMap<string, TargetPermissionType>;
  readonly roleOf: ReadonlyMap<number, string>;
}

/** By our marker, else by exact name; a built-in type is never adopted. */
function matchTypes({ state, tenant }: Context, roles: readonly SourceRole[]): Map<string, TargetPermissionType> {
  const marked = new Map(state.permissionTypes.map((type) => [ownId(type.externalId, tenant, 'role'), type]));
  const adoptable = state.permissionTypes.filter((type) => !type.isSystem && !parseMarker(type.externalId));
  const byName = new Map(adoptable.map((type) => [nameKey(type.name), type]));
  const typeOf = new Map<string, TargetPermissionType>();
  const taken = new Set<number>();
  for (const role of roles) {
    const type = marked.get(role.id) ?? byName.get(nameKey(role.name ?? ''));
    if (!type || taken.has(type.id)) continue;
    taken.add(type.id);
    typeOf.set(role.id, type);
  }
  return typeOf;
}

function compareRole(context: Context, role: SourceRole, match: RoleMatch): void {
  const { findings } = context;
  const code = nameProblem(role.name) ?? heldBack(context, role, match);
  if (code !== undefined) return findings.park('role', role.id, code);
  const type = match.typeOf.get(role.id);
  const mismatch = (field: string, actual: unknown, rule: string) =>
    findings.mismatch({ kind: 'role', sourceId: role.id, field, expected: role.name, actual, rule });
  if (!type) return mismatch('exists', null, 'role created: permission type of the same name');
  findings.compared += 1;
  if (nameKey(type.name) !== nameKey(role.name ?? '')) {
    mismatch('name', type.name, 'role renamed: permission type renamed');
  }
}

/** Another type has the name by right: built in, nobody's, or of a role of the same name. */
function heldBack({ state, tenant }: Context, role: SourceRole, match: RoleMatch): string | undefined {
  const key = nameKey(role.name ?? '');
  const ownType = match.typeOf.get(role.id)?.id;
  const holder = state.permissionTypes.find((type) => nameKey(type.name) === key && type.id !== ownType);
  if (!holder) return undefined;
  if (holder.isSystem) return 'PERMISSION_TYPE_HAS_RIGHTS';
  const other = match.roles.find((one) => one.id === match.roleOf.get(holder.id));
  if (!other) return ownId(holder.externalId, tenant, 'role') === undefined ? 'PERMISSION_TYPE_NAME_TAKEN' : undefined;
  const stays = nameProblem(other.name) !== undefined || nameKey(other.name ?? '') === key;
  return stays ? 'PERMISSION_TYPE_NAME_TAKEN' : undefined;
}
