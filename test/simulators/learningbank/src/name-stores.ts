import { ApiError, notFound } from './api-error.ts';
import type { JobProfile, PermissionType } from './model.ts';

const builtIn = ['Owner', 'Manager', 'Content Creator', 'User'];

/** Permission types: names unique, Owner untouchable, built-ins cannot be deleted. */
export class PermissionTypeStore {
  readonly byId = new Map<number, PermissionType>();
  defaultId: number;
  readonly ownerId: number;
  readonly #names = new Map<string, number>();
  #nextId = 1;

  constructor() {
    const ids = builtIn.map((name) => this.#add(name, null, true).id);
    this.ownerId = ids[0] ?? 1;
    this.defaultId = ids.at(-1) ?? 1;
  }

  get(id: number): PermissionType {
    const type = this.byId.get(id);
    if (!type) throw notFound('permission type');
    return type;
  }

  byName(name: string): PermissionType | undefined {
    const id = this.#names.get(name.trim());
    return id === undefined ? undefined : this.byId.get(id);
  }

  create(input: { name: string; externalId?: string | null | undefined }): PermissionType {
    this.#refuseClash(input.name, null);
    return this.#add(input.name, input.externalId ?? null, false);
  }

  update(id: number, set: { name?: string | undefined; externalId?: string | null | undefined }): PermissionType {
    const type = this.get(id);
    if (id === this.ownerId) throw protectedType();
    if (set.name !== undefined && set.name !== type.name) {
      this.#refuseClash(set.name, id);
      this.#names.delete(type.name.trim());
      type.name = set.name;
      this.#names.set(type.name.trim(), id);
    }
    if (set.externalId !== undefined) type.externalId = set.externalId;
    return type;
  }

  /** The caller takes it from its users. */
  delete(id: number): void {
    const type = this.get(id);
    if (type.isSystem) throw protectedType();
    if (id === this.defaultId) throw new ApiError(409, 'in_use', 'The permission type is the default');
    this.#names.delete(type.name.trim());
    this.byId.delete(id);
  }

  #add(name: string, externalId: string | null, isSystem: boolean): PermissionType {
    const type = { id: this.#nextId++, name, externalId, isSystem };
    this.byId.set(type.id, type);
    this.#names.set(name.trim(), type.id);
    return type;
  }

  #refuseClash(name: string, ownId: number | null): void {
    const holder = this.#names.get(name.trim());
    if (holder !== undefined && holder !== ownId)
      throw new ApiError(409, 'name_taken', 'A permission type has this name');
  }
}

/** Job profiles: names unique, one may be the default. */
export class JobProfileStore {
  readonly byId = new Map<number, JobProfile>();
  defaultId: number | null = null;
  readonly #names = new Map<string, number>();
  #nextId = 501;

  get(id: number): JobProfile {
    const profile = this.byId.get(id);
    if (!profile) throw notFound('job profile');
    return profile;
  }

  byName(name: string): JobProfile | undefined {
    const id = this.#names.get(name.trim());
    return id === undefined ? undefined : this.byId.get(id);
  }

  create(input: { name: string; isDefault?: boolean | undefined }): JobProfile {
    if (this.byName(input.name)) throw profileClash();
    const profile = { id: this.#nextId++, name: input.name };
    this.byId.set(profile.id, profile);
    this.#names.set(profile.name.trim(), profile.id);
    if (input.isDefault === true) this.defaultId = profile.id;
    return profile;
  }

  update(id: number, set: { name?: string | undefined; isDefault?: boolean | undefined }): JobProfile {
    const profile = this.get(id);
    if (set.name !== undefined && set.name !== profile.name) {
      const holder = this.byName(set.name);
      if (holder && holder.id !== id) throw profileClash();
      this.#names.delete(profile.name.trim());
      profile.name = set.name;
      this.#names.set(profile.name.trim(), id);
    }
    if (set.isDefault === true) this.defaultId = id;
    if (set.isDefault === false && this.defaultId === id) this.defaultId = null;
    return profile;
  }
}

function protectedType(): ApiError {
  return new ApiError(403, 'protected', 'A built-in permission type cannot be changed');
}

function profileClash(): ApiError {
  return new ApiError(409, 'name_taken', 'A job profile has this name');
}
