import { expect, test } from 'vitest';
import { planOrganisation, type PlannedOrganisation } from './organisation.ts';

const plan = planOrganisation({ seed: 7, units: 120, people: 3_000 });

function levelOf({ units }: PlannedOrganisation, index: number): number {
  const parent = units[index]?.parent ?? null;
  return parent === null ? 0 : 1 + levelOf({ units } as PlannedOrganisation, parent);
}

function siblings({ units }: PlannedOrganisation): string[] {
  return units
    .filter((unit) => unit.unitType === 'unit')
    .map((unit) => `${unit.parent} ${unit.name.trim().toLowerCase()}`);
}

test('the same seed gives the same organisation, another seed another', () => {
  expect(planOrganisation({ seed: 7, units: 120, people: 3_000 })).toEqual(plan);
  expect(planOrganisation({ seed: 8, units: 120, people: 3_000 })).not.toEqual(plan);
});

test.each([1, 2, 3, 7, 8, 40, 120, 1_000])('%i units asked for are %i units made, one of them the top', (units) => {
  const small = planOrganisation({ seed: units, units, people: 5 });
  expect(small.units.filter((unit) => unit.unitType === 'unit')).toHaveLength(units);
  expect(small.units.filter((unit) => unit.parent === null)).toHaveLength(1);
});

test('parents come before children, at most six levels deep, at least five from 40 units on', () => {
  for (const units of [40, 120, 1_000]) {
    const one = planOrganisation({ seed: 1, units, people: 0 });
    for (const [index, unit] of one.units.entries()) expect(unit.parent ?? -1).toBeLessThan(index);
    const deepest = Math.max(...one.units.map((unit, index) => (unit.unitType === 'unit' ? levelOf(one, index) : 0)));
    expect(deepest).toBeGreaterThanOrEqual(4);
    expect(deepest).toBeLessThanOrEqual(5);
  }
});

test('equal names are in different branches, never among siblings unless asked', () => {
  const names = plan.units.filter((unit) => unit.unitType === 'unit').map((unit) => unit.name);
  expect(new Set(names).size).toBeLessThan(names.length);
  expect(new Set(siblings(plan)).size).toBe(siblings(plan).length);
  const clashing = siblings(planOrganisation({ seed: 7, units: 120, people: 0, equalSiblings: 0.3 }));
  expect(new Set(clashing).size).toBeLessThan(clashing.length);
});

test('people have one to three memberships in different units, with roles of which a few are in daily use', () => {
  const counts = new Set(plan.people.map((person) => person.memberships.length));
  expect(counts).toEqual(new Set([1, 2, 3]));
  const used = plan.people.flatMap((person) => person.memberships.flatMap((membership) => membership.roles));
  const share = (role: number) => used.filter((one) => one === role).length / used.length;
  expect(plan.roles).toHaveLength(8);
  expect(plan.roles.map((_, role) => share(role)).filter((one) => one > 0.05).length).toBeGreaterThanOrEqual(3);
  for (const { memberships } of plan.people) {
    expect(new Set(memberships.map((membership) => membership.unit)).size).toBe(memberships.length);
    for (const { unit } of memberships) expect(plan.units[unit]?.unitType).toBe('unit');
    for (const { unit, department } of memberships.filter((membership) => membership.department !== null)) {
      expect(plan.units[department ?? -1]).toMatchObject({ unitType: 'department', parent: unit });
    }
  }
});

test('names are Danish, Polish and Arabic, languages five, and e-mails are plain and never shared', () => {
  const names = plan.people.map((person) => `${person.firstName} ${person.lastName}`).join();
  expect(names).toMatch(/ø/);
  expect(names).toMatch(/ł/);
  expect(names).toMatch(/\p{Script=Arabic}/u);
  expect(new Set(plan.people.map((person) => person.language))).toEqual(new Set(['da', 'en', 'pl', 'ar', 'sv']));
  const emails = plan.people.flatMap((person) => person.email ?? []);
  expect(new Set(emails).size).toBe(emails.length);
  for (const email of emails) expect(email).toMatch(/^[a-z.-]+\.\d+@[a-z0-9-]+\.example$/);
});

test.each([
  ['without e-mail', 0.01, (one: PlannedOrganisation) => one.people.filter((person) => person.email === null)],
  ['inactive', 0.03, (one: PlannedOrganisation) => one.people.filter((person) => !person.active)],
] as const)('about the default share of people is %s', (_what, share, pick) => {
  expect(pick(plan).length / plan.people.length).toBeGreaterThan(share / 2);
  expect(pick(plan).length / plan.people.length).toBeLessThan(share * 2);
});

test('shares are settings: none, and shared e-mails on demand', () => {
  const plain = planOrganisation({ seed: 7, units: 40, people: 500, withoutEmail: 0, inactive: 0, expired: 0 });
  expect(plain.people.every((person) => person.email !== null && person.active && person.expiresInDays === null)).toBe(
    true,
  );
  const shared = planOrganisation({ seed: 7, units: 40, people: 500, sharedEmail: 0.1 });
  const keys = shared.people.flatMap((person) => person.email?.toLowerCase() ?? []);
  expect(new Set(keys).size).toBeLessThan(keys.length);
});
