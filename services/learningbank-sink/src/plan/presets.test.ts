import { completeSettings, type IntegrationSettings } from '@orgstream/core';
import { describe, expect, test } from 'vitest';
import { assess } from './assess.ts';
import { behaviourOf, presets, unconfirmed, type Behaviour } from './presets.ts';
import {
  deletedPerson,
  deletedRole,
  deletedUnit,
  membershipFact,
  personFact,
  roleFact,
  unitFact,
} from './test-support/facts.ts';
import type { ModelUser } from './test-support/target-model.ts';
import { World } from './test-support/world.ts';

type Preset = IntegrationSettings['preset'];
const all = ['ziik', 'tamigo', 'standard'] as const satisfies readonly Preset[];
const flatOnes = ['tamigo', 'standard'] as const;

function worldOf(settings: Partial<IntegrationSettings>): World {
  const world = new World();
  world.settings = completeSettings(settings);
  return world;
}

/** A top unit, North, and Deep below North; roles Cook and Waiter; a profile Cook. Person 7 in Deep as Cook. */
function acme(settings: Partial<IntegrationSettings>): World {
  const world = worldOf(settings);
  world.jobProfiles.set('Cook', 700);
  world.unit('1', unitFact({ name: 'Head' })).unit('2', unitFact({ parentId: '1', name: 'North' }));
  world.unit('3', unitFact({ parentId: '2', name: 'Deep' }));
  world.role('5', roleFact({ name: 'Cook' })).role('6', roleFact({ name: 'Waiter' }));
  world.person('7', personFact({ firstDay: '2026-01-01', lastDay: null }));
  return world.member('7', membershipFact('1', '3', { roles: ['5'] })).converge();
}

const user = (world: World, id = '7'): ModelUser | undefined =>
  world.target.users.get(world.links.person.get(id)?.targetId ?? -1);
const nameOf = (world: World, id: number | null): string | null =>
  id === null ? null : (world.target.departments.get(id)?.name ?? null);
/** `parent/name` of all departments that were made. */
const tree = (world: World): readonly string[] =>
  [...world.target.departments.values()]
    .filter(({ parentId }) => parentId !== null)
    .map(({ name, parentId }) => `${nameOf(world, parentId)}/${name}`)
    .toSorted();

/** Ops of the calls that `change` leads to. */
function callsOf(world: World, change: (world: World) => unknown): readonly string[] {
  const from = world.target.calls.length;
  change(world);
  world.converge();
  expect(world.refusals).toEqual([]);
  return world.target.calls.slice(from).map(({ op }) => op);
}

test('semantics.md §6: the table', () => {
  const column = (preset: Preset): readonly unknown[] => {
    const { structure, follow, permissions, jobProfile, language, onDeleted, dates } = presets[preset];
    return [structure, follow, permissions, jobProfile, language, onDeleted, dates];
  };
  expect(column('ziik')).toEqual(['tree', true, 'from_roles', 'match', 'at_creation', 'deactivate', false]);
  expect(column('tamigo')).toEqual(['flat', false, 'default_only', 'match_or_create', 'never', 'delete', true]);
  expect(column('standard')).toEqual(['flat', false, 'default_only', 'match_or_default', 'at_creation', 'deactivate', true]); // prettier-ignore
});

test.each<[keyof IntegrationSettings, Partial<Behaviour>]>([
  ['departmentTree', { structure: 'tree', follow: true }],
  ['changePermissions', { permissions: 'from_roles' }],
  ['deactivateUsers', { undelivered: 'deactivate' }],
])('the switch %s alters the standard preset, and no other', (name, altered) => {
  for (const preset of all) {
    const behaviour = behaviourOf(completeSettings({ preset, [name]: true }));
    expect(behaviour, preset).toEqual({ ...presets[preset], ...(preset === 'standard' ? altered : {}) });
  }
});

describe('§6 department structure', () => {
  test('ziik: mirrored tree; the top unit is the top department', () => {
    expect(tree(acme({ preset: 'ziik' }))).toEqual(['Acme/North', 'North/Deep']);
  });

  test.each(flatOnes)('%s: flat, by name', (preset) => {
    expect(tree(acme({ preset }))).toEqual(['Acme/Deep', 'Acme/Head', 'Acme/North']);
  });

  test('standard with departmentTree: tree, with all units below the top department', () => {
    expect(tree(acme({ preset: 'standard', departmentTree: true }))).toEqual(['Acme/Head', 'Head/North', 'North/Deep']);
  });

  test('standard with departmentTree: several topmost units are side by side', () => {
    const world = acme({ preset: 'standard', departmentTree: true });
    world.unit('9', unitFact({ name: 'Other' })).converge();
    expect(tree(world)).toContain('Acme/Other');
    expect(callsOf(world, (w) => w.unit('3', unitFact({ name: 'Deep' })))).toEqual(['department.update']);
    expect(tree(world)).toContain('Acme/Deep');
    expect(world.halted).toBeNull();
  });

  test.each(flatOnes)('%s: matched by exact name anywhere in the tree, and left where it is', (preset) => {
    const world = worldOf({ preset });
    const parentId = world.target.addDepartment({ name: 'Region' });
    const id = world.target.addDepartment({ name: 'North', parentId });
    world.target.addDepartment({ name: 'north' });
    expect(callsOf(world, (w) => w.unit('2', unitFact({ name: ' North ' })))).toEqual([]);
    expect(world.links.unit.get('2')).toMatchObject({ targetId: id, madeByUs: false });
  });

  test.each(flatOnes)('%s: several of the name are a match case', (preset) => {
    const world = worldOf({ preset });
    const parentId = world.target.addDepartment({ name: 'Region' });
    const ids = [
      world.target.addDepartment({ name: 'North', parentId }),
      world.target.addDepartment({ name: 'North' }),
    ];
    world.unit('2', unitFact({ name: 'North' }));
    expect(world.outcome('unit', '2')).toEqual({
      kind: 'conflict',
      code: 'DEPARTMENT_AMBIGUOUS',
      detail: { targetIds: ids },
    });
    expect(world.converge().target.calls).toEqual([]);
    world.resolutions.set('unit/2', { action: 'adopt', targetId: ids[1]! });
    world.mark('unit', '2').converge();
    expect(world.links.unit.get('2')).toMatchObject({ targetId: ids[1], madeByUs: false });
    expect([world.target.calls, [...world.work.values()]]).toEqual([[], []]);
  });

  test.each(flatOnes)(
    '%s: what we made before a crash is known by its marker, whatever else has the name',
    (preset) => {
      const world = worldOf({ preset });
      world.target.addDepartment({ name: 'North' });
      const parentId = world.target.addDepartment({ name: 'Region' });
      const id = world.target.addDepartment({ name: 'North', parentId, externalId: 'eu1.1:unit:2' });
      world.unit('2', unitFact({ name: 'North' })).converge();
      expect(world.links.unit.get('2')).toMatchObject({ targetId: id, madeByUs: true });
    },
  );

  test.each(flatOnes)('%s: a second unit of a name is parked, its people go without it', (preset) => {
    const world = acme({ preset })
      .unit('8', unitFact({ name: 'North' }))
      .converge();
    expect(world.work.get('unit/8')).toMatchObject({ state: 'parked', code: 'DEPARTMENT_NAME_TAKEN' });
    world
      .person('9', personFact({ email: 'b@example.com' }))
      .member('9', membershipFact('2', '8'))
      .converge();
    expect(user(world, '9')).toMatchObject({ departmentIds: [world.target.defaultDepartmentId] });
  });

  test.each(flatOnes)('%s: a department that another integration linked is a match case', (preset) => {
    const world = worldOf({ preset });
    world.linkElsewhere('unit', world.target.addDepartment({ name: 'North' }));
    world.unit('2', unitFact({ name: 'North' })).converge();
    expect(world.work.get('unit/2')).toMatchObject({ state: 'conflict', code: 'LINKED_ELSEWHERE' });
  });
});

describe('§6 later department changes', () => {
  const changes: readonly [
    string,
    (world: World) => unknown,
    Readonly<Record<'follows' | 'never', readonly string[]>>,
  ][] = [
    ['renamed', (world) => world.unit('2', unitFact({ parentId: '1', name: 'Nord' })), { follows: ['department.update'], never: [] }], // prettier-ignore
    ['moved', (world) => world.unit('3', unitFact({ parentId: '1', name: 'Deep' })), { follows: ['department.update'], never: [] }], // prettier-ignore
    [
      'deleted',
      (world) => world.leave('1').unit('3', deletedUnit),
      { follows: ['user.departments', 'department.delete'], never: ['user.departments'] },
    ],
  ];
  test.each(changes)('a unit is %s: ziik and standard with departmentTree follow', (_, change, { follows }) => {
    for (const settings of [{ preset: 'ziik' }, { preset: 'standard', departmentTree: true }] as const) {
      const calls = callsOf(acme(settings), change).filter((op) => op !== 'user.permissions');
      expect(calls, settings.preset).toEqual(follows);
    }
  });

  test.each(changes)('a unit is %s: tamigo and standard never do', (_, change, { never }) => {
    for (const preset of flatOnes) {
      const world = acme({ preset });
      const before = tree(world);
      expect(callsOf(world, change), preset).toEqual(never);
      expect(tree(world), preset).toEqual(before);
      expect([...world.work.values()], preset).toEqual([]);
    }
  });

  test.each(flatOnes)('%s: a manual move is kept', (preset) => {
    const world = acme({ preset });
    const region = world.target.addDepartment({ name: 'Region' });
    world.target.departments.get(world.links.unit.get('3')!.targetId)!.parentId = region;
    expect(callsOf(world, (w) => w.markAll())).toEqual([]);
    expect(tree(world)).toContain('Region/Deep');
  });

  test.each(flatOnes)('%s: a department that was let go of is found again when its unit returns', (preset) => {
    const world = acme({ preset });
    const { targetId } = world.links.unit.get('3')!;
    world.leave('1').unit('3', deletedUnit).converge();
    expect(world.links.unit.has('3')).toBe(false);
    expect(callsOf(world, (w) => w.unit('3', unitFact({ parentId: '2', name: 'Deep' })))).toEqual([]);
    expect(world.links.unit.get('3')).toMatchObject({ targetId, madeByUs: true });
  });

  test('the default department of the integration is never deleted', () => {
    const world = acme({ preset: 'ziik' });
    const departmentId = world.links.unit.get('3')!.targetId;
    world.settings = { ...world.settings, defaults: { ...world.settings.defaults, departmentId } };
    world.leave('1').unit('3', deletedUnit).converge();
    expect(world.work.get('unit/3')).toMatchObject({ state: 'parked', code: 'DEPARTMENT_NOT_EMPTY' });
  });
});

describe('§6 permission types', () => {
  const typeNames = (world: World): readonly string[] => [...world.target.types.values()].map(({ name }) => name);

  test.each([
    ['ziik: from roles, created', { preset: 'ziik' }, ['Cook', 'Waiter']],
    ['tamigo: default only', { preset: 'tamigo' }, []],
    ['standard: default', { preset: 'standard' }, []],
    ['standard with changePermissions: from groups, missing ones created by name', { preset: 'standard', changePermissions: true }, ['Cook', 'Waiter']], // prettier-ignore
  ] as const)('%s', (_, settings, names) => {
    const world = acme(settings);
    expect(typeNames(world)).toEqual(names);
    const given = user(world)!.permissionTypeIds.map((id) => world.target.types.get(id)?.name);
    expect(given).toEqual(names.slice(0, 1));
    expect([...world.work.values()]).toEqual([]);
  });

  test.each(flatOnes)('%s: managed by hand afterwards', (preset) => {
    const world = acme({ preset });
    user(world)!.permissionTypeIds.push(world.target.addType('Editor'));
    const calls = callsOf(world, (w) => {
      w.role('5', deletedRole).member('7', membershipFact('1', '3', { roles: ['6'] }));
    });
    expect(calls.filter((op) => op !== 'job_profile.create' && op !== 'user.update')).toEqual([]);
    expect(user(world)!.permissionTypeIds).toHaveLength(1);
  });

  test('switched off again, what was assigned stays as it is', () => {
    const world = acme({ preset: 'standard', changePermissions: true });
    const before = user(world)!.permissionTypeIds;
    world.settings = { ...world.settings, changePermissions: false };
    world
      .role('6', deletedRole)
      .role('5', deletedRole)
      .member('7', membershipFact('1', '3', { roles: [] }));
    expect(callsOf(world, (w) => w.markAll())).toEqual([]);
    expect(user(world)!.permissionTypeIds).toEqual(before);
  });
});

describe('§6 job profile', () => {
  test.each([
    ['ziik: match only', 'ziik'],
    ['standard: match', 'standard'],
    ['tamigo: match', 'tamigo'],
  ] as const)('%s', (_, preset) => {
    expect(user(acme({ preset }))).toMatchObject({ jobProfileId: 700 });
  });

  const hired = (world: World, profile: string | null = null): World => {
    world.person('8', personFact({ email: 'b@example.com', jobProfile: profile }));
    return world.member('8', membershipFact('2', '3', { roles: ['6'] })).converge();
  };

  test('ziik: never created; the platform default is left to apply', () => {
    const world = hired(acme({ preset: 'ziik' }));
    expect([...world.jobProfiles.keys()]).toEqual(['Cook']);
    const create = world.target.calls.findLast(({ op }) => op === 'user.create');
    expect(create).toMatchObject({ user: { jobProfileId: null } });
  });

  test('tamigo: else created, once, before the user', () => {
    const world = acme({ preset: 'tamigo' });
    expect(callsOf(world, hired)).toEqual(['job_profile.create', 'user.create']);
    expect(user(world, '8')).toMatchObject({ jobProfileId: world.jobProfiles.get('Waiter') });
    expect(callsOf(world, (w) => w.person('9', personFact({ email: 'c@example.com', jobProfile: 'Waiter' })))).toEqual(['user.create']); // prettier-ignore
  });

  test('tamigo: by the employee type, which comes without a role', () => {
    const world = acme({ preset: 'tamigo' });
    expect(callsOf(world, (w) => hired(w, ' Night porter '))).toEqual(['job_profile.create', 'user.create']);
    expect(user(world, '8')).toMatchObject({ jobProfileId: world.jobProfiles.get('Night porter') });
    expect(callsOf(world, (w) => hired(w, 'Porter'))).toEqual(['job_profile.create', 'user.update']);
    expect(callsOf(world, (w) => hired(w, 'Cook'))).toEqual(['user.update']);
    expect(user(world, '8')).toMatchObject({ jobProfileId: 700 });
  });

  test('tamigo: an employee type longer than the target takes parks its people', () => {
    const world = hired(acme({ preset: 'tamigo' }), 'x'.repeat(256));
    expect(world.work.get('person/8')).toMatchObject({ state: 'parked', code: 'VALUE_TOO_LONG' });
  });

  test('standard: else the default', () => {
    const world = hired(acme({ preset: 'standard', defaults: { departmentId: null, jobProfileId: 701, permissionTypeIds: [] } })); // prettier-ignore
    expect(user(world, '8')).toMatchObject({ jobProfileId: 701 });
    expect([...world.jobProfiles.keys()]).toEqual(['Cook']);
  });

  test.each(all)('%s: change job profile off = written at creation only', (preset) => {
    const world = acme({ preset, updateJobProfile: false });
    world.jobProfiles.set('Waiter', 701);
    const calls = callsOf(world, (w) => w.member('7', membershipFact('1', '3', { roles: ['6'] })));
    expect(calls.filter((op) => op !== 'user.permissions')).toEqual([]);
    expect(user(world)).toMatchObject({ jobProfileId: 700 });
  });

  test.each(all)('%s: never reset to the default when a later role has no profile', (preset) => {
    const defaults = { departmentId: null, jobProfileId: 701, permissionTypeIds: [] };
    const world = acme({ preset, defaults });
    callsOf(world, (w) => w.member('7', membershipFact('1', '3', { roles: ['6'] })));
    expect(user(world)!.jobProfileId).toBe(preset === 'tamigo' ? world.jobProfiles.get('Waiter') : 700);
  });
});

test.each([
  ['ziik', 'da'],
  ['tamigo', null],
  ['standard', 'da'],
] as const)('§6 language: %s', (preset, language) => {
  const world = acme({ preset });
  expect(user(world)).toMatchObject({ language });
  expect(callsOf(world, (w) => w.person('7', { ...w.people.get('7')!, language: 'pl' }))).toEqual([]);
});

test.each(all)('§6 source deactivates a person: %s deactivates, and restores on return', (preset) => {
  const world = acme({ preset });
  const fact = world.people.get('7')!;
  expect(callsOf(world, (w) => w.person('7', { ...fact, active: false }))).toEqual(['user.deactivate']);
  expect(callsOf(world, (w) => w.person('7', fact))).toEqual(['user.reactivate']);
});

describe('§6 source deletes a person', () => {
  const gone = { ...deletedPerson, explicitlyDeleted: true };

  test.each(['ziik', 'standard'] as const)('%s: deactivate', (preset) => {
    expect(callsOf(acme({ preset }), (w) => w.person('7', gone))).toEqual(['user.deactivate']);
  });

  test('tamigo: delete', () => {
    const world = acme({ preset: 'tamigo' });
    expect(callsOf(world, (w) => w.person('7', gone))).toEqual(['user.delete']);
    expect(world.target.users.size).toBe(0);
    expect(world.links.person.has('7')).toBe(false);
    expect(callsOf(world, (w) => w.markAll())).toEqual([]);
  });

  test('tamigo: who was deactivated first is deleted too', () => {
    const world = acme({ preset: 'tamigo' });
    world.person('7', { ...world.people.get('7')!, active: false }).converge();
    expect(callsOf(world, (w) => w.person('7', gone))).toEqual(['user.delete']);
  });

  test('tamigo: taken only from an explicit deletion, never from absence', () => {
    expect(callsOf(acme({ preset: 'tamigo' }), (w) => w.person('7', deletedPerson))).toEqual(['user.deactivate']);
  });

  test('tamigo: each one waits for approval, unless confirmDeletions is off', () => {
    const world = acme({ preset: 'tamigo' });
    world.person('7', gone);
    const { operations } = assess(world.input({ kind: 'person', id: '7' }), world.policy());
    expect(operations).toEqual(['delete']);
    expect(unconfirmed('person', operations, world.settings)).toBe('DELETION_UNCONFIRMED');
    expect(unconfirmed('person', operations, { ...world.settings, confirmDeletions: false })).toBeNull();
    expect(unconfirmed('unit', operations, world.settings)).toBeNull();
    expect(unconfirmed('person', ['deactivate'], world.settings)).toBeNull();
  });

  test('tamigo: a protected identity is not deleted', () => {
    const world = acme({ preset: 'tamigo', protectedEmails: ['ADA@example.com'] });
    expect(callsOf(world, (w) => w.person('7', gone))).toEqual([]);
    expect(world.work.get('person/7')).toMatchObject({ state: 'parked', code: 'PROTECTED' });
  });

  test('tamigo: a deleted person who was never imported is nobody', () => {
    const world = acme({ preset: 'tamigo' });
    expect(callsOf(world, (w) => w.person('9', gone))).toEqual([]);
    expect(world.work.has('person/9')).toBe(false);
  });
});

describe('§6 first/last day', () => {
  const hired = personFact({ email: 'b@example.com', firstDay: '2026-02-01', lastDay: '2026-12-31' });

  test('ziik: -', () => {
    const world = acme({ preset: 'ziik' }).person('8', hired).converge();
    expect(user(world, '8')).not.toHaveProperty('firstDay');
    expect(callsOf(world, (w) => w.person('8', { ...hired, lastDay: null }))).toEqual([]);
  });

  test.each(flatOnes)('%s: written at creation and updated after it', (preset) => {
    const world = acme({ preset }).person('8', hired).converge();
    expect(user(world, '8')).toMatchObject({ firstDay: '2026-02-01', lastDay: '2026-12-31' });
    world.person('8', { ...hired, lastDay: null });
    const { operations, before, after } = assess(world.input({ kind: 'person', id: '8' }), world.policy());
    expect(operations).toEqual(['dates_changed']);
    expect([before, after]).toMatchObject([{ lastDay: '2026-12-31' }, { lastDay: null }]);
    expect(callsOf(world, () => {})).toEqual(['user.update']);
    expect(user(world, '8')).toMatchObject({ firstDay: '2026-02-01', lastDay: null });
    expect(callsOf(world, (w) => w.markAll())).toEqual([]);
  });

  test.each(flatOnes)('%s: where they are not delivered, nothing is written', (preset) => {
    const world = acme({ preset }).person('8', hired).converge();
    expect(callsOf(world, (w) => w.person('8', personFact({ email: 'b@example.com' })))).toEqual([]);
    expect(user(world, '8')).toMatchObject({ lastDay: '2026-12-31' });
  });
});

describe('§4 who: only people whose role is Employee', () => {
  test('Planner and Administrator never', () => {
    const world = acme({ preset: 'tamigo' });
    expect(callsOf(world, (w) => w.person('8', personFact({ email: 'b@example.com', eligible: false })))).toEqual([]);
    expect(world.work.has('person/8')).toBe(false);
  });

  test('promoted to Planner: updates stop, nothing is removed; also when a deletion follows', () => {
    const world = acme({ preset: 'tamigo' });
    const fact = world.people.get('7')!;
    const changed = { ...fact, lastName: 'Byron', active: false, eligible: false };
    expect(callsOf(world, (w) => w.leave('1').person('7', changed))).toEqual([]);
    expect(callsOf(world, (w) => w.person('7', { ...deletedPerson, explicitlyDeleted: true }))).toEqual([]);
    expect(user(world)).toMatchObject({ active: true, lastName: 'Lovelace' });
  });

  test('an Employee again: updates go on', () => {
    const world = acme({ preset: 'tamigo' });
    const fact = world.people.get('7')!;
    world.person('7', { ...fact, eligible: false }).converge();
    expect(callsOf(world, (w) => w.person('7', { ...fact, eligible: true, lastName: 'Byron' }))).toEqual([
      'user.update',
    ]);
    expect(world.links.person.get('7')!.applied).not.toHaveProperty('untouched');
  });
});

test('§4 the listed fields are updated after creation too', () => {
  const world = acme({ preset: 'tamigo' });
  const fact = { ...world.people.get('7')!, firstName: 'Augusta', lastName: 'King', email: 'king@example.com' };
  const calls = callsOf(world, (w) => w.person('7', fact).member('7', membershipFact('1', '2', { roles: ['5'] })));
  expect(calls).toEqual(['user.update', 'user.departments']);
});

test.each(all)('%s: planning after applying gives nothing, and assesses to nothing', (preset) => {
  const world = acme({ preset, confirmDeletions: preset !== 'tamigo' });
  world.person('8', personFact({ email: 'b@example.com', jobProfile: 'Porter' })).converge();
  expect(callsOf(world, (w) => w.markAll())).toEqual([]);
  for (const kind of ['unit', 'role', 'person'] as const) {
    for (const id of world.links[kind].keys()) {
      expect(assess(world.input({ kind, id }), world.policy()).operations, `${kind}/${id}`).toEqual([]);
    }
  }
});

test.each(all)('%s: what is assessed before anything is made is what is done', (preset) => {
  const world = acme({ preset });
  world.person('8', personFact({ email: 'b@example.com', jobProfile: 'Porter' }));
  const { operations, hash } = assess(world.input({ kind: 'person', id: '8' }), world.policy());
  expect(operations).toEqual(['create']);
  world.converge();
  expect(assess(world.input({ kind: 'person', id: '8' }), world.policy())).toMatchObject({ operations: [], hash });
});
