import { brakedOperations } from './operations.ts';
import type { ErrorCode } from './errors.ts';
import { defaultSettings, type Filters, type IntegrationSettings } from './settings.ts';

/** Something about settings that cannot stand. `field` is a path: `filters.users.include`. */
export interface SettingsProblem {
  readonly code: Extract<ErrorCode, 'SETTING_NOT_OF_PRESET' | 'REQUEST_INVALID'>;
  readonly field: string;
  readonly message: string;
}

type Preset = IntegrationSettings['preset'];
type Switch = 'uniqueUnits' | 'changePermissions' | 'deactivateUsers' | 'departmentTree' | 'confirmDeletions';

/** Presets that know a switch; with any other it must stay at its default (semantics.md §5). */
const presetsOf: Readonly<Record<Switch, readonly Preset[]>> = {
  uniqueUnits: ['ziik', 'standard'],
  changePermissions: ['standard'],
  deactivateUsers: ['standard'],
  departmentTree: ['standard'],
  confirmDeletions: ['tamigo'],
};

/** Kinds of sources, and the presets that fit what they deliver. Another preset's switches would silently do nothing. */
const presetsOfSource = { ziik: ['ziik'] } as const satisfies Readonly<Record<string, readonly Preset[]>>;
export type SourceKind = keyof typeof presetsOfSource;

/** Entries of one include or exclude list, and characters of one entry. */
const maxEntries = 10_000;
const maxEntry = 255;

const tabs = ['users', 'departments', 'jobProfiles', 'permissions'] as const satisfies readonly (keyof Filters)[];

/**
 * What is wrong with settings of a valid shape for an integration of this kind of source: another source's preset, another
 * preset's switches, values out of bounds. Empty = nothing.
 */
export function settingsProblems(settings: IntegrationSettings, source: SourceKind): readonly SettingsProblem[] {
  return [
    ...sourceProblems(settings.preset, presetsOfSource[source]),
    ...presetProblems(settings),
    ...tabs.flatMap((tab) => (['include', 'exclude'] as const).flatMap((side) => listProblems(settings, tab, side))),
    ...textProblems('protectedEmails', settings.protectedEmails),
    ...defaultsProblems(settings),
    ...brakeProblems(settings),
  ];
}

function sourceProblems(preset: Preset, known: readonly Preset[]): readonly SettingsProblem[] {
  if (known.includes(preset)) return [];
  const message = `${preset} is for another kind of source, this one takes ${known.join(' or ')}: leave it out`;
  return [{ code: 'SETTING_NOT_OF_PRESET', field: 'preset', message }];
}

function presetProblems(settings: IntegrationSettings): readonly SettingsProblem[] {
  return (Object.keys(presetsOf) as Switch[])
    .filter((name) => settings[name] !== defaultSettings[name] && !presetsOf[name].includes(settings.preset))
    .map((field) => ({
      code: 'SETTING_NOT_OF_PRESET',
      field,
      message: `belongs to the preset ${presetsOf[field].join(' or ')}, not to ${settings.preset}: leave it out`,
    }));
}

function listProblems(
  settings: IntegrationSettings,
  tab: keyof Filters,
  side: 'include' | 'exclude',
): readonly SettingsProblem[] {
  return textProblems(`filters.${tab}.${side}`, settings.filters[tab][side]);
}

function textProblems(field: string, entries: readonly string[]): readonly SettingsProblem[] {
  if (entries.length > maxEntries) return [invalid(field, `takes up to ${maxEntries} entries`)];
  return entries.flatMap((entry, at) => {
    if (entry.trim() === '') return [invalid(`${field}.${at}`, 'is blank')];
    return Array.from(entry).length > maxEntry
      ? [invalid(`${field}.${at}`, `is longer than ${maxEntry} characters`)]
      : [];
  });
}

function defaultsProblems({ defaults }: IntegrationSettings): readonly SettingsProblem[] {
  const isId = (id: number | null): boolean => id === null || (Number.isSafeInteger(id) && id > 0);
  return [
    ...(isId(defaults.departmentId) ? [] : [invalid('defaults.departmentId', 'is no id of the platform')]),
    ...(isId(defaults.jobProfileId) ? [] : [invalid('defaults.jobProfileId', 'is no id of the platform')]),
    ...(defaults.permissionTypeIds.every(isId) && new Set(defaults.permissionTypeIds).size <= 100
      ? []
      : [invalid('defaults.permissionTypeIds', 'takes up to 100 ids of the platform')]),
  ];
}

/** The count is at least 5 (semantics.md §7.2); shares are shares. */
function brakeProblems({ brake }: IntegrationSettings): readonly SettingsProblem[] {
  const isShare = (share: number): boolean => share >= 0 && share <= 1;
  return brakedOperations.flatMap((operation) => {
    const { count, share, dayShare } = brake[operation];
    return [
      ...(Number.isSafeInteger(count) && count >= 5 ? [] : [invalid(`brake.${operation}.count`, 'is a whole number, 5 or more')]), // prettier-ignore
      ...(isShare(share) ? [] : [invalid(`brake.${operation}.share`, 'is between 0 and 1')]),
      ...(isShare(dayShare) ? [] : [invalid(`brake.${operation}.dayShare`, 'is between 0 and 1')]),
    ];
  });
}

function invalid(field: string, message: string): SettingsProblem {
  return { code: 'REQUEST_INVALID', field, message };
}
