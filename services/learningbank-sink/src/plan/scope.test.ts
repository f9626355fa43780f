import {
  completeSettings,
  defaultSettings,
  type FilterList,
  type Filters,
  type IntegrationSettings,
} from '@orgstream/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assess } from './assess.ts';
import { isInScope, type Tabs } from './scope.ts';
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

const lists = (filters: { readonly [Tab in keyof Filters]?: Partial<FilterList> }): Filters => {
  const tab = (name: keyof Filters): FilterList => ({ include: [], exclude: [], ...filters[name] });
  return { users: tab('users'), departments: tab('departments'), jobProfiles: tab('jobProfiles'), permissions: tab('permissions') }; // prettier-ignore
};
const include = (tab: keyof Filters, ...entries: readonly string[]): Filters => lists({ [tab]: { include: entries } });
const exclude = (tab: keyof Filters, ...entries: readonly string[]): Filters => lists({ [tab]: { exclude: entries } });

/**
 * Ada (7) in North as Cook and in South as Waiter, in the security group Kitchen (4); Ben (8) in South as Waiter.
 * A job profile Cook (700).
 */
function acme(settings: Partial<IntegrationSettings> = {}): World {
  const world = new World();
  world.settings = completeSettings(settings);
  world.jobProfiles.set('Cook', 700);
  world.unit('1', unitFact({ name: 'Head' })).unit('2', unitFact({ parentId: '1', name: 'North' }));
  world.unit('3', unitFact({ parentId: '1', name: 'South' }));
  world.unit('4', unitFact({ parentId: '2', name: 'Kitchen', isDepartment: true }));
  world.role('5', roleFact({ name: 'Cook' })).role('6', roleFact({ name: 'Waiter' }));
  world.person('7', personFact({}));
  world.member('7', membershipFact('1', '2', { roles: ['5'], departmentId: '4' }));
  world.member('7', membershipFact('2', '3', { roles: ['6'] }));
  world.person('8', personFact({ firstName: 'Ben', lastName: 'Øst', email: 'ben@example.com' }));
  world.member('8', membershipFact('3', '3', { roles: ['6'] }));
  return world.converge();
}

const user = (world: World, id = '7'): ModelUser | undefined =>
  world.target.users.get(world.links.person.get(id)?.targetId ?? -1);

function callsOf(world: World, change: (world: World) => unknown): readonly string[] {
  const from = world.target.calls.length;
  change(world);
  world.converge();
  expect(world.refusals).toEqual([]);
  expect([...world.work.values()]).toEqual([]);
  return world.target.calls.slice(from).map(({ op }) => op);
}

const imported = (filters: Filters): readonly string[] => {
  const world = acme({ filters });
  expect([...world.work.values()]).toEqual([]);
  return [...world.links.person.keys()];
};

describe('§5 four tabs with include and exclude lists', () => {
  const ada: readonly [keyof Filters, string, string][] = [
    ['users', 'e-mail', 'ada@example.com'],
    ['users', 'full name', 'Ada Lovelace'],
    ['users', 'source id', '7'],
    ['users', 'another case and outer blanks', '  ADA@Example.COM '],
    ['departments', 'unit name', 'North'],
    ['departments', 'unit id', '2'],
    ['departments', 'case and blanks', ' nORTH'],
    ['departments', "a security group's name, though it is not mirrored", 'kitchen'],
    ['departments', "a security group's id", '4'],
    ['jobProfiles', 'profile name', 'cook'],
    ['jobProfiles', 'profile id', '700'],
    ['jobProfiles', 'role id', '5'],
    ['permissions', 'role name', 'Cook'],
    ['permissions', 'role id', '5'],
  ];
  test.each(ada)('%s include by %s', (tab, _, entry) => {
    expect(imported(include(tab, entry))).toEqual(['7']);
  });
  test.each(ada)('%s exclude by %s', (tab, _, entry) => {
    expect(imported(exclude(tab, entry))).toEqual(['8']);
  });

  test('a department of any membership counts', () => {
    expect(imported(include('departments', 'South'))).toEqual(['7', '8']);
    expect(imported(exclude('departments', 'South'))).toEqual([]);
  });

  test('permissions go by the first membership only', () => {
    expect(imported(include('permissions', 'Waiter'))).toEqual(['8']);
  });

  test('half a name, or a part of an entry, is no match', () => {
    for (const entry of ['Ada', 'Lovelace', 'Lovelace Ada', 'ada@example.co', 'Nort', '70']) {
      for (const tab of ['users', 'departments', 'jobProfiles', 'permissions'] as const) {
        expect(imported(include(tab, entry)), `${tab} ${entry}`).toEqual([]);
      }
    }
  });

  test('an entry counts on its own tab only', () => {
    expect(imported(include('users', 'North', 'Cook', '700'))).toEqual([]);
    expect(imported(include('departments', 'ada@example.com', 'Cook'))).toEqual([]);
  });
});

describe('§5 in scope', () => {
  test('an empty include list = everybody', () => {
    expect(imported(defaultSettings.filters)).toEqual(['7', '8']);
  });

  test('any entry of any list matches', () => {
    expect(imported(lists({ users: { include: ['ben@example.com'] }, departments: { include: ['North'] } }))).toEqual(['7', '8']); // prettier-ignore
  });

  test('any exclude wins', () => {
    const both = { include: ['North', 'South'], exclude: ['Kitchen'] };
    expect(imported(lists({ departments: both, users: { include: ['7'] } }))).toEqual(['8']);
  });

  test('entries may name objects that do not exist yet', () => {
    const world = acme({ filters: include('departments', 'West') });
    expect(world.links.person.size).toBe(0);
    const joins = (w: World): unknown =>
      w.unit('9', unitFact({ parentId: '1', name: 'West' })).member('8', membershipFact('4', '9'));
    expect(callsOf(world, joins)).toEqual(['department.create', 'user.create']);
  });

  test('a job profile that does not exist yet is meant by the name of the role that would decide', () => {
    expect(imported(include('jobProfiles', 'Waiter'))).toEqual(['8']);
  });

  test('blank entries include nobody and narrow nothing', () => {
    expect(imported(lists({ users: { include: [' '], exclude: [''] } }))).toEqual(['7', '8']);
  });

  test.each(['ziik', 'tamigo', 'standard'] as const)('applies to %s', (preset) => {
    const world = acme({ preset, filters: include('users', '8') });
    expect([...world.links.person.keys()]).toEqual(['8']);
  });

  test('units and roles are mirrored whatever the lists say', () => {
    const world = acme({ filters: lists({ departments: { exclude: ['North'] }, permissions: { exclude: ['Cook'] } }) });
    expect([...world.links.unit.keys()]).toEqual(['1', '2', '3']);
    expect([...world.links.role.keys()]).toEqual(['5', '6']);
  });
});

describe('§5 excluded means untouched', () => {
  const filters = exclude('users', '7');
  const fact = personFact({});

  test.each<[string, (world: World) => unknown]>([
    ['renamed', (w) => w.person('7', { ...fact, lastName: 'Byron', email: 'byron@example.com' })],
    ['moved', (w) => w.leave('1')],
    ['given another role', (w) => w.member('7', membershipFact('1', '2', { roles: ['6'] }))],
    ['deactivated', (w) => w.person('7', { ...fact, active: false })],
    ['expired', (w) => w.person('7', { ...fact, expiresAtMs: 1 })],
    ['anonymised', (w) => w.person('7', { ...fact, firstName: 'X', lastName: 'X', email: 'x', anonymised: true, active: false })], // prettier-ignore
    ['deleted', (w) => w.person('7', deletedPerson)],
    ['rejected', (w) => w.person('7', { ...fact, rejectedCode: 'FACT_INVALID' })],
    ['left without an e-mail', (w) => w.person('7', { ...fact, email: null })],
  ])('no call when %s', (_, change) => {
    const world = acme();
    world.settings = { ...world.settings, filters };
    const before = structuredClone(user(world));
    expect(callsOf(world, change)).toEqual([]);
    expect(user(world)).toEqual(before);
    expect(assess(world.input({ kind: 'person', id: '7' }), world.policy())).toMatchObject({
      operations: [],
      code: null,
    });
  });

  test('a person who falls out of scope stays as it is; coming back into scope is synced', () => {
    const world = acme({ filters: exclude('departments', 'West') }).unit(
      '9',
      unitFact({ parentId: '1', name: 'West' }),
    );
    world.converge();
    const moves = (w: World): unknown =>
      w.member('7', membershipFact('1', '9')).person('7', { ...fact, lastName: 'King' });
    expect(callsOf(world, moves)).toEqual([]);
    expect(user(world)).toMatchObject({ lastName: 'Lovelace' });
    const back = (w: World): unknown => w.member('7', membershipFact('1', '3', { roles: ['5'] }));
    expect(callsOf(world, back)).toEqual(['user.update', 'user.departments']);
    expect(user(world)).toMatchObject({ lastName: 'King' });
  });

  const west = (): World => {
    const world = acme({ filters: exclude('departments', 'West') }).unit(
      '9',
      unitFact({ parentId: '1', name: 'West' }),
    );
    return world.member('7', membershipFact('1', '9')).converge();
  };

  test('who had fallen out is left alone when the deletion takes the memberships with it', () => {
    expect(callsOf(west(), (w) => w.leave('1').leave('2').person('7', deletedPerson))).toEqual([]);
  });

  test('who had come back is deactivated when the deletion takes the memberships with it', () => {
    const world = west().member('7', membershipFact('1', '2')).converge();
    expect(callsOf(world, (w) => w.leave('1').leave('2').person('7', deletedPerson))).toEqual(['user.deactivate']);
  });

  test('without lists, who had fallen out and was deleted since is deactivated', () => {
    const world = west().leave('1').leave('2').person('7', deletedPerson).converge();
    world.settings = defaultSettings;
    expect(callsOf(world, (w) => w.markAll())).toEqual(['user.deactivate']);
  });

  test.each<[string, Filters]>([
    ['address', exclude('users', 'ada@example.com')],
    ['name', exclude('users', 'Ada Lovelace')],
    ['department', exclude('departments', 'North')],
    ['permission', exclude('permissions', 'Cook')],
    ['job profile', exclude('jobProfiles', 'Cook')],
  ])('a deletion carries ids only: by %s it is known from what was applied', (_, listed) => {
    const world = acme();
    world.settings = { ...world.settings, filters: listed };
    expect(callsOf(world, (w) => w.leave('1').leave('2').person('7', deletedPerson))).toEqual([]);
  });

  test('a leaver whom a security group had included is deactivated, though the deletion took the memberships with it', () => {
    const world = acme({ filters: include('departments', 'Kitchen') });
    expect(callsOf(world, (w) => w.leave('1').leave('2').person('7', deletedPerson))).toEqual(['user.deactivate']);
  });

  test('the fingerprint of who is left alone is always the same', () => {
    const world = acme();
    world.settings = { ...world.settings, filters };
    const hashOf = (): string => assess(world.input({ kind: 'person', id: '7' }), world.policy()).hash;
    const before = hashOf();
    world.person('7', { ...fact, lastName: 'Byron', active: false }).leave('1');
    expect(hashOf()).toBe(before);
  });
});

describe('an excluded person stands in nobody’s way', () => {
  test('of two new people with one address the one in scope is made', () => {
    const world = acme({ filters: exclude('users', '9') });
    world.person('9', personFact({ email: 'c@example.com' })).person('10', personFact({ email: 'c@example.com' }));
    world.converge();
    expect([...world.links.person.keys()]).toEqual(['7', '8', '10']);
    expect([...world.work.values()]).toEqual([]);
  });

  test('of two people who match one user, excluding one settles it', () => {
    const world = acme({ filters: exclude('users', '9') });
    const targetId = world.target.addUser({ email: 'c@example.com' });
    world.person('9', personFact({ email: 'c@example.com' })).person('10', personFact({ email: 'c@example.com' }));
    world.converge();
    expect(world.links.person.get('10')).toMatchObject({ targetId });
  });

  test('its address is not given up: who wants it is parked, and waits for nothing', () => {
    const world = acme();
    world.settings = { ...world.settings, filters: exclude('users', '7') };
    world.person('7', personFact({ email: 'new@example.com' }));
    world.person('9', personFact({ email: 'ada@example.com' })).converge();
    expect(world.work.get('person/9')).toMatchObject({ state: 'parked', code: 'EMAIL_TAKEN' });
  });
});

describe('an excluded person counts as foreign', () => {
  const alone = (): World => {
    const world = acme();
    world.settings = { ...world.settings, filters: exclude('users', '7') };
    return world.leave('2').converge();
  };

  test('a department that still has one is left in place', () => {
    const world = alone().leave('1').unit('4', deletedUnit).unit('2', deletedUnit);
    const from = world.target.calls.length;
    world.converge();
    expect(world.target.calls.slice(from)).toEqual([]);
    expect(world.work.get('unit/2')).toMatchObject({ state: 'parked', code: 'DEPARTMENT_NOT_EMPTY' });
    const { operations, blocked, code } = assess(world.input({ kind: 'unit', id: '2' }), world.policy());
    expect({ operations, blocked, code }).toEqual({
      operations: [],
      blocked: ['delete'],
      code: 'DEPARTMENT_NOT_EMPTY',
    });
  });

  test('a permission type goes with its role, whoever has it', () => {
    expect(callsOf(alone(), (w) => w.role('5', deletedRole))).toEqual(['permission_type.delete']);
  });
});

describe('§5 defaults fill what the source does not deliver', () => {
  const nobody = (world: World): World => world.person('9', personFact({ email: 'c@example.com' })).converge();
  const defaultsOf = (world: World): IntegrationSettings['defaults'] => ({
    departmentId: world.target.addDepartment({ name: 'Lobby' }),
    jobProfileId: 777,
    permissionTypeIds: [world.target.addType('Guest'), world.target.addType('Reader')],
  });

  test.each(['ziik', 'tamigo', 'standard'] as const)("%s: the integration's own go before the platform's", (preset) => {
    const world = acme({ preset });
    const defaults = defaultsOf(world);
    world.settings = { ...world.settings, defaults };
    const { departmentId, ...rest } = defaults;
    expect(user(nobody(world), '9')).toMatchObject({ departmentIds: [departmentId], ...rest });
    expect(callsOf(world, (w) => w.mark('person', '9'))).toEqual([]);
  });

  test.each(['ziik', 'tamigo', 'standard'] as const)("%s: what is not set is left to the platform's", (preset) => {
    const world = nobody(acme({ preset }));
    expect(world.target.calls.at(-1)).toMatchObject({
      op: 'user.create',
      user: { departmentIds: [world.target.defaultDepartmentId], jobProfileId: null, permissionTypeIds: [] },
    });
  });

  test('what the source delivers is not filled up', () => {
    const world = acme();
    world.settings = { ...world.settings, defaults: defaultsOf(world) };
    world.person('9', personFact({ email: 'c@example.com' })).member('9', membershipFact('9', '2', { roles: ['5'] })).converge(); // prettier-ignore
    expect(user(world, '9')).toMatchObject({
      departmentIds: [world.links.unit.get('2')!.targetId],
      permissionTypeIds: [world.links.role.get('5')!.targetId],
      jobProfileId: 700,
    });
  });

  test('a default permission type is managed by hand afterwards: roles that come later leave it alone', () => {
    const world = acme();
    const defaults = defaultsOf(world);
    world.settings = { ...world.settings, defaults };
    nobody(world);
    const joins = (w: World): unknown => w.member('9', membershipFact('9', '2', { roles: ['5'] }));
    expect(callsOf(world, joins)).toEqual(['user.update', 'user.departments', 'user.permissions']);
    expect(user(world, '9')!.permissionTypeIds).toEqual([...defaults.permissionTypeIds, world.links.role.get('5')!.targetId]); // prettier-ignore
  });

  test('a person whose last unit has gone gets the default department of the integration', () => {
    const world = acme();
    const defaults = defaultsOf(world);
    world.settings = { ...world.settings, defaults };
    callsOf(world, (w) => w.leave('3'));
    expect(user(world, '8')).toMatchObject({ departmentIds: [defaults.departmentId] });
  });

  test('keepForeignDepartments does not keep a default department', () => {
    const world = acme({ keepForeignDepartments: true });
    const defaults = defaultsOf(world);
    world.settings = { ...world.settings, defaults };
    nobody(world);
    callsOf(world, (w) => w.member('9', membershipFact('9', '2')));
    expect(user(world, '9')).toMatchObject({ departmentIds: [world.links.unit.get('2')!.targetId] });
  });
});

test('the scope is what the rule says, whatever the lists and the texts', () => {
  const word = fc.constantFrom('a', 'A ', 'b', ' B', 'c', 'd', '', ' ');
  const words = fc.array(word, { maxLength: 3 });
  const list = fc.record({ include: words, exclude: words });
  const filters = fc.record({ users: list, departments: list, jobProfiles: list, permissions: list });
  const texts = fc.array(fc.oneof(word, fc.constant(null)), { maxLength: 3 });
  const tabs: fc.Arbitrary<Tabs> = fc.record({
    users: texts,
    departments: texts,
    jobProfiles: texts,
    permissions: texts,
  });
  fc.assert(
    fc.property(filters, tabs, (given, has) => {
      const names = ['users', 'departments', 'jobProfiles', 'permissions'] as const;
      const same = (a: string, b: string | null | undefined): boolean =>
        a.trim() !== '' && a.trim().toLowerCase() === b?.trim().toLowerCase();
      const any = (side: 'include' | 'exclude'): boolean =>
        names.some((tab) => given[tab][side].some((entry) => has[tab].some((text) => same(entry, text))));
      const isOpen = names.every((tab) => given[tab].include.every((entry) => entry.trim() === ''));
      expect(isInScope(given, has)).toBe(!any('exclude') && (isOpen || any('include')));
    }),
    { numRuns: 2_000 },
  );
});
