import { z } from 'zod';

const Id = z.number();
const ExternalId = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

const Department = z.object({
  id: Id,
  name: z.string(),
  parentId: Id.nullable(),
  externalId: ExternalId,
  isTop: z.boolean(),
});

const PermissionType = z.object({ id: Id, name: z.string(), externalId: ExternalId, isSystem: z.boolean() });

const JobProfile = z.object({ id: Id, name: z.string() });

const User = z.object({
  id: Id,
  email: z.string().nullable(),
  firstName: z.string(),
  lastName: z.string(),
  language: z.string(),
  isActive: z.boolean(),
  externalId: ExternalId,
  departmentIds: z.array(Id),
  jobProfileId: Id.nullable(),
  permissionTypeIds: z.array(Id),
});

/** One platform of a Learningbank, as the simulator's `GET /_sim/state?platform=` dumps it; more fields are ignored. */
export const PlatformState = z.object({
  defaults: z.object({ departmentId: Id, jobProfileId: Id.nullish(), permissionTypeId: Id.nullish() }),
  departments: z.array(Department),
  permissionTypes: z.array(PermissionType),
  jobProfiles: z.array(JobProfile),
  users: z.array(User),
});

export type PlatformState = z.infer<typeof PlatformState>;
export type TargetDepartment = z.infer<typeof Department>;
export type TargetPermissionType = z.infer<typeof PermissionType>;
export type TargetUser = z.infer<typeof User>;
