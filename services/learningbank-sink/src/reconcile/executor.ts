import type { Department, LearningbankClient, PermissionType, User } from '@orgstream/clients';
import type { Action, AppliedPerson, AppliedRole, AppliedUnit } from '../model.ts';

/** An action that is one call to the target. */
export type Call = Exclude<Action, { readonly op: 'link' | 'unlink' }>;

export function isCall(action: Action): action is Call {
  return action.op !== 'link' && action.op !== 'unlink';
}

/** Id at the target that a call is about; null when it creates. */
export function targetOf(action: Action): number | null {
  return 'targetId' in action ? action.targetId : null;
}

/** Makes exactly one call; resolves with the id of the object at the target. The answer was checked by the client. */
export async function execute(
  client: LearningbankClient,
  action: Call,
  options: { readonly signal: AbortSignal; readonly idempotencyKey: string },
): Promise<number> {
  const { signal } = options;
  switch (action.op) {
    case 'department.create': {
      const { name, parentId, externalId } = action;
      return (await client.createDepartment({ name, parentId, externalId }, options)).id;
    }
    case 'department.update':
      return (await client.updateDepartment(action.targetId, action.set, { signal })).id;
    case 'department.delete':
      await client.deleteDepartment(action.targetId, { signal });
      return action.targetId;
    case 'permission_type.create':
      return (await client.createPermissionType({ name: action.name, externalId: action.externalId }, options)).id;
    case 'permission_type.update':
      return (await client.updatePermissionType(action.targetId, action.set, { signal })).id;
    case 'permission_type.delete':
      await client.deletePermissionType(action.targetId, { signal });
      return action.targetId;
    case 'user.create': {
      const { language, jobProfileId, ...user } = action.user;
      const optional = {
        ...(language === null ? {} : { language }),
        ...(jobProfileId === null ? {} : { jobProfileId }),
      };
      return (await client.createUser({ ...user, ...optional }, options)).id;
    }
    case 'user.update':
      return (await client.updateUser(action.targetId, action.set, { signal })).id;
    case 'user.departments':
      return (await client.setDepartments(action.targetId, action.departmentIds, { signal })).id;
    case 'user.permissions':
      return (
        await client.changePermissionTypes(action.targetId, { add: action.add, remove: action.remove }, { signal })
      ).id;
    case 'user.deactivate':
      return (await client.deactivateUser(action.targetId, { signal })).id;
    case 'user.delete':
      await client.deleteUser(action.targetId, { signal });
      return action.targetId;
    case 'job_profile.create':
      return (await client.createJobProfile({ name: action.name }, options)).id;
    case 'user.reactivate':
      return (await client.reactivateUser(action.targetId, { signal })).id;
  }
}

/** What a department at the target means as an applied unit. */
export function unitFrom(department: Pick<Department, 'name' | 'parentId'>): AppliedUnit {
  return { name: department.name, parentId: department.parentId };
}

/** What a permission type at the target means as an applied role. */
export function roleFrom(type: Pick<PermissionType, 'name'>): AppliedRole {
  return { name: type.name };
}

/** A user at the target with everything it has: the planner knows which of it is ours. */
export function userAsIs(user: User): AppliedPerson {
  return {
    firstName: user.firstName,
    lastName: user.lastName,
    email: user.email ?? '',
    active: user.isActive,
    departmentIds: user.departmentIds,
    permissionTypeIds: user.permissionTypeIds,
    jobProfileId: user.jobProfileId,
    jobProfileRoles: [],
  };
}

/**
 * A linked user as it was found at the target. Permission types that we did not assign are foreign, and the roles behind
 * the job profile are not known there: both come from `known`, our own last or intended state.
 */
export function personFrom(user: User, known: AppliedPerson): AppliedPerson {
  return {
    ...known,
    ...userAsIs(user),
    permissionTypeIds: user.permissionTypeIds.filter((id) => known.permissionTypeIds.includes(id)),
    jobProfileId: known.jobProfileId === null ? null : user.jobProfileId,
    jobProfileRoles: known.jobProfileRoles,
    ...(known.firstDay === undefined ? {} : { firstDay: user.firstDay }),
    ...(known.lastDay === undefined ? {} : { lastDay: user.lastDay }),
  };
}
