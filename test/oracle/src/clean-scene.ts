import type { SourceSite } from './source.ts';
import type { PlatformState } from './state.ts';

/** A type that tests may change in place. */
export type Draft<T> = T extends Date ? T : T extends object ? { -readonly [K in keyof T]: Draft<T[K]> } : T;

/** A site and a platform that are in step, written by hand from semantics §1: tests change one thing and look. */
export interface Scene {
  readonly site: Draft<SourceSite>;
  readonly state: Draft<PlatformState>;
}

export const tenant = 'eu1.7';
export const now = new Date('2026-03-01T12:00:00Z');

/** Fresh copies each time. */
export function cleanScene(): Scene {
  return { site: cleanSite(), state: cleanState() };
}

type Person = Draft<SourceSite['people'][number]>;

/** A person with an e-mail, in no unit. */
export function person(id: string, fields: Partial<Person> = {}): Person {
  return {
    id,
    firstName: `First${id}`,
    lastName: `Last${id}`,
    email: `p${id}@seven.example`,
    language: 'da',
    active: true,
    expiresAt: null,
    anonymised: false,
    deleted: false,
    memberships: [],
    ...fields,
  };
}

const unit = (id: string, parentId: string | null, name: string, fields = {}) => ({
  id,
  parentId,
  name,
  unitType: 'unit',
  deleted: false,
  ...fields,
});

/** top 1 ▸ North 2 ▸ (Shop 3, Bakery 4), South 5 ▸ Shop 6; 7 is a Ziik department, 8 was deleted. */
function cleanSite(): Draft<SourceSite> {
  return {
    siteId: '7',
    exists: true,
    defaultLanguage: 'da',
    units: [
      unit('1', null, 'Seven Ltd'),
      unit('2', '1', 'North'),
      unit('3', '2', 'Shop'),
      unit('4', '2', 'Bakery'),
      unit('5', '1', 'South'),
      unit('6', '5', 'Shop'),
      unit('7', '3', 'Fruit', { unitType: 'department' }),
      unit('8', '1', 'Closed', { deleted: true }),
    ],
    roles: [
      { id: '1', name: 'Seller', deleted: false },
      { id: '2', name: 'Baker', deleted: false },
      { id: '3', name: 'Old', deleted: true },
    ],
    people: [
      person('1', { memberships: [{ id: '11', unitId: '3', roleIds: ['1'] }] }),
      person('2', {
        memberships: [
          { id: '13', unitId: '6', roleIds: ['2', '1'] },
          { id: '12', unitId: '4', roleIds: ['3'] },
          { id: '14', unitId: '8', roleIds: [] },
        ],
      }),
      person('3', { active: false, memberships: [{ id: '15', unitId: '3', roleIds: [] }] }),
      person('4', { email: null, memberships: [{ id: '16', unitId: '3', roleIds: [] }] }),
      person('5', { deleted: true }),
      person('6', { anonymised: true, active: false, email: 'anonymised-6@ziik.invalid' }),
      person('7', { expiresAt: new Date('2026-03-01T11:59:00Z') }),
      person('8', { memberships: [{ id: '17', unitId: '8', roleIds: ['1'] }] }),
      person('9', { memberships: [{ id: '18', unitId: '1', roleIds: [] }] }),
    ],
  };
}

const department = (id: number, parentId: number | null, name: string, sourceId?: string) => ({
  id,
  name,
  parentId,
  isTop: parentId === null,
  externalId: sourceId === undefined ? null : `${tenant}:unit:${sourceId}`,
});

type User = Draft<PlatformState['users'][number]>;

/** A user of the platform; with `sourceId`, one that we made for that person. */
export function user(id: number, sourceId: string | null, fields: Partial<User> = {}): User {
  return {
    id,
    email: sourceId === null ? `u${id}@elsewhere.example` : `p${sourceId}@seven.example`,
    firstName: `First${sourceId ?? id}`,
    lastName: `Last${sourceId ?? id}`,
    language: 'da',
    isActive: true,
    externalId: sourceId === null ? null : `${tenant}:person:${sourceId}`,
    departmentIds: [109],
    jobProfileId: null,
    permissionTypeIds: [4],
    ...fields,
  };
}

/** 105 (South) was there before us and bears no marker; 120, 23 and 1020 are not ours and stay. */
function cleanState(): Draft<PlatformState> {
  return {
    defaults: { departmentId: 109, jobProfileId: 502, permissionTypeId: 4 },
    departments: [
      department(101, null, 'Learning at Seven'),
      department(102, 101, 'North', '2'),
      department(103, 102, 'Shop', '3'),
      department(104, 102, 'Bakery', '4'),
      department(105, 101, 'South'),
      department(106, 105, 'Shop', '6'),
      department(109, 101, 'Unplaced'),
      department(120, 102, 'Trainers'),
    ],
    permissionTypes: [
      { id: 1, name: 'Owner', externalId: null, isSystem: true },
      { id: 4, name: 'User', externalId: null, isSystem: true },
      { id: 21, name: 'Seller', externalId: `${tenant}:role:1`, isSystem: false },
      { id: 22, name: 'Baker', externalId: null, isSystem: false },
      { id: 23, name: 'Trainer', externalId: null, isSystem: false },
    ],
    jobProfiles: [
      { id: 501, name: 'Seller' },
      { id: 502, name: 'Everybody' },
    ],
    users: [
      user(1001, '1', { departmentIds: [103], permissionTypeIds: [21, 23], jobProfileId: 501 }),
      user(1002, null, {
        email: 'P2@seven.example',
        firstName: 'First2',
        lastName: 'Last2',
        departmentIds: [106, 104],
        permissionTypeIds: [22, 21],
        jobProfileId: 501,
      }),
      user(1003, '3', { isActive: false, firstName: 'Stale', departmentIds: [104] }),
      user(1005, '5', { isActive: false, email: 'old@seven.example' }),
      user(1007, '7', { isActive: false }),
      user(1008, '8'),
      user(1009, '9', { departmentIds: [101] }),
      user(1020, null, { departmentIds: [120] }),
    ],
  };
}
