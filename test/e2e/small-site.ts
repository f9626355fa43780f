import type { PlannedOrganisation, PlannedPerson } from '@orgstream/simulator-ziik';
import { openScene, type Scene, type SceneOptions } from './scene.ts';

/** Name → parent; the top unit first. */
const units = {
  Kaeden: null,
  Nord: 'Kaeden',
  Syd: 'Kaeden',
  Aalborg: 'Nord',
  Hobro: 'Nord',
  Skive: 'Nord',
  Odense: 'Syd',
  Svendborg: 'Syd',
} as const;
const roles = ['Seller', 'Store manager', 'Trainee'] as const;
const people = ['ida', 'omar', 'pia', 'jan', 'eva', 'ali', 'bo', 'lis', 'kai', 'mia'] as const;

export type UnitName = keyof typeof units;
export type RoleName = (typeof roles)[number];
export type PersonName = (typeof people)[number];

/** A scene whose rows have names. */
export interface SmallScene extends Scene {
  /** Id of a unit, role or person. */
  unit(name: UnitName): string;
  role(name: RoleName): string;
  person(name: PersonName): string;
  email(name: PersonName): string;
  /** Department ids of these units, in this order. */
  departmentIds(...names: readonly UnitName[]): Promise<number[]>;
  /** Permission type ids of these roles, in this order. */
  permissionTypeIds(...names: readonly RoleName[]): Promise<number[]>;
  /** Names of the departments from the top one (left out) down to this unit's. */
  path(unitId: string): Promise<string[]>;
}

const unitNames = Object.keys(units) as UnitName[];
const leaves: readonly UnitName[] = ['Aalborg', 'Hobro', 'Skive', 'Odense', 'Svendborg'];

/** Person n is in leaf n with role n, both taken in turn. */
export const homeOf = (name: PersonName): { readonly unit: UnitName; readonly role: RoleName } => {
  const at = people.indexOf(name);
  return { unit: leaves[at % leaves.length]!, role: roles[at % roles.length]! };
};

function planPerson(name: PersonName): PlannedPerson {
  const { unit, role } = homeOf(name);
  return {
    firstName: `${name[0]!.toUpperCase()}${name.slice(1)}`,
    lastName: 'Holm',
    email: `${name}@kaeden.example`,
    language: 'da',
    active: true,
    admin: false,
    reference: null,
    expiresInDays: null,
    memberships: [{ unit: unitNames.indexOf(unit), department: null, position: 0, roles: [roles.indexOf(role)] }],
  };
}

const plan: PlannedOrganisation = {
  name: 'Kaeden',
  identifier: 'kaeden',
  units: Object.entries(units).map(([name, parent]) => ({
    name,
    parent: parent === null ? null : unitNames.indexOf(parent),
    unitType: 'unit',
    level: parent === null ? 'top' : 'shop',
  })),
  roles,
  people: people.map(planPerson),
};

/** Eight units, three roles, ten people: the same each time, each with a name. */
export async function openSmallScene(options: Omit<SceneOptions, 'plan' | 'organisation'> = {}): Promise<SmallScene> {
  const scene = await openScene({ ...options, plan });
  const { unitIds, roleIds, personIds } = scene.organisation;
  const unit = (name: UnitName) => unitIds[unitNames.indexOf(name)]!;
  const role = (name: RoleName) => roleIds[roles.indexOf(name)]!;
  return {
    ...scene,
    unit,
    role,
    person: (name) => personIds[people.indexOf(name)]!,
    email: (name) => `${name}@kaeden.example`,
    departmentIds: (...names) =>
      Promise.all(names.map(async (name) => (await scene.department(unit(name)))?.id ?? Number.NaN)),
    permissionTypeIds: (...names) =>
      Promise.all(names.map(async (name) => (await scene.permissionType(role(name)))?.id ?? Number.NaN)),
    async path(unitId) {
      const { departments } = await scene.target();
      const byId = new Map(departments.map((one) => [one.id, one]));
      const names: string[] = [];
      let at = await scene.department(unitId);
      for (; at && !at.isTop; at = byId.get(at.parentId ?? -1)) names.unshift(at.name);
      return names;
    },
  };
}
