import type { Knex } from '@orgstream/database';
import { type Candidate, marker, type Policy } from '../model.ts';
import { assess, behaviourOf, isTopUnit, type PlanInput } from '../plan/index.ts';
import { candidatesOf } from '../reconcile/look-up.ts';
import { findTargets, type TargetKey } from '../reconcile/target-store.ts';

/**
 * What the listing of the target has for objects that are to be created, so that a first plan says what is adopted. Units
 * come in any order: where a parent's department is to be is followed through the listing, a level a time.
 */
export class ListedCandidates {
  readonly #db: Knex;
  readonly #where: { readonly platform: string; readonly integrationId: string };
  readonly #policy: Policy;
  /** Departments that units have or will adopt; null = none. */
  readonly #departments = new Map<string, number | null>();

  constructor(db: Knex, where: { readonly platform: string; readonly integrationId: string }, policy: Policy) {
    this.#db = db;
    this.#where = where;
    this.#policy = policy;
  }

  /** The inputs, with what was found for each object that is not linked. */
  async withCandidates(inputs: readonly PlanInput[]): Promise<readonly PlanInput[]> {
    const units = inputs.filter((input) => input.kind === 'unit');
    for (const unit of units) await this.#departmentOf(unit.id, unit);
    const keys = inputs.map((input) => this.#keyOf(input));
    const found = await this.#find(keys);
    return inputs.map((input, at) => (keys[at] ? { ...input, candidates: found[at]! } : input));
  }

  async #find(keys: readonly (TargetKey | null)[]): Promise<readonly (readonly Candidate[])[]> {
    const asked = keys.filter((key) => key !== null);
    const objects = asked.length > 0 ? await findTargets(this.#db, this.#where.platform, asked) : [];
    // One question about who has linked them; an object can be found for several keys.
    const candidates = await candidatesOf(this.#db, this.#where, objects.flat());
    let at = 0;
    let offset = 0;
    return keys.map((key) => {
      if (!key) return [];
      const count = objects[at++]!.length;
      return candidates.slice(offset, (offset += count));
    });
  }

  #keyOf(input: PlanInput): TargetKey | null {
    const own = marker(this.#policy.tenant, input.kind, input.id);
    switch (input.kind) {
      case 'unit':
        return this.#unitKey(input);
      case 'role': {
        const node = input.roles.get(input.id);
        const name = node?.fact?.name?.trim() ?? '';
        return !node || node.link ? null : { kind: 'role', marker: own, natural: name === '' ? null : { name } };
      }
      case 'person': {
        const email = input.fact?.email?.trim() ?? '';
        return input.link ? null : { kind: 'person', marker: own, natural: email === '' ? null : { email } };
      }
    }
  }

  #unitKey(input: Extract<PlanInput, { kind: 'unit' }>): TargetKey | null {
    const node = input.units.get(input.id);
    if (!node?.fact || node.link || isTopUnit(node, this.#policy)) return null;
    const name = assess(input, this.#policy).after?.['name'];
    const natural = typeof name === 'string' ? this.#placeOf(node.fact.parentId, name) : null;
    return { kind: 'unit', marker: marker(this.#policy.tenant, 'unit', input.id), natural };
  }

  /** In a flat structure a name is looked for anywhere. */
  #placeOf(unitId: string | null, name: string): TargetKey['natural'] {
    const { settings, catalogue } = this.#policy;
    if (behaviourOf(settings).structure === 'flat') return { name };
    const parentId = unitId === null ? catalogue.topDepartmentId : this.#departments.get(unitId);
    return parentId == null ? null : { parentId, name };
  }

  /** The department that a unit has, or will have by adoption. */
  async #departmentOf(id: string, input: Extract<PlanInput, { kind: 'unit' }>): Promise<number | null> {
    const known = this.#departments.get(id);
    if (known !== undefined) return known;
    this.#departments.set(id, null); // A circle of parents ends here.
    const node = input.units.get(id);
    const department = node?.link
      ? node.link.targetId
      : node?.fact && isTopUnit(node, this.#policy)
        ? this.#policy.catalogue.topDepartmentId
        : await this.#listedDepartment({ ...input, id });
    this.#departments.set(id, department);
    return department;
  }

  async #listedDepartment(input: Extract<PlanInput, { kind: 'unit' }>): Promise<number | null> {
    const parentId = input.units.get(input.id)?.fact?.parentId;
    if (parentId === undefined) return null;
    if (parentId !== null) await this.#departmentOf(parentId, input);
    const key = this.#unitKey(input);
    const [found] = await this.#find([key]);
    return found?.length === 1 ? found[0]!.targetId : null;
  }
}
