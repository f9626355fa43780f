import { describe, expect, test } from 'vitest';
import { cleanScene, now, tenant, type Scene } from './clean-scene.ts';
import { compareSite } from './compare.ts';
import type { OracleOptions } from './context.ts';
import type { Tabs } from './scope.ts';

function compare(change: (scene: Scene) => void, options: OracleOptions) {
  const scene = cleanScene();
  change(scene);
  return compareSite(tenant, scene.site, scene.state, { now, ...options });
}

const filters = (tabs: { readonly [Tab in keyof Tabs]?: Partial<Tabs[Tab]> }): Tabs => {
  const tab = (name: keyof Tabs): Tabs['users'] => ({ include: [], exclude: [], ...tabs[name] });
  return { users: tab('users'), departments: tab('departments'), jobProfiles: tab('jobProfiles'), permissions: tab('permissions') }; // prettier-ignore
};

/** Person 1: in Shop (3) with the security group Fruit (7), as Seller (1), whose profile is 501. */
const inFruit = ({ site }: Scene): void => void (site.people[0]!.memberships[0]!.departmentId = '7');
const aloneIds = (tabs: Tabs): readonly string[] =>
  compare(inFruit, { filters: tabs })
    .parked.filter(({ code }) => code === 'OUT_OF_SCOPE')
    .map(({ sourceId }) => sourceId);
const everybody = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

describe('who is left alone', () => {
  const entries: readonly [keyof Tabs, string, readonly string[]][] = [
    ['users', ' P1@Seven.example', ['1']],
    ['users', 'first1 last1', ['1']],
    ['users', '1', ['1']],
    ['departments', 'shop', ['1', '2', '3', '4']],
    ['departments', '3', ['1', '3', '4']],
    ['departments', 'Fruit', ['1']],
    ['departments', '7', ['1']],
    ['departments', 'Closed', []],
    ['permissions', 'Seller', ['1', '2']],
    ['permissions', '2', ['2']],
    ['jobProfiles', 'seller', ['1', '2']],
    ['jobProfiles', '501', ['1', '2']],
    ['jobProfiles', 'Baker', []],
  ];
  test.each(entries)('%s, exclude %s', (tab, entry, ids) => {
    expect(aloneIds(filters({ [tab]: { exclude: [entry] } }))).toEqual(ids);
  });
  test.each(entries)('%s, include %s', (tab, entry, ids) => {
    const others = everybody.filter((id) => !ids.includes(id));
    expect(aloneIds(filters({ [tab]: { include: [entry] } }))).toEqual(others);
  });

  test('any entry of any list includes, any exclude wins', () => {
    const tabs = filters({ users: { include: ['9'] }, departments: { include: ['Shop'], exclude: ['Fruit'] } });
    expect(aloneIds(tabs)).toEqual(['1', '5', '6', '7', '8']);
  });
});

test('who is left alone may differ, be missing, or still be active', () => {
  const { mismatches } = compare(
    ({ site, state }) => {
      site.people[0]!.lastName = 'Other';
      state.users.splice(1, 1);
      state.users.find(({ id }) => id === 1003)!.isActive = true;
    },
    { filters: filters({ users: { exclude: ['1', '2', '3'] } }) },
  );
  expect(mismatches).toEqual([]);
});

test('everybody else is compared', () => {
  const { mismatches } = compare(({ site }) => void (site.people[8]!.lastName = 'Other'), {
    filters: filters({ users: { exclude: ['1'] } }),
  });
  expect(mismatches).toMatchObject([{ sourceId: '9', field: 'lastName' }]);
});

test('a department of a deleted unit stays while somebody is in it who is left alone', () => {
  const closes = ({ site }: Scene): void => {
    site.units.find(({ id }) => id === '3')!.deleted = true;
    site.people[0]!.memberships = [];
  };
  const result = compare(closes, { filters: filters({ users: { exclude: ['1'] } }) });
  expect(result.mismatches).toEqual([]);
  expect(result.parked).toContainEqual({ kind: 'unit', sourceId: '3', code: 'DEPARTMENT_NOT_EMPTY' });
  expect(compare(closes, {}).mismatches).not.toEqual([]);
});

test("a permission type given as the integration's own default is no surplus", () => {
  const given = ({ state }: Scene): void =>
    state.users.find(({ id }) => id === 1009)!.permissionTypeIds.push(21) as never;
  expect(compare(given, { defaultPermissionTypeIds: [21] }).mismatches).toEqual([]);
  expect(compare(given, {}).mismatches).toMatchObject([{ sourceId: '9', field: 'permissionTypes' }]);
});
