/**
 * The vendor's HTTP API as we ASSUME it (it is not public): every path, field name and code of it, and nothing of it
 * anywhere else. When the real contract is known, this file is replaced.
 */
import { z } from 'zod';
import type { Page } from './http.ts';
import type * as lb from './learningbank.ts';
import { listedNotification } from './learningbank-notification.ts';
import { reading, writing, type Route } from './route.ts';
import type { Vendor } from './vendor-failure.ts';

export const routes = {
  token: {
    route: 'auth.token',
    method: 'POST',
    path: '/auth/token',
    write: false,
    mayMiss: false,
    login: true,
  } as Route,
  platform: reading('platform.get', '/platform'),
  departments: reading('departments.list', '/departments'),
  department: (id: number) => reading('departments.get', `/departments/${id}`, true),
  createDepartment: writing('departments.create', 'POST', '/departments', false),
  updateDepartment: (id: number) => writing('departments.update', 'PATCH', `/departments/${id}`),
  deleteDepartment: (id: number) => writing('departments.delete', 'DELETE', `/departments/${id}`),
  permissionTypes: reading('permission_types.list', '/permission-types'),
  permissionType: (id: number) => reading('permission_types.get', `/permission-types/${id}`, true),
  createPermissionType: writing('permission_types.create', 'POST', '/permission-types', false),
  updatePermissionType: (id: number) => writing('permission_types.update', 'PATCH', `/permission-types/${id}`),
  deletePermissionType: (id: number) => writing('permission_types.delete', 'DELETE', `/permission-types/${id}`),
  jobProfiles: reading('job_profiles.list', '/job-profiles'),
  createJobProfile: writing('job_profiles.create', 'POST', '/job-profiles', false),
  users: reading('users.list', '/users'),
  user: (id: number) => reading('users.get', `/users/${id}`, true),
  createUser: writing('users.create', 'POST', '/users', false),
  updateUser: (id: number) => writing('users.update', 'PATCH', `/users/${id}`),
  deactivateUser: (id: number) => writing('users.deactivate', 'POST', `/users/${id}/deactivate`),
  reactivateUser: (id: number) => writing('users.reactivate', 'POST', `/users/${id}/reactivate`),
  deleteUser: (id: number) => writing('users.delete', 'DELETE', `/users/${id}`),
  setDepartments: (id: number) => writing('users.set_departments', 'PUT', `/users/${id}/departments`),
  changePermissionTypes: (id: number) =>
    writing('users.change_permission_types', 'PUT', `/users/${id}/permission-types`),
  notificationTypes: reading('notification_types.list', '/notification-types'),
  notifications: reading('notifications.list', '/notifications'),
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
    name: z.string().nullish(),
    mandatory: flag,
    channels: z.record(z.string(), z.object({ enabled: flag, body: z.string().nullish() })).default({}),
  })
  .transform(({ key, name, mandatory, channels }): lb.NotificationType => {
    const { ziik } = channels;
    return {
      key,
      name: name ?? key,
      mandatory,
      enabled: Object.values(channels).some((channel) => channel.enabled),
      ziik: ziik === undefined ? null : { enabled: ziik.enabled, body: ziik.body ?? '' },
    };
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
  notifications: data(z.array(listedNotification)),
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

const refusal = z.object({
  error: z.object({ code: z.string(), fields: z.record(z.string(), z.unknown()).optional() }),
});

/** How its failures are called here. */
export const learningbank: Vendor = {
  codes: {
    unreachable: 'TARGET_UNREACHABLE',
    error: 'TARGET_ERROR',
    rateLimited: 'TARGET_RATE_LIMITED',
    answerInvalid: 'TARGET_ANSWER_INVALID',
    authFailed: 'TARGET_AUTH_FAILED',
    forbidden: 'TARGET_FORBIDDEN',
    notFound: 'TARGET_NOT_FOUND',
    conflict: 'TARGET_CONFLICT',
    refused: 'TARGET_REFUSED',
  },
  readRefusal: (body) => {
    const { data: said } = refusal.safeParse(body);
    return said === undefined ? null : { code: said.error.code, fields: Object.keys(said.error.fields ?? {}) };
  },
};
