import { brakedOperations, type BrakedOperation, type IntegrationSettings } from '@orgstream/core';
import { z } from 'zod';
import { Instant, line, TargetId } from './common.ts';

const entries = z.array(line(320)).max(10_000);
const FilterTab = z.strictObject({ include: entries, exclude: entries });
const share = z.number().min(0).max(1);
const BrakeLimit = z.strictObject({ count: z.int().min(5).max(1_000_000), share, dayShare: share });

const filterTabs = { users: FilterTab, departments: FilterTab, jobProfiles: FilterTab, permissions: FilterTab };
const defaults = {
  departmentId: TargetId.nullable(),
  jobProfileId: TargetId.nullable(),
  permissionTypeIds: z.array(TargetId).max(100),
};
const brake = Object.fromEntries(brakedOperations.map((operation) => [operation, BrakeLimit])) as Record<
  BrakedOperation,
  typeof BrakeLimit
>;

const switches = {
  preset: z.enum(['ziik', 'tamigo', 'standard']),
  uniqueUnits: z.boolean().describe('Department names carry the unit id.'),
  updateJobProfile: z.boolean().describe("Write the job profile when the person's own matching role changes."),
  createInactive: z.boolean().describe('A person met for the first time while inactive is created inactive.'),
  keepForeignDepartments: z.boolean().describe('Departments the user had besides its memberships are kept.'),
  protectedEmails: z.array(z.email().max(320)).max(1_000).describe('Never deactivated, moved or stripped.'),
  changePermissions: z.boolean().describe('Missing permission types are created by name; preset `standard` only.'),
  deactivateUsers: z
    .boolean()
    .describe('Platform users that the source does not deliver are deactivated; preset `standard` only.'),
  departmentTree: z.boolean().describe('Departments as a tree that follows the source; preset `standard` only.'),
  confirmDeletions: z.boolean().describe('Each deletion of a user waits for approval; preset `tamigo` only.'),
  review: z.boolean().describe('The first sync waits for approval of its plan.'),
};

/** All settings of an integration. */
export const Settings = z.strictObject({
  ...switches,
  filters: z.strictObject(filterTabs),
  defaults: z.strictObject(defaults),
  brake: z.strictObject(brake),
}) satisfies z.ZodType<IntegrationSettings>;

/** An edit: what is left out stays as it is; a list that is given replaces the list. */
export const SettingsEdit = z.strictObject({
  ...z.strictObject(switches).partial().shape,
  filters: z
    .strictObject({
      users: FilterTab.partial(),
      departments: FilterTab.partial(),
      jobProfiles: FilterTab.partial(),
      permissions: FilterTab.partial(),
    })
    .partial()
    .optional(),
  defaults: z.strictObject(defaults).partial().optional(),
  brake: z.strictObject(brake).partial().optional(),
});
export type SettingsEdit = z.infer<typeof SettingsEdit>;

/** The settings in force, and whether newer ones wait for their run. The ETag names both versions. */
export const SettingsInForce = z.object({
  version: z.int(),
  newest: z.int().describe('Newest version written; above `version`: it waits for its run.'),
  settings: Settings as z.ZodType<IntegrationSettings>,
});

export const SettingsChange = z.object({ path: z.string(), from: z.unknown(), to: z.unknown() });

export const SettingsVersion = z.object({
  version: z.int(),
  inForce: z.boolean(),
  createdBy: z.string().nullable(),
  createdAt: Instant,
  changes: z.array(SettingsChange).describe('Against the version before.'),
});

/** The ETag of settings: of what is in force, and of the newest version written. */
export function settingsTag(version: number, newest: number): string {
  return `${version}-${newest}`;
}
