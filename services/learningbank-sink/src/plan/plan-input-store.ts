import type { Knex } from '@orgstream/database';
import type { ObjectKey } from '../model.ts';
import type { PersonInput, PlanInput } from './input.ts';
import type { LoadContext } from './rows.ts';
import { loadPeople } from './person-input-store.ts';
import { loadOrganisation, loadRoles, loadUnits } from './structure-store.ts';

/** Key of an input in the answer of {@link loadPlanInputs}. */
export function inputKey({ kind, id }: ObjectKey): string {
  return `${kind}/${id}`;
}

/**
 * Everything the plans of these objects depend on, in a constant number of statements for a batch of up to some hundred.
 * Keys are `kind/id`; every asked object is answered. Units share one tree and roles one book, as they were when loaded:
 * what one plan of the batch changes, the others see when they are loaded again.
 */
export async function loadPlanInputs(
  db: Knex,
  context: LoadContext,
  objects: readonly ObjectKey[],
): Promise<ReadonlyMap<string, PlanInput>> {
  const idsOf = (kind: ObjectKey['kind']): readonly string[] => [
    ...new Set(objects.filter((object) => object.kind === kind).map(({ id }) => id)),
  ];
  const [units, roles, people] = [idsOf('unit'), idsOf('role'), idsOf('person')];
  const [organisation, tree, book, found] = await Promise.all([
    loadOrganisation(db, context),
    units.length > 0 ? loadUnits(db, context) : undefined,
    roles.length + people.length > 0 ? loadRoles(db, context, { withMembers: roles.length > 0 }) : undefined,
    people.length > 0 ? loadPeople(db, context, people) : undefined,
  ]);
  const { tenantGone, topUnitChanged } = organisation;
  const inputs = new Map<string, PlanInput>();
  for (const id of units) inputs.set(inputKey({ kind: 'unit', id }), { kind: 'unit', id, tenantGone, units: tree! });
  for (const id of roles) {
    inputs.set(inputKey({ kind: 'role', id }), { kind: 'role', id, tenantGone, topUnitChanged, roles: book! });
  }
  for (const [id, person] of found ?? []) {
    const input: PersonInput = { kind: 'person', id, tenantGone, topUnitChanged, roles: book!, ...person };
    inputs.set(inputKey({ kind: 'person', id }), input);
  }
  return inputs;
}
