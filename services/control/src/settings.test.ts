import { defaultSettings } from '@orgstream/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSettings, diffSettings, mergeSettings } from './settings.ts';

test('an edit changes what it names and nothing else; a list replaces the list', () => {
  const base = { ...defaultSettings, protectedEmails: ['a@x.example'] };
  const edited = mergeSettings(base, {
    protectedEmails: ['B@x.example'],
    filters: { users: { exclude: ['c'] } },
    brake: { delete: { count: 9, share: 0.5, dayShare: 0.5 } },
  });
  expect(diffSettings(base, edited)).toEqual([
    { path: 'protectedEmails', from: ['a@x.example'], to: ['b@x.example'] },
    { path: 'filters.users.exclude', from: [], to: ['c'] },
    { path: 'brake.delete.count', from: 5, to: 9 },
    { path: 'brake.delete.share', from: 0.05, to: 0.5 },
    { path: 'brake.delete.dayShare', from: 0.1, to: 0.5 },
  ]);
});

test('settings do not differ from themselves, and an empty edit changes nothing', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(fc.string()), (uniqueUnits, include) => {
      const settings = mergeSettings(defaultSettings, { uniqueUnits, filters: { departments: { include } } });
      expect(diffSettings(settings, mergeSettings(settings, {}))).toEqual([]);
    }),
  );
});

test('a prototype is no setting', () => {
  const edited = mergeSettings(defaultSettings, JSON.parse('{"__proto__": {"review": true}}') as object);
  expect(edited.review).toBe(false);
  expect(({} as { review?: boolean }).review).toBeUndefined();
});

test('a preset whose source does not exist yet is refused: its switches would do nothing', () => {
  expect(() => checkSettings({ ...defaultSettings, preset: 'standard', deactivateUsers: true })).toThrow(
    expect.objectContaining({ code: 'SETTING_NOT_OF_PRESET', data: { field: 'preset' } }),
  );
});

test('what cannot stand is refused by its field', () => {
  expect(() => checkSettings({ ...defaultSettings, changePermissions: true })).toThrow(
    expect.objectContaining({ code: 'SETTING_NOT_OF_PRESET', data: { field: 'changePermissions' } }),
  );
  expect(() => checkSettings(defaultSettings)).not.toThrow();
});
