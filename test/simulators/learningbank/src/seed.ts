import { z } from 'zod';
import { invalidField } from './api-error.ts';
import type { Platform } from './platform.ts';

const ref = z.union([z.string(), z.number()]);

/** Body of `POST /_sim/platforms`: what the platform holds before anybody calls it. Names refer to what is seeded. */
export const PlatformInput = z.strictObject({
  name: z.string().default('Acme'),
  rateLimitPerMinute: z.int().min(0).optional(),
  tokenTtlS: z.number().positive().optional(),
  language: z.string().optional(),
  languages: z.array(z.string()).optional(),
  activationMails: z.boolean().optional(),
  topDepartmentName: z.string().optional(),
  credentials: z.strictObject({ username: z.string(), password: z.string(), token: z.string() }).partial().optional(),
  departments: z
    .array(z.strictObject({ name: z.string(), parent: ref.optional(), externalId: z.string().optional() }))
    .default([]),
  permissionTypes: z
    .array(
      z.union([
        z.string().transform((name) => ({ name, externalId: undefined })),
        z.strictObject({ name: z.string(), externalId: z.string().optional() }),
      ]),
    )
    .default([]),
  jobProfiles: z
    .array(
      z.union([
        z.string().transform((name) => ({ name, isDefault: undefined })),
        z.strictObject({ name: z.string(), isDefault: z.boolean().optional() }),
      ]),
    )
    .default([]),
  users: z
    .array(
      z.strictObject({
        firstName: z.string(),
        lastName: z.string(),
        email: z.string().nullable().optional(),
        username: z.string().optional(),
        externalId: z.string().optional(),
        phone: z.string().optional(),
        language: z.string().optional(),
        isActive: z.boolean().optional(),
        departments: z.array(ref).optional(),
        permissionTypes: z.array(ref).optional(),
        jobProfile: ref.optional(),
        firstDay: z.string().optional(),
        lastDay: z.string().optional(),
      }),
    )
    .default([]),
  /** Names or ids of what fills the gaps. */
  defaults: z.strictObject({ department: ref, permissionType: ref, jobProfile: ref }).partial().default({}),
});

/** Fills a fresh platform. */
export function seed(platform: Platform, input: z.infer<typeof PlatformInput>): void {
  const { departments, permissionTypes, jobProfiles, users } = platform;
  for (const { parent, ...fields } of input.departments) {
    departments.create({ ...fields, ...(parent === undefined ? {} : { parentId: departmentId(platform, parent) }) });
  }
  for (const type of input.permissionTypes) permissionTypes.create(type);
  for (const profile of input.jobProfiles) jobProfiles.create(profile);
  const { department, permissionType, jobProfile } = input.defaults;
  if (department !== undefined) departments.defaultId = departmentId(platform, department);
  if (permissionType !== undefined) permissionTypes.defaultId = idOf(permissionTypes, permissionType, 'permissionType');
  if (jobProfile !== undefined) jobProfiles.defaultId = idOf(jobProfiles, jobProfile, 'jobProfile');
  for (const user of input.users) {
    const { departments: inDepartments, permissionTypes: types, jobProfile: profile, ...fields } = user;
    users.create({
      ...fields,
      departmentIds: inDepartments?.map((one) => departmentId(platform, one)),
      permissionTypeIds: types?.map((one) => idOf(permissionTypes, one, 'permissionTypes')),
      jobProfileId: profile === undefined ? undefined : idOf(jobProfiles, profile, 'jobProfile'),
    });
  }
}

function departmentId(platform: Platform, wanted: string | number): number {
  if (typeof wanted === 'number') return wanted;
  const [found] = platform.departments.find({ name: wanted });
  if (!found) throw invalidField('departments', `no department ${wanted}`);
  return found.id;
}

function idOf(
  store: { byName: (name: string) => { id: number } | undefined },
  wanted: string | number,
  field: string,
): number {
  const found = typeof wanted === 'number' ? { id: wanted } : store.byName(wanted);
  if (!found) throw invalidField(field, `no ${wanted}`);
  return found.id;
}
