import { completeSettings, defaultSettings, type Filters, type IntegrationSettings } from '@orgstream/core';
import { describe, expect, test } from 'vitest';
import { undelivered, type Delivered, type ListedUser } from './undelivered.ts';

const settings = (set: Partial<IntegrationSettings> = {}): IntegrationSettings =>
  completeSettings({ preset: 'standard', deactivateUsers: true, ...set });
const listedUser = (id: number, user: Partial<ListedUser> = {}): ListedUser => ({
  id,
  email: `u${id}@example.com`,
  firstName: 'Una',
  lastName: `No${id}`,
  externalId: null,
  isActive: true,
  departments: [{ id: 20, name: 'North' }],
  jobProfile: { id: 700, name: 'Cook' },
  permissionTypes: [{ id: 4, name: 'User' }],
  ...user,
});
const users = [listedUser(1), listedUser(2), listedUser(3)];
const delivered: Delivered = { linkedUserIds: new Set([1]), emails: [' U2@Example.com '], isProved: true };
const alone = { isShared: false };

test('on = every platform user that the source does not deliver is deactivated', () => {
  expect(undelivered(users, delivered, { settings: settings(), ...alone })).toEqual({ deactivate: [3] });
});

test('off by default', () => {
  const off = settings({ deactivateUsers: defaultSettings.deactivateUsers });
  expect(undelivered(users, delivered, { settings: off, ...alone })).toEqual({ deactivate: [] });
});

test.each(['ziik', 'tamigo'] as const)('refused with the preset %s', (preset) => {
  const answer = undelivered(users, delivered, { settings: settings({ preset }), ...alone });
  expect(answer).toEqual({ refused: 'SETTING_NOT_OF_PRESET' });
});

test('refused while two integrations share a platform', () => {
  const answer = undelivered(users, delivered, { settings: settings(), isShared: true });
  expect(answer).toEqual({ refused: 'PLATFORM_SHARED' });
});

test('no removal follows from absence unless a snapshot covers it', () => {
  const answer = undelivered(users, { ...delivered, isProved: false }, { settings: settings(), ...alone });
  expect(answer).toEqual({ refused: 'SNAPSHOT_MISSING' });
});

test('inactive and protected ones are left aside', () => {
  const listed = [listedUser(3, { isActive: false }), listedUser(4), listedUser(5, { email: null })];
  const answer = undelivered(listed, delivered, {
    settings: settings({ protectedEmails: [' U4@EXAMPLE.com'] }),
    ...alone,
  });
  expect(answer).toEqual({ deactivate: [5] });
});

describe('excluded ones aside; out of scope is left untouched', () => {
  const entries: readonly [keyof Filters, string][] = [
    ['users', 'U3@example.com'],
    ['users', 'una no3'],
    ['users', '3'],
    ['users', 'x-3'],
    ['departments', 'south'],
    ['departments', '21'],
    ['jobProfiles', ' Waiter'],
    ['jobProfiles', '701'],
    ['permissions', 'owner'],
    ['permissions', '1'],
  ];
  const listed = [
    listedUser(3, {
      externalId: 'x-3',
      departments: [
        { id: 20, name: 'North' },
        { id: 21, name: 'South' },
      ],
      jobProfile: { id: 701, name: 'Waiter' },
      permissionTypes: [{ id: 1, name: 'Owner' }],
    }),
    listedUser(4),
  ];
  const withList = (tab: keyof Filters, list: Partial<Filters['users']>): IntegrationSettings =>
    settings({ filters: { ...defaultSettings.filters, [tab]: { include: [], exclude: [], ...list } } });

  test.each(entries)('exclude on %s by %s', (tab, entry) => {
    const answer = undelivered(listed, delivered, { settings: withList(tab, { exclude: [entry] }), ...alone });
    expect(answer).toEqual({ deactivate: [4] });
  });

  test.each(entries)('include on %s by %s', (tab, entry) => {
    const answer = undelivered(listed, delivered, { settings: withList(tab, { include: [entry] }), ...alone });
    expect(answer).toEqual({ deactivate: [3] });
  });
});
