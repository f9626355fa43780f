import { describe, expect, test } from 'vitest';
import { settingsProblems } from './settings-problems.ts';
import { completeSettings, defaultSettings, type IntegrationSettings } from './settings.ts';

const problemsOf = (settings: Partial<IntegrationSettings>): readonly string[] =>
  settingsProblems(completeSettings(settings), 'ziik')
    .filter(({ field }) => field !== 'preset')
    .map(({ code, field }) => `${code} ${field}`);

test.each([
  ['ziik', []],
  ['tamigo', ['preset']],
  ['standard', ['preset']],
] as const)('of a Ziik the preset %s is refused but its own', (preset, expected) => {
  const problems = settingsProblems(completeSettings({ preset }), 'ziik');
  expect(problems.map(({ field }) => field)).toEqual(expected);
  for (const { code, message } of problems) {
    expect(code).toBe('SETTING_NOT_OF_PRESET');
    expect(message).toContain('takes ziik: leave it out');
  }
});

describe('a switch of another preset is refused', () => {
  test.each([
    ['changePermissions', { changePermissions: true }, ['standard']],
    ['deactivateUsers', { deactivateUsers: true }, ['standard']],
    ['departmentTree', { departmentTree: true }, ['standard']],
    ['confirmDeletions', { confirmDeletions: false }, ['tamigo']],
    ['uniqueUnits', { uniqueUnits: true }, ['ziik', 'standard']],
  ] as const)('%s', (field, set, allowed: readonly string[]) => {
    for (const preset of ['ziik', 'tamigo', 'standard'] as const) {
      const expected = allowed.includes(preset) ? [] : [`SETTING_NOT_OF_PRESET ${field}`];
      expect(problemsOf({ preset, ...set }), preset).toEqual(expected);
    }
  });
});

test.each(['ziik', 'tamigo', 'standard'] as const)('the defaults are fine with %s', (preset) => {
  expect(problemsOf({ preset })).toEqual([]);
});

test.each<[string, Partial<IntegrationSettings>, string]>([
  ['a blank entry', { filters: filters(['a', ' ']) }, 'filters.users.include.1'],
  ['an entry that is too long', { filters: filters(['x'.repeat(256)]) }, 'filters.users.include.0'],
  [
    'too many entries',
    { filters: filters(Array.from({ length: 10_001 }, (_, at) => `${at}`)) },
    'filters.users.include',
  ],
  ['a blank protected address', { protectedEmails: [''] }, 'protectedEmails.0'],
  ['a department id of 0', { defaults: { ...defaultSettings.defaults, departmentId: 0 } }, 'defaults.departmentId'],
  ['half a profile', { defaults: { ...defaultSettings.defaults, jobProfileId: 1.5 } }, 'defaults.jobProfileId'],
  ['a negative id', { defaults: { ...defaultSettings.defaults, permissionTypeIds: [1, -1] } }, 'defaults.permissionTypeIds'], // prettier-ignore
  ['a count below 5', brake({ count: 4 }), 'brake.deactivate.count'],
  ['a count that is no number', brake({ count: Number.NaN }), 'brake.deactivate.count'],
  ['a share above 1', brake({ share: 1.1 }), 'brake.deactivate.share'],
  ['a negative share', brake({ dayShare: -0.1 }), 'brake.deactivate.dayShare'],
])('%s is out of bounds', (_, settings, field) => {
  expect(problemsOf(settings)).toEqual([`REQUEST_INVALID ${field}`]);
});

function filters(include: readonly string[]): IntegrationSettings['filters'] {
  return { ...defaultSettings.filters, users: { include, exclude: [] } };
}

function brake(set: Partial<IntegrationSettings['brake']['deactivate']>): Partial<IntegrationSettings> {
  return { brake: { ...defaultSettings.brake, deactivate: { ...defaultSettings.brake.deactivate, ...set } } };
}
