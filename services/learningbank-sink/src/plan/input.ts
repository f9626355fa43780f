import type { AppliedPerson, Candidate, PersonLink, TargetId } from '../model.ts';
import type { EmailHolder, EmailTwin, MembershipFact, PersonFact, Resolution, Undo, UnitRef } from './facts.ts';
import type { RoleBook, Roles } from './role-book.ts';
import type { UnitTree } from './unit-tree.ts';

interface Common {
  readonly id: string;
  /** The site was deleted at the source. */
  readonly tenantGone: boolean;
  /**
   * What the target has by marker and by natural key; undefined = not looked up. Filled in by the reconciler, from the
   * listing of the first sync or by a look-up, after an outcome `look_up`.
   */
  readonly candidates?: readonly Candidate[] | undefined;
}

/** What a department still holds that is not linked by us. */
export interface Occupants {
  readonly users: number;
  readonly departments: number;
  /** One that carries our marker and has no link yet: its creation is unclear, and its own work finds out. */
  readonly unclear?: { readonly kind: 'person' | 'unit'; readonly id: string };
}

export interface UnitInput extends Common {
  readonly kind: 'unit';
  /** All units of the tenant with links and work: one object for a whole batch. */
  readonly units: UnitTree;
  /** Asked for by `look_up` with `what: 'occupants'`, before a department is deleted. */
  readonly occupants?: Occupants | undefined;
}

export interface RoleInput extends Common {
  readonly kind: 'role';
  readonly topUnitChanged: boolean;
  /** All roles of the integration with links and work: one object for a whole batch. */
  readonly roles: RoleBook;
}

export interface PersonInput extends Common {
  readonly kind: 'person';
  readonly topUnitChanged: boolean;
  readonly resolution?: Resolution | null;
  readonly undo?: Undo<AppliedPerson> | null;
  /** Null: nothing is known but memberships. */
  readonly fact: PersonFact | null;
  readonly link: PersonLink | null;
  readonly memberships: readonly MembershipFact[];
  /** Every unit and Ziik department the memberships name, and every unit that the way back leads to. */
  readonly units: Pick<ReadonlyMap<string, UnitRef>, 'get'>;
  readonly roles: Roles;
  /** Not looked for while the person's own link has the wanted e-mail. */
  readonly emailHolder: EmailHolder | null;
  /** Only filled while there is no link. */
  readonly twins: readonly EmailTwin[];
  /** Of the applied departments, those that are linked to units of ours, and to which. */
  readonly ourDepartments: ReadonlyMap<TargetId, string>;
  /** Names of those units by their ids. */
  readonly ourUnitNames: ReadonlyMap<string, string | null>;
}

/** Everything the plan of one object depends on, besides the policy. */
export type PlanInput = UnitInput | RoleInput | PersonInput;
