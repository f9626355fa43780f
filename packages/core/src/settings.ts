import { defaultBrake, type BrakedOperation, type BrakeLimit } from './operations.ts';

/** One tab of include and exclude lists: names, e-mails or ids, compared trimmed and case-insensitively; they need not exist. */
export interface FilterList {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The four tabs (semantics.md §5). In scope = all include lists empty, or any entry of any matches; any exclude wins. */
export interface Filters {
  readonly users: FilterList;
  /** Units by name or id; Ziik departments (security groups) too, mirrored or not. */
  readonly departments: FilterList;
  readonly jobProfiles: FilterList;
  readonly permissions: FilterList;
}

/** What fills in where the source delivers nothing; goes before the platform's own default. Ids at the target. */
export interface Defaults {
  readonly departmentId: number | null;
  readonly jobProfileId: number | null;
  readonly permissionTypeIds: readonly number[];
}

/** Settings of an integration, versioned in `control.settings`; the switches of semantics.md §1, §4 and §5. */
export interface IntegrationSettings {
  /** Which column of the behaviour table applies (semantics.md §6). */
  readonly preset: 'ziik' | 'tamigo' | 'standard';
  /** Department names carry the unit id: `"<name> (<unit id>)"` (semantics.md §1, decided 5). */
  readonly uniqueUnits: boolean;
  /** Write the job profile when the person's own matching role changes (decided 3); *change job profile* of §5. */
  readonly updateJobProfile: boolean;
  /** A person met for the first time while inactive is created inactive (decided 10). */
  readonly createInactive: boolean;
  /** Departments the user had besides its memberships are kept (decided 16). */
  readonly keepForeignDepartments: boolean;
  /** E-mails, lower case, never deactivated, moved or stripped (decided 15). */
  readonly protectedEmails: readonly string[];
  /** Missing permission types are created by name; preset `standard` only (§5). */
  readonly changePermissions: boolean;
  /** Platform users that the source does not deliver are deactivated; preset `standard` only (§5). */
  readonly deactivateUsers: boolean;
  /** Departments as a tree that follows the source; preset `standard` only: the others have their own way (§6). */
  readonly departmentTree: boolean;
  /** Each deletion of a user waits for approval; preset `tamigo` only (§4). */
  readonly confirmDeletions: boolean;
  readonly filters: Filters;
  readonly defaults: Defaults;
  /** The first sync waits for approval of its plan. */
  readonly review: boolean;
  readonly brake: Readonly<Record<BrakedOperation, BrakeLimit>>;
}

const noFilter: FilterList = { include: [], exclude: [] };

export const defaultSettings: IntegrationSettings = {
  preset: 'ziik',
  uniqueUnits: false,
  updateJobProfile: true,
  createInactive: true,
  keepForeignDepartments: false,
  protectedEmails: [],
  changePermissions: false,
  deactivateUsers: false,
  departmentTree: false,
  confirmDeletions: true,
  filters: { users: noFilter, departments: noFilter, jobProfiles: noFilter, permissions: noFilter },
  defaults: { departmentId: null, jobProfileId: null, permissionTypeIds: [] },
  review: false,
  brake: defaultBrake,
};

/** Stored settings with what was added to the type since. */
export function completeSettings(stored: Partial<IntegrationSettings>): IntegrationSettings {
  return { ...defaultSettings, ...stored, brake: { ...defaultBrake, ...stored.brake } };
}
