import type { Department, JobProfile, PermissionType, User } from './model.ts';
import type { Platform } from './platform.ts';
import { parse, queries } from './validate.ts';

export function renderDepartment(platform: Platform, department: Department): Record<string, unknown> {
  const { topId, defaultId } = platform.departments;
  return { ...department, isTop: department.id === topId, isDefault: department.id === defaultId };
}

export function renderPermissionType(platform: Platform, type: PermissionType): Record<string, unknown> {
  return { ...type, isDefault: type.id === platform.permissionTypes.defaultId };
}

export function renderJobProfile(platform: Platform, profile: JobProfile): Record<string, unknown> {
  return { ...profile, isDefault: profile.id === platform.jobProfiles.defaultId };
}

/** A user as the API shows it: departments, job profile and permission types with their names. */
export function renderUser(platform: Platform, user: User): Record<string, unknown> {
  const { departmentIds, jobProfileId, permissionTypeIds, ...fields } = user;
  return {
    ...fields,
    departments: departmentIds.map((id, index) => ({
      id,
      name: platform.departments.get(id).name,
      isPrimary: index === 0,
    })),
    jobProfile: jobProfileId === null ? null : { id: jobProfileId, name: platform.jobProfiles.get(jobProfileId).name },
    permissionTypes: permissionTypeIds.map((id) => ({ id, name: platform.permissionTypes.get(id).name })),
  };
}

export function renderPlatform(platform: Platform, url: string): Record<string, unknown> {
  return {
    name: platform.name,
    url,
    defaults: {
      departmentId: platform.departments.defaultId,
      jobProfileId: platform.jobProfiles.defaultId,
      permissionTypeId: platform.permissionTypes.defaultId,
    },
    languages: platform.settings.languages,
    topDepartmentId: platform.departments.topId,
  };
}

/** The list envelope: one page of `all`, rendered. */
export function renderPage<T>(all: readonly T[], query: unknown, render: (item: T) => unknown): unknown {
  const { page, pageSize } = parse(queries.page, query);
  const data = all.slice((page - 1) * pageSize, page * pageSize).map(render);
  return {
    data,
    meta: { page, pageSize, total: all.length, totalPages: Math.max(1, Math.ceil(all.length / pageSize)) },
  };
}
