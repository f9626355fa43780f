import { drawPersonName, roleNames } from './names.ts';
import { createRandom, type Random } from './random.ts';
import { planUnitTree, type PlannedUnit } from './unit-tree.ts';

/** What to generate. Shares are between 0 and 1. */
export interface OrganisationOptions {
  readonly seed: number;
  /** Units in all, the top unit included, Ziik departments not. */
  readonly units: number;
  readonly people: number;
  /** Name of the customer and of its top unit. Default: drawn by the seed. */
  readonly name?: string;
  /** People without e-mail. Default 0.01. */
  readonly withoutEmail?: number;
  /** People who share another one's e-mail (other case). Default 0: none. */
  readonly sharedEmail?: number;
  /** Inactive people. Default 0.03. */
  readonly inactive?: number;
  /** People who expired a month ago. Default 0.002; as many again expire in a year. */
  readonly expired?: number;
  /** Shops with Ziik departments. Default 0.15. */
  readonly departments?: number;
  /** Shops and teams that have a sibling's name. Default 0: none. */
  readonly equalSiblings?: number;
}

/** A membership before it has an id; indexes point into the organisation's lists. */
export interface PlannedMembership {
  readonly unit: number;
  readonly department: number | null;
  readonly position: number;
  readonly roles: readonly number[];
}

/** A person before it has an id. */
export interface PlannedPerson {
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string | null;
  readonly language: string;
  readonly active: boolean;
  readonly admin: boolean;
  readonly reference: string | null;
  readonly expiresInDays: number | null;
  readonly memberships: readonly PlannedMembership[];
}

/** An organisation as plain data, a pure function of its options. */
export interface PlannedOrganisation {
  readonly name: string;
  readonly identifier: string;
  readonly units: readonly PlannedUnit[];
  readonly roles: readonly string[];
  readonly people: readonly PlannedPerson[];
}

const customers = ['Nordkæden', 'Sankt Hans Gruppen', 'Grønt & Godt', 'Fjord Retail', 'Kaffe & Co', 'Grupa Wisła'];

/** Draws a whole organisation. The same options give the same organisation. */
export function planOrganisation(options: OrganisationOptions): PlannedOrganisation {
  const random = createRandom(options.seed);
  const name = options.name ?? random.pick(customers);
  const identifier = `${slug(name)}-${options.seed}`;
  const units = planUnitTree(random, {
    units: options.units,
    departmentShare: options.departments ?? 0.15,
    equalSiblings: options.equalSiblings ?? 0,
    topName: name,
  });
  const places = placesOf(units);
  const drawn = Array.from({ length: options.people }, (_, index) =>
    drawPerson(random, options, places, index, identifier),
  );
  const people = shareEmails(random, drawn, options.sharedEmail ?? 0);
  return { name, identifier, units, roles: roleNames.map(([role]) => role), people };
}

interface Places {
  readonly work: readonly number[];
  readonly offices: readonly number[];
  readonly departments: ReadonlyMap<number, readonly number[]>;
}

function placesOf(units: readonly PlannedUnit[]): Places {
  const departments = new Map<number, number[]>();
  const work: number[] = [];
  const offices: number[] = [];
  for (const [index, unit] of units.entries()) {
    if (unit.unitType === 'department')
      departments.set(unit.parent ?? 0, [...(departments.get(unit.parent ?? 0) ?? []), index]);
    else if (unit.level === 'shop' || unit.level === 'team') work.push(index);
    else offices.push(index);
  }
  return { work: work.length > 0 ? work : offices, offices, departments };
}

function drawPerson(
  random: Random,
  options: OrganisationOptions,
  places: Places,
  index: number,
  domain: string,
): PlannedPerson {
  const { firstName, lastName, mailbox, language } = drawPersonName(random);
  const expired = options.expired ?? 0.002;
  return {
    firstName,
    lastName,
    email:
      index >= 2 && random.chance(options.withoutEmail ?? 0.01) ? null : `${mailbox}.${index + 1}@${domain}.example`,
    language,
    active: !random.chance(options.inactive ?? 0.03),
    admin: index < 2,
    reference: random.chance(0.9) ? `E${String(index + 1).padStart(6, '0')}` : null,
    expiresInDays: random.weighted<number | null>([
      [-30, expired],
      [365, expired],
      [null, Math.max(1 - 2 * expired, 0)],
    ]),
    memberships: drawMemberships(random, places),
  };
}

/** Some people take the address of the one before them, in other case; never the two administrators. */
function shareEmails(random: Random, people: readonly PlannedPerson[], share: number): readonly PlannedPerson[] {
  if (share === 0) return people;
  return people.map((person, index) => {
    const before = people[index - 1]?.email;
    return index >= 2 && before && random.chance(share) ? { ...person, email: before.toUpperCase() } : person;
  });
}

function drawMemberships(random: Random, places: Places): PlannedMembership[] {
  const wanted = random.weighted([
    [1, 80],
    [2, 15],
    [3, 5],
  ]);
  // Some rows all have position 0, as imports leave them: then the lowest id is the first membership.
  const numbered = !random.chance(0.05);
  const units = new Set<number>();
  for (let tries = 0; units.size < wanted && tries < wanted * 4; tries += 1) {
    units.add(random.pick(random.chance(0.93) ? places.work : places.offices));
  }
  return [...units].map((unit, index) => ({
    unit,
    department: drawDepartment(random, places.departments.get(unit)),
    position: numbered ? index : 0,
    roles: drawRoles(random),
  }));
}

function drawDepartment(random: Random, departments: readonly number[] | undefined): number | null {
  return departments && random.chance(0.5) ? random.pick(departments) : null;
}

function drawRoles(random: Random): number[] {
  const count = random.weighted([
    [1, 88],
    [2, 8],
    [3, 2],
    [0, 2],
  ]);
  const roles = new Set<number>();
  for (let tries = 0; roles.size < count && tries < count * 6; tries += 1) {
    roles.add(random.weighted(roleNames.map(([, weight], role) => [role, weight] as const)));
  }
  return [...roles];
}

function slug(name: string): string {
  const ascii = name.replaceAll('æ', 'ae').replaceAll('ø', 'oe').replaceAll('ł', 'l').normalize('NFD');
  return ascii.replace(/[^A-Za-z0-9]+/g, '').toLowerCase() || 'customer';
}
