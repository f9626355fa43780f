import type { ErrorCode, IntegrationSettings, Operation } from '@orgstream/core';

/** What an integration does, as the columns of the behaviour table say (semantics.md §6); the rules ask for nothing else. */
export interface Behaviour {
  /** `tree`: departments mirror the units' hierarchy. `flat`: they are found by name anywhere, else made below the top one. */
  readonly structure: 'tree' | 'flat';
  /** Of a tree: the top unit is the top department; or every unit, the topmost too, has a department below it. */
  readonly topUnit: 'is_top_department' | 'below_top_department';
  /** Renames, moves and deletions of units follow. */
  readonly follow: boolean;
  /** Permission types: made from roles and following them; or left to the platform's default and to people. */
  readonly permissions: 'from_roles' | 'default_only';
  /** What comes of a role or title without a job profile of its name. All fall back to the defaults at creation. */
  readonly jobProfile: 'match' | 'match_or_create' | 'match_or_default';
  readonly language: 'at_creation' | 'never';
  /** What an explicit deletion at the source does; absence never deletes. */
  readonly onDeleted: 'deactivate' | 'delete';
  /** First and last day are written where the source delivers them. */
  readonly dates: boolean;
  /** What comes of users of the platform whom the source does not deliver. */
  readonly undelivered: 'left_alone' | 'deactivate';
}

type Preset = IntegrationSettings['preset'];
const switchNames = ['departmentTree', 'changePermissions', 'deactivateUsers'] as const;
type Switch = (typeof switchNames)[number];

/** The behaviour table with every switch off. */
export const presets: Readonly<Record<Preset, Behaviour>> = {
  ziik: {
    structure: 'tree',
    topUnit: 'is_top_department',
    follow: true,
    permissions: 'from_roles',
    jobProfile: 'match',
    language: 'at_creation',
    onDeleted: 'deactivate',
    dates: false,
    undelivered: 'left_alone',
  },
  tamigo: {
    structure: 'flat',
    topUnit: 'below_top_department',
    follow: false,
    permissions: 'default_only',
    jobProfile: 'match_or_create',
    language: 'never',
    onDeleted: 'delete',
    dates: true,
    undelivered: 'left_alone',
  },
  standard: {
    structure: 'flat',
    topUnit: 'below_top_department',
    follow: false,
    permissions: 'default_only',
    jobProfile: 'match_or_default',
    language: 'at_creation',
    onDeleted: 'deactivate',
    dates: true,
    undelivered: 'left_alone',
  },
};

/** What a preset's switches alter. A switch that is not listed has no effect with that preset. */
const switches: Readonly<Partial<Record<Preset, Partial<Record<Switch, Partial<Behaviour>>>>>> = {
  standard: {
    departmentTree: { structure: 'tree', follow: true },
    changePermissions: { permissions: 'from_roles' },
    deactivateUsers: { undelivered: 'deactivate' },
  },
};

/** The column of the table that applies, with its switches as they are set. */
export function behaviourOf(settings: IntegrationSettings): Behaviour {
  const base = presets[settings.preset];
  const own = switches[settings.preset];
  if (!own) return base;
  return switchNames.reduce((now, name) => (settings[name] ? { ...now, ...own[name] } : now), base);
}

/**
 * Why operations on a person must wait for an operator, whatever the brake says: each deletion of a user is confirmed,
 * unless the integration says otherwise (semantics.md §4).
 */
export function unconfirmed(
  kind: 'unit' | 'role' | 'person',
  operations: readonly Operation[],
  settings: IntegrationSettings,
): ErrorCode | null {
  return kind === 'person' && settings.confirmDeletions && operations.includes('delete')
    ? 'DELETION_UNCONFIRMED'
    : null;
}
