/**
 * What orgstream needs of a Learningbank platform, in our words. Paths and field names of the vendor's API are ASSUMED
 * and live in `learningbank-contract.ts` alone; nothing here changes when the real contract arrives.
 *
 * Every method makes exactly one HTTP call (every page of a list is one); only the token is fetched besides, when there
 * is none, when it is about to expire, and once after a 401. Nothing is retried here: that is the caller's trade.
 *
 * Failures are AppErrors: TARGET_UNREACHABLE, TARGET_ERROR, TARGET_RATE_LIMITED (waitMs), TARGET_AUTH_FAILED,
 * TARGET_FORBIDDEN, TARGET_NOT_FOUND, TARGET_CONFLICT (data.targetCode), TARGET_REFUSED (data.fields: names only),
 * TARGET_ANSWER_INVALID. `data.ambiguous === true`: the write may have happened, look before repeating it.
 */
import type { CallOptions, HttpOptions, ListOptions, Page } from './http.ts';

/** A set of API credentials of one platform. `token` names the platform where the host does not. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly token?: string;
}

/** The platform the credentials belong to, as the token answer names it. */
export interface PlatformIdentity {
  readonly id: number;
  readonly name: string;
  readonly url: string;
}

/** What the platform fills in where a user lacks it, and the department everything hangs under. */
export interface Platform {
  readonly name: string;
  readonly url: string;
  readonly topDepartmentId: number;
  readonly defaultDepartmentId: number | null;
  readonly defaultJobProfileId: number | null;
  readonly defaultPermissionTypeId: number | null;
  readonly languages: readonly string[];
}

export interface Department {
  readonly id: number;
  readonly name: string;
  /** null for the top department only. */
  readonly parentId: number | null;
  readonly externalId: string | null;
  readonly isTop: boolean;
  readonly isDefault: boolean;
}

export interface DepartmentCreate {
  readonly name: string;
  readonly parentId: number;
  readonly externalId?: string | null;
}

export interface DepartmentUpdate {
  readonly name?: string;
  readonly parentId?: number;
  readonly externalId?: string | null;
}

export interface PermissionType {
  readonly id: number;
  readonly name: string;
  readonly externalId: string | null;
  /** Built in: carries rights. */
  readonly isSystem: boolean;
  readonly isDefault: boolean;
}

export interface PermissionTypeCreate {
  readonly name: string;
  readonly externalId?: string | null;
}

export interface PermissionTypeUpdate {
  readonly name?: string;
  readonly externalId?: string | null;
}

export interface JobProfile {
  readonly id: number;
  readonly name: string;
  readonly isDefault: boolean;
}

export interface JobProfileCreate {
  readonly name: string;
}

export interface User {
  readonly id: number;
  readonly externalId: string | null;
  readonly username: string;
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly phone: string | null;
  readonly language: string;
  readonly isActive: boolean;
  /** Primary first. */
  readonly departmentIds: readonly number[];
  readonly jobProfileId: number | null;
  readonly permissionTypeIds: readonly number[];
  /** `YYYY-MM-DD`. */
  readonly firstDay: string | null;
  /** `YYYY-MM-DD`. */
  readonly lastDay: string | null;
  readonly isAnonymised: boolean;
}

/** What may be left out is filled with the platform's default. */
export interface UserCreate {
  readonly externalId?: string | null;
  readonly username?: string;
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly phone?: string | null;
  readonly language?: string;
  readonly isActive: boolean;
  /** First = primary. Empty = the platform's default department. */
  readonly departmentIds: readonly number[];
  readonly jobProfileId?: number;
  /** Empty = the platform's default permission type. */
  readonly permissionTypeIds: readonly number[];
  readonly firstDay?: string | null;
  readonly lastDay?: string | null;
}

/** Only what is given is written. The active flag has calls of its own; so has the delta of permission types. */
export interface UserUpdate {
  readonly externalId?: string | null;
  readonly username?: string;
  readonly email?: string | null;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly phone?: string | null;
  readonly language?: string;
  /** Replaces all. First = primary. */
  readonly departmentIds?: readonly number[];
  readonly jobProfileId?: number | null;
  readonly firstDay?: string | null;
  readonly lastDay?: string | null;
}

/** Permission types to give and to take; all others of the user stay. */
export interface PermissionTypeDelta {
  readonly add: readonly number[];
  readonly remove: readonly number[];
}

/** Whom a login link is for: exactly one of the three. */
export type LoginLinkFor = { readonly userId: number } | { readonly externalId: string } | { readonly email: string };

/** A single-use link that signs its user in. */
export interface LoginLink {
  readonly url: string;
  readonly expiresAt: string;
}

/** A kind of message the platform sends; `enabled` = on at least one channel. */
export interface NotificationType {
  readonly key: string;
  readonly name: string;
  /** Cannot be switched off. */
  readonly mandatory: boolean;
  readonly enabled: boolean;
  /** The channel Ziik: whether the platform sends on it, and its own text. null: the platform has no such channel. */
  readonly ziik: { readonly enabled: boolean; readonly body: string } | null;
}

/** Something the platform tells one user. */
export interface Notification {
  /** Unique on its platform. */
  readonly id: string;
  /** Key of a {@link NotificationType}. */
  readonly type: string;
  /** Unix milliseconds. */
  readonly occurredAtMs: number;
  readonly userId: number;
  readonly email: string | null;
  /** Merge fields by tag. */
  readonly fields: Readonly<Record<string, string>>;
  readonly link: string | null;
}

/** A notification as it is listed; null and what is wrong with it when it cannot be read. */
export interface ListedNotification {
  readonly id: number;
  readonly notification: Notification | null;
  readonly problems: readonly string[];
}

export interface CreateOptions extends CallOptions {
  /** Same key again: the platform answers what it answered before, where it supports that. Never relied upon. */
  readonly idempotencyKey?: string;
}

export interface DepartmentFilter {
  readonly name?: string;
  readonly parentId?: number;
  readonly externalId?: string;
}

export interface NameFilter {
  readonly name?: string;
}

export interface PermissionTypeFilter extends NameFilter {
  readonly externalId?: string;
}

export interface UserFilter {
  /** Compared case-insensitively. */
  readonly email?: string;
  readonly username?: string;
  readonly externalId?: string;
  readonly isActive?: boolean;
  readonly departmentId?: number;
}

/** One platform, one set of credentials. Lists are async iterables of pages: each `next()` is one call. */
export interface LearningbankClient {
  /** Fetches a token even if there is one: proves the credentials and names the platform. */
  login(options?: CallOptions): Promise<PlatformIdentity>;
  platform(options?: CallOptions): Promise<Platform>;

  departments(filter?: DepartmentFilter, options?: ListOptions): AsyncIterable<Page<Department>>;
  getDepartment(id: number, options?: CallOptions): Promise<Department>;
  createDepartment(department: DepartmentCreate, options?: CreateOptions): Promise<Department>;
  /** Renames, moves (`parentId`), marks; any of them in one call. */
  updateDepartment(id: number, set: DepartmentUpdate, options?: CallOptions): Promise<Department>;
  /** Same as an update of `parentId` alone. */
  moveDepartment(id: number, parentId: number, options?: CallOptions): Promise<Department>;
  deleteDepartment(id: number, options?: CallOptions): Promise<void>;

  permissionTypes(filter?: PermissionTypeFilter, options?: ListOptions): AsyncIterable<Page<PermissionType>>;
  getPermissionType(id: number, options?: CallOptions): Promise<PermissionType>;
  createPermissionType(type: PermissionTypeCreate, options?: CreateOptions): Promise<PermissionType>;
  updatePermissionType(id: number, set: PermissionTypeUpdate, options?: CallOptions): Promise<PermissionType>;
  deletePermissionType(id: number, options?: CallOptions): Promise<void>;

  jobProfiles(filter?: NameFilter, options?: ListOptions): AsyncIterable<Page<JobProfile>>;
  createJobProfile(profile: JobProfileCreate, options?: CreateOptions): Promise<JobProfile>;

  users(filter?: UserFilter, options?: ListOptions): AsyncIterable<Page<User>>;
  getUser(id: number, options?: CallOptions): Promise<User>;
  createUser(user: UserCreate, options?: CreateOptions): Promise<User>;
  updateUser(id: number, set: UserUpdate, options?: CallOptions): Promise<User>;
  deactivateUser(id: number, options?: CallOptions): Promise<User>;
  reactivateUser(id: number, options?: CallOptions): Promise<User>;
  /** For good: the learning history goes with the user. */
  deleteUser(id: number, options?: CallOptions): Promise<void>;
  /** Replaces all departments; first = primary; empty = the platform's default department. */
  setDepartments(id: number, departmentIds: readonly number[], options?: CallOptions): Promise<User>;
  /** Gives and takes permission types; those not named stay. */
  changePermissionTypes(id: number, delta: PermissionTypeDelta, options?: CallOptions): Promise<User>;

  /** All of them, in one call. */
  notificationTypes(options?: CallOptions): Promise<readonly NotificationType[]>;
  /** Those with an id above `after`, lowest first, one page; fewer than `pageSize` = there are no more yet. */
  notifications(
    after: number,
    options?: CallOptions & { readonly pageSize?: number },
  ): Promise<readonly ListedNotification[]>;

  createLoginLink(forUser: LoginLinkFor, redirectPath?: string, options?: CallOptions): Promise<LoginLink>;
}

export interface LearningbankClientOptions extends HttpOptions {
  /** With the version, without a final slash: `https://acme.learningbankapp.com/api/v1`. */
  readonly baseUrl: string;
  readonly credentials: Credentials;
}
