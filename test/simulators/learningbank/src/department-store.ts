import { ApiError, invalidField, notFound } from './api-error.ts';
import type { SimClock } from '@orgstream/simulator-kit';
import type { Department } from './model.ts';
import { MultiIndex } from './multi-index.ts';

const firstId = 101;

/** The tree of departments: one top, siblings with different names, no cycles. */
export class DepartmentStore {
  readonly byId = new Map<number, Department>();
  readonly topId = firstId;
  /** What a user without departments gets. */
  defaultId = firstId;
  readonly #clock: SimClock;
  readonly #children = new MultiIndex<number>();
  readonly #siblings = new Map<string, number>();
  readonly #names = new MultiIndex<string>();
  readonly #externalIds = new MultiIndex<string>();
  #nextId = firstId + 1;

  constructor(topName: string, clock: SimClock) {
    this.#clock = clock;
    const at = clock.iso();
    this.#store({ id: firstId, name: topName, parentId: null, externalId: null, createdAt: at, updatedAt: at });
  }

  get(id: number): Department {
    const department = this.byId.get(id);
    if (!department) throw notFound('department');
    return department;
  }

  create(input: { name: string; parentId?: number | undefined; externalId?: string | null | undefined }): Department {
    const parentId = input.parentId ?? this.topId;
    if (!this.byId.has(parentId)) throw invalidField('parentId', 'does not exist');
    this.#refuseClash(parentId, input.name, null);
    const at = this.#clock.iso();
    const department = {
      id: this.#nextId++,
      name: input.name,
      parentId,
      externalId: input.externalId ?? null,
      createdAt: at,
      updatedAt: at,
    };
    this.#store(department);
    return department;
  }

  update(
    id: number,
    set: { name?: string | undefined; parentId?: number | undefined; externalId?: string | null | undefined },
  ): Department {
    const department = this.get(id);
    const name = set.name ?? department.name;
    const parentId = set.parentId ?? department.parentId;
    const touchesTree = name !== department.name || parentId !== department.parentId;
    if (touchesTree) {
      if (id === this.topId) throw protectedTop();
      if (parentId === null || !this.byId.has(parentId)) throw invalidField('parentId', 'does not exist');
      if (this.#isBelow(parentId, id)) throw new ApiError(422, 'cycle', 'A department cannot be below itself');
      this.#refuseClash(parentId, name, id);
    }
    this.#unstore(department);
    department.name = name;
    department.parentId = parentId;
    if (set.externalId !== undefined) department.externalId = set.externalId;
    department.updatedAt = this.#clock.iso();
    this.#store(department);
    return department;
  }

  /** The caller moves the members. */
  delete(id: number): void {
    const department = this.get(id);
    if (id === this.topId) throw protectedTop();
    if (this.#children.get(id).size > 0) throw new ApiError(409, 'not_empty', 'The department has sub-departments');
    if (id === this.defaultId) throw new ApiError(409, 'in_use', 'The department is the default department');
    this.#unstore(department);
    this.byId.delete(id);
  }

  /** Ids that may match, from the narrowest index; the whole list when no indexed filter is given. */
  find(filter: {
    name?: string | undefined;
    parentId?: number | undefined;
    externalId?: string | undefined;
  }): Department[] {
    const ids = this.#candidates(filter);
    const found =
      ids === null ? [...this.byId.values()] : [...ids].map((id) => this.get(id)).sort((a, b) => a.id - b.id);
    return found.filter(
      (department) =>
        (filter.name === undefined || department.name === filter.name) &&
        (filter.parentId === undefined || department.parentId === filter.parentId) &&
        (filter.externalId === undefined || department.externalId === filter.externalId),
    );
  }

  #candidates(filter: {
    name?: string | undefined;
    parentId?: number | undefined;
    externalId?: string | undefined;
  }): ReadonlySet<number> | null {
    if (filter.externalId !== undefined) return this.#externalIds.get(filter.externalId);
    if (filter.name !== undefined) return this.#names.get(filter.name);
    if (filter.parentId !== undefined) return this.#children.get(filter.parentId);
    return null;
  }

  /** True when `id` is `ancestorId` or somewhere below it. */
  #isBelow(id: number, ancestorId: number): boolean {
    for (let at: number | null = id; at !== null; at = this.get(at).parentId) if (at === ancestorId) return true;
    return false;
  }

  #refuseClash(parentId: number, name: string, ownId: number | null): void {
    const holder = this.#siblings.get(siblingKey(parentId, name));
    if (holder !== undefined && holder !== ownId) throw new ApiError(409, 'name_taken', 'A sibling has this name');
  }

  #store(department: Department): void {
    this.byId.set(department.id, department);
    this.#names.add(department.name, department.id);
    if (department.externalId !== null) this.#externalIds.add(department.externalId, department.id);
    if (department.parentId === null) return;
    this.#children.add(department.parentId, department.id);
    this.#siblings.set(siblingKey(department.parentId, department.name), department.id);
  }

  #unstore(department: Department): void {
    this.#names.remove(department.name, department.id);
    if (department.externalId !== null) this.#externalIds.remove(department.externalId, department.id);
    if (department.parentId === null) return;
    this.#children.remove(department.parentId, department.id);
    this.#siblings.delete(siblingKey(department.parentId, department.name));
  }
}

function siblingKey(parentId: number, name: string): string {
  return `${parentId} ${name.trim()}`;
}

function protectedTop(): ApiError {
  return new ApiError(403, 'protected', 'The top department cannot be renamed, moved or deleted');
}
