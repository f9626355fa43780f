/**
 * The vendor's HTTP API as we ASSUME it (it is not public): every path, field name and code of it, and nothing of it
 * anywhere else. When the real contract is known, this file is replaced.
 */
import { z } from 'zod';
import type { CallInfo, Page } from './http.ts';
import type * as lb from './learningbank.ts';

/** A route: its name for metrics, and how it is called. */
export interface Route {
  readonly route: string;
  readonly method: CallInfo['method'];
  readonly path: string;
  /** Changes something that a repetition would change again. */
  readonly write: boolean;
  /** 404 speaks of the object asked for; elsewhere it means that the base URL is wrong. */
  readonly mayMiss: boolean;
}

const read = (route: string, path: string, mayMiss = false): Route => ({
  route,
  method: 'GET',
  path,
  write: false,
  mayMiss,
});
const write = (route: string, method: Route['method'], path: string, mayMiss = true): Route => ({
  route,
  method,
  path,
  write: true,
  mayMiss,
});

export const routes = {
  token: { route: 'auth.token', method: 'POST', path: '/auth/token', write: false, mayMiss: false } as Route,
  platform: read('platform.get', '/platform'),
  departments: read('departments.list', '/departments'),
  department: (id: number) => read('departments.get', `/departments/${id}`, true),
  createDepartment: write('departments.create', 'POST', '/departments', false),
  updateDepartment: (id: number) => write('departments.update', 'PATCH', `/departments/${id}`),
  deleteDepartment: (id: number) => write('departments.delete', 'DELETE', `/departments/${id}`),
  permissionTypes: read('permission_types.list', '/permission-types'),
  permissionType: (id: number) => read('permission_types.get', `/permission-types/${id}`, true),
  createPermissionType: write('permission_types.create', 'POST', '/permission-types', false),
  updatePermissionType: (id: number) => write('permission_types.update', 'PATCH', `/permission-types/${id}`),
  deletePermissionType: (id: number) => write('permission_types.delete', 'DELETE', `/permission-types/${id}`),
  jobProfiles: read('job_profiles.list', '/job-profiles'),
  createJobProfile: write('job_profiles.create', 'POST', '/job-profiles', false),
  users: read('users.list', '/users'),
  user: (id: number) => read('users.get', `/users/${id}`, true),
  createUser: write('users.create', 'POST', '/users', false),
  updateUser: (id: number) => write('users.update', 'PATCH', `/users/${id}`),
  deactivateUser: (id: number) => write('users.deactivate', 'POST', `/users/${id}/deactivate`),
  reactivateUser: (id: number) => write('users.reactivate', 'POST', `/users/${id}/reactivate`),
  deleteUser: (id: number) => write('users.delete', 'DELETE', `/users/${id}`),
  setDepartments: (id: number) => write('users.set_departments', 'PUT', `/users/${id}/departments`),
  changePermissionTypes: (id: number) => write('users.change_permission_types', 'PUT', `/users/${id}/permission-types`),
  notificationTypes: read('notification_types.list', '/notification-types'),
  /** A link more does no harm: not a write. */
  createLoginLink: {
    route: 'login_links.create',
    method: 'POST',
    path: '/login-links',
    write: false,
    mayMiss: true,
  } as Route,
};

/** Records in one page, at most. */
export const maxPageSize = 200;

const id = z.int();
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const data = <T>(schema: z.ZodType<T>) => z.object({ data: schema }).transform((answer) => answer.data);

const department: z.ZodType<lb.Department> = z.object({
  id,
  name: z.string(),
  parentId: id.nullable(),
  externalId: text,
  isTop: flag,
  isDefault: flag,
});

const permissionType: z.ZodType<lb.PermissionType> = z.object({
  id,
  name: z.string(),
  externalId: text,
  isSystem: flag,
  isDefault: flag,
});

const jobProfile: z.ZodType<lb.JobProfile> = z.object({ id, name: z.string(), isDefault: flag });

const reference = z.object({ id });

const user: z.ZodType<lb.User> = z
  .object({
    id,
    externalId: text,
    username: z.string().nullish(),
    email: text,
    firstName: z.string(),
    lastName: z.string(),
    phone: text,
    language: z.string().nullish(),
    isActive: z.boolean(),
    departments: z.array(z.object({ id, isPrimary: flag })),
    jobProfile: reference.nullish(),
    permissionTypes: z.array(reference),
    firstDay: text,
    lastDay: text,
    isAnonymised: flag,
  })
  .transform(({ departments, jobProfile: profile, permissionTypes, username, language, ...fields }) => ({
    ...fields,
    username: username ?? '',
    language: language ?? '',
    departmentIds: [...departments].sort((a, b) => Number(b.isPrimary) - Number(a.isPrimary)).map((one) => one.id),
    jobProfileId: profile?.id ?? null,
    permissionTypeIds: permissionTypes.map((one) => one.id),
  }));

const page = <T>(item: z.ZodType<T>): z.ZodType<Page<T>> =>
  z
    .object({ data: z.array(item), meta: z.object({ page: id, total: id, totalPages: id }) })
    .transform(({ data: items, meta }) => ({ items, ...meta }));

/** A token answer. */
export interface Token {
  readonly accessToken: string;
  readonly expiresInS: number;
  readonly platform: lb.PlatformIdentity;
}

const notificationType = z
  .object({
    key: z.string(),
    mandatory: flag,
    channels: z.record(z.string(), z.object({ enabled: flag })).default({}),
  })
  .transform(({ key, mandatory, channels }): lb.NotificationType => {
    return { key, mandatory, enabled: Object.values(channels).some((channel) => channel.enabled) };
  });

/** Answers, parsed into our own words; fields we do not know are ignored. */
export const answers = {
  token: z
    .object({
      accessToken: z.string().min(1),
      expiresIn: z.number().positive(),
      platform: z.object({ id, name: z.string(), url: z.string() }),
    })
    .transform((answer): Token => {
      return { accessToken: answer.accessToken, expiresInS: answer.expiresIn, platform: answer.platform };
    }),
  platform: data(
    z
      .object({
        name: z.string(),
        url: z.string(),
        topDepartmentId: id,
        languages: z.array(z.string()).default([]),
        defaults: z.object({
          departmentId: id.nullish(),
          jobProfileId: id.nullish(),
          permissionTypeId: id.nullish(),
        }),
      })
      .transform(({ defaults, ...fields }): lb.Platform => {
        return {
          ...fields,
          defaultDepartmentId: defaults.departmentId ?? null,
          defaultJobProfileId: defaults.jobProfileId ?? null,
          defaultPermissionTypeId: defaults.permissionTypeId ?? null,
        };
      }),
  ),
  department: data(department),
  departments: page(department),
  permissionType: data(permissionType),
  permissionTypes: page(permissionType),
  jobProfile: data(jobProfile),
  jobProfiles: page(jobProfile),
  user: data(user),
  users: page(user),
  notificationTypes: data(z.array(notificationType)),
  loginLink: data(z.object({ url: z.url(), expiresAt: z.string() })),
};

/** Our words are the vendor's field names so far; these are the places where they would part. */
export const encode = {
  credentials: (credentials: lb.Credentials): unknown => credentials,
  department: (set: lb.DepartmentCreate | lb.DepartmentUpdate): unknown => set,
  permissionType: (set: lb.PermissionTypeCreate | lb.PermissionTypeUpdate): unknown => set,
  jobProfile: (set: lb.JobProfileCreate): unknown => set,
  /** Empty lists are left out: the platform fills in its defaults. */
  newUser: ({ departmentIds, permissionTypeIds, ...fields }: lb.UserCreate): unknown => ({
    ...fields,
    ...(departmentIds.length > 0 ? { departmentIds } : {}),
    ...(permissionTypeIds.length > 0 ? { permissionTypeIds } : {}),
  }),
  user: (set: lb.UserUpdate): unknown => set,
  departments: (departmentIds: readonly number[]): unknown => ({ departmentIds }),
  permissionTypeDelta: (delta: lb.PermissionTypeDelta): unknown => delta,
  loginLink: (forUser: lb.LoginLinkFor, redirectPath: string | undefined): unknown =>
    redirectPath === undefined ? forUser : { ...forUser, redirectPath },
  /** Query of a list. */
  query: (filter: object, pageNo: number, pageSize: number): URLSearchParams => {
    const query = new URLSearchParams({ page: `${pageNo}`, pageSize: `${pageSize}` });
    for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value));
    return query;
  },
};

/** The envelope of an answer that is not a success. */
export const errorAnswer = z.object({
  error: z.object({ code: z.string(), fields: z.record(z.string(), z.unknown()).optional() }),
});
