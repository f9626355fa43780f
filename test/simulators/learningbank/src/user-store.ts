import { ApiError, invalidField, notFound } from './api-error.ts';
import type { SimClock } from '@orgstream/simulator-kit';
import type { DepartmentStore } from './department-store.ts';
import type { PlatformSettings, User } from './model.ts';
import { MultiIndex } from './multi-index.ts';
import type { JobProfileStore, PermissionTypeStore } from './name-stores.ts';

type Loose<T> = { [K in keyof T]?: T[K] | undefined };

/** What a caller may write on a user. */
export type UserFields = Loose<
  Omit<User, 'id' | 'isAnonymised' | 'lastLoginAt' | 'createdAt' | 'updatedAt' | 'jobProfileId'>
> & { jobProfileId?: number | null | undefined };

export interface UserQuery {
  email?: string | undefined;
  username?: string | undefined;
  externalId?: string | undefined;
  isActive?: boolean | undefined;
  departmentId?: number | undefined;
  updatedSince?: string | undefined;
}

/** What users refer to and are filled from. */
interface Surroundings {
  readonly clock: SimClock;
  readonly settings: PlatformSettings;
  readonly departments: DepartmentStore;
  readonly permissionTypes: PermissionTypeStore;
  readonly jobProfiles: JobProfileStore;
}

const firstId = 10_001;

/** Users with every index the API can be asked by; e-mail and username unique without regard to case. */
export class UserStore {
  readonly byId = new Map<number, User>();
  readonly activationMails: { userId: number; at: string }[] = [];
  readonly #platform: Surroundings;
  readonly #emails = new Map<string, number>();
  readonly #usernames = new Map<string, number>();
  readonly #externalIds = new MultiIndex<string>();
  readonly #members = new MultiIndex<number>();
  readonly #holders = new MultiIndex<number>();
  #ordered: User[] | null = null;
  #nextId = firstId;

  constructor(platform: Surroundings) {
    this.#platform = platform;
  }

  get(id: number): User {
    const user = this.byId.get(id);
    if (!user) throw notFound('user');
    return user;
  }

  create(input: UserFields): User {
    const id = this.#nextId;
    const email = input.email ?? null;
    const at = this.#platform.clock.iso();
    const user: User = {
      id,
      externalId: input.externalId ?? null,
      username: input.username ?? this.#freeUsername(email, id),
      email,
      firstName: input.firstName ?? '',
      lastName: input.lastName ?? '',
      phone: input.phone ?? null,
      language: this.#language(input.language),
      isActive: input.isActive ?? true,
      departmentIds: this.#departments(input.departmentIds),
      jobProfileId: this.#jobProfile(input.jobProfileId) ?? this.#platform.jobProfiles.defaultId,
      permissionTypeIds: this.#permissionTypes(input.permissionTypeIds),
      firstDay: input.firstDay ?? null,
      lastDay: input.lastDay ?? null,
      isAnonymised: false,
      lastLoginAt: null,
      createdAt: at,
      updatedAt: at,
    };
    this.#refuseClash(user, null);
    this.#nextId += 1;
    this.byId.set(id, user);
    this.#ordered?.push(user);
    this.#index(user);
    if (this.#platform.settings.activationMails && user.isActive) this.activationMails.push({ userId: id, at });
    return user;
  }

  /** Partial: what is absent stays. Arrays replace. Nothing is written when anything is refused. */
  update(id: number, set: UserFields): User {
    const user = this.get(id);
    const next: User = { ...user, updatedAt: this.#platform.clock.iso() };
    for (const key of ['externalId', 'email', 'phone', 'firstDay', 'lastDay'] as const) {
      const value = set[key];
      if (value !== undefined) next[key] = value;
    }
    for (const key of ['username', 'firstName', 'lastName'] as const) next[key] = set[key] ?? user[key];
    if (set.isActive !== undefined) next.isActive = set.isActive;
    if (set.language !== undefined) next.language = this.#language(set.language);
    if (set.departmentIds !== undefined) next.departmentIds = this.#departments(set.departmentIds);
    if (set.permissionTypeIds !== undefined) next.permissionTypeIds = this.#permissionTypes(set.permissionTypeIds);
    if (set.jobProfileId !== undefined) next.jobProfileId = this.#jobProfile(set.jobProfileId);
    this.#refuseClash(next, id);
    this.#unindex(user);
    Object.assign(user, next);
    this.#index(user);
    return user;
  }

  /** A delta, so that permission types given by hand survive. */
  changePermissionTypes(id: number, add: readonly number[], remove: readonly number[]): User {
    const user = this.get(id);
    for (const typeId of add) this.#knownPermissionType(typeId, 'add');
    const kept = user.permissionTypeIds.filter((typeId) => !remove.includes(typeId));
    const next = [...new Set([...kept, ...add])];
    this.#unindex(user);
    user.permissionTypeIds = next;
    user.updatedAt = this.#platform.clock.iso();
    this.#index(user);
    return user;
  }

  /** Final: name, e-mail and phone are replaced, the history stays without a person. */
  anonymise(id: number): User {
    const user = this.update(id, {
      email: null,
      phone: null,
      externalId: null,
      username: `anonymised-${id}`,
      firstName: 'Anonymised',
      lastName: `${id}`,
      isActive: false,
    });
    user.isAnonymised = true;
    return user;
  }

  delete(id: number): void {
    const user = this.get(id);
    this.#unindex(user);
    this.byId.delete(id);
    this.#ordered = null;
  }

  /** Members lose the department; who is left with none gets the default one. */
  dropDepartment(departmentId: number): void {
    for (const id of this.#members.get(departmentId)) {
      const user = this.get(id);
      this.update(id, { departmentIds: user.departmentIds.filter((other) => other !== departmentId) });
    }
  }

  dropPermissionType(typeId: number): void {
    for (const id of this.#holders.get(typeId)) this.changePermissionTypes(id, [], [typeId]);
  }

  /** In order of id. Only `isActive` and `updatedSince` alone scan everybody. */
  find(query: UserQuery): readonly User[] {
    const ids = this.#candidates(query);
    const rest = query.isActive !== undefined || query.updatedSince !== undefined;
    if (ids === null && !rest) return this.#all();
    const from = ids === null ? this.#all() : [...ids].sort((a, b) => a - b).map((id) => this.get(id));
    return from.filter((user) => matches(user, query));
  }

  #candidates(query: UserQuery): Iterable<number> | null {
    if (query.email !== undefined) return one(this.#emails.get(query.email.toLowerCase()));
    if (query.username !== undefined) return one(this.#usernames.get(query.username.toLowerCase()));
    if (query.externalId !== undefined) return this.#externalIds.get(query.externalId);
    if (query.departmentId !== undefined) return this.#members.get(query.departmentId);
    return null;
  }

  #all(): readonly User[] {
    this.#ordered ??= [...this.byId.values()];
    return this.#ordered;
  }

  #freeUsername(email: string | null, id: number): string {
    return email !== null && !this.#usernames.has(email.toLowerCase()) ? email : `user-${id}`;
  }

  #language(wanted: string | undefined): string {
    const { language, languages } = this.#platform.settings;
    return wanted !== undefined && languages.includes(wanted) ? wanted : language;
  }

  #departments(ids: readonly number[] | undefined): number[] {
    const { departments } = this.#platform;
    const wanted = [...new Set(ids)];
    for (const id of wanted) if (!departments.byId.has(id)) throw invalidField('departmentIds', 'does not exist');
    return wanted.length > 0 ? wanted : [departments.defaultId];
  }

  #permissionTypes(ids: readonly number[] | undefined): number[] {
    const wanted = [...new Set(ids)];
    for (const id of wanted) this.#knownPermissionType(id, 'permissionTypeIds');
    return wanted.length > 0 ? wanted : [this.#platform.permissionTypes.defaultId];
  }

  #knownPermissionType(id: number, field: string): void {
    if (!this.#platform.permissionTypes.byId.has(id)) throw invalidField(field, 'does not exist');
  }

  #jobProfile(id: number | null | undefined): number | null {
    if (id === undefined || id === null) return null;
    if (!this.#platform.jobProfiles.byId.has(id)) throw invalidField('jobProfileId', 'does not exist');
    return id;
  }

  #refuseClash(user: User, ownId: number | null): void {
    const emailOf = user.email === null ? undefined : this.#emails.get(user.email.toLowerCase());
    if (emailOf !== undefined && emailOf !== ownId) throw new ApiError(409, 'email_taken', 'A user has this e-mail');
    const nameOf = this.#usernames.get(user.username.toLowerCase());
    if (nameOf !== undefined && nameOf !== ownId) throw new ApiError(409, 'username_taken', 'A user has this username');
  }

  #index(user: User): void {
    if (user.email !== null) this.#emails.set(user.email.toLowerCase(), user.id);
    this.#usernames.set(user.username.toLowerCase(), user.id);
    if (user.externalId !== null) this.#externalIds.add(user.externalId, user.id);
    for (const id of user.departmentIds) this.#members.add(id, user.id);
    for (const id of user.permissionTypeIds) this.#holders.add(id, user.id);
  }

  #unindex(user: User): void {
    if (user.email !== null) this.#emails.delete(user.email.toLowerCase());
    this.#usernames.delete(user.username.toLowerCase());
    if (user.externalId !== null) this.#externalIds.remove(user.externalId, user.id);
    for (const id of user.departmentIds) this.#members.remove(id, user.id);
    for (const id of user.permissionTypeIds) this.#holders.remove(id, user.id);
  }
}

function one(id: number | undefined): number[] {
  return id === undefined ? [] : [id];
}

function matches(user: User, query: UserQuery): boolean {
  return (
    (query.email === undefined || user.email?.toLowerCase() === query.email.toLowerCase()) &&
    (query.username === undefined || user.username.toLowerCase() === query.username.toLowerCase()) &&
    (query.externalId === undefined || user.externalId === query.externalId) &&
    (query.isActive === undefined || user.isActive === query.isActive) &&
    (query.departmentId === undefined || user.departmentIds.includes(query.departmentId)) &&
    (query.updatedSince === undefined || Date.parse(user.updatedAt) >= Date.parse(query.updatedSince))
  );
}
