import { z } from 'zod';
import { ApiError } from './api-error.ts';

/** Longest name and e-mail, in characters (code points). */
const maxName = 255;
const maxEmail = 254;

const tooLong = (max: number) => `must not be longer than ${max} characters`;
const fits = (max: number) => (value: string) => value.length <= max || Array.from(value).length <= max;

const name = z
  .string()
  .refine((value) => value.trim() !== '', 'is required')
  .refine(fits(maxName), tooLong(maxName));
const email = z
  .string()
  .refine(fits(maxEmail), tooLong(maxEmail))
  .regex(/^[^\s@]+@[^\s@]+$/u, 'must be an e-mail address');
const externalId = z.string().refine(fits(maxName), tooLong(maxName)).nullable();
const id = z.int().positive();
const ids = z.array(id);
const day = z.iso.date().nullable();

const userFields = {
  externalId: externalId.optional(),
  username: name.optional(),
  email: email.nullable().optional(),
  phone: z.string().refine(fits(50), tooLong(50)).nullable().optional(),
  language: z.string().max(35).optional(),
  isActive: z.boolean().optional(),
  departmentIds: ids.optional(),
  jobProfileId: id.nullable().optional(),
  permissionTypeIds: ids.optional(),
  firstDay: day.optional(),
  lastDay: day.optional(),
};

/** Bodies of the API's writes. */
export const bodies = {
  token: z.object({ username: z.string(), password: z.string(), token: z.string().optional() }),
  departmentCreate: z.object({ name, parentId: id.optional(), externalId: externalId.optional() }),
  departmentUpdate: z.object({ name: name.optional(), parentId: id.optional(), externalId: externalId.optional() }),
  permissionTypeCreate: z.object({ name, externalId: externalId.optional() }),
  permissionTypeUpdate: z.object({ name: name.optional(), externalId: externalId.optional() }),
  jobProfileCreate: z.object({ name, isDefault: z.boolean().optional() }),
  jobProfileUpdate: z.object({ name: name.optional(), isDefault: z.boolean().optional() }),
  userCreate: z.object({ ...userFields, firstName: name, lastName: name }),
  userUpdate: z.object({ ...userFields, firstName: name.optional(), lastName: name.optional() }),
  userDepartments: z.object({ departmentIds: ids }),
  permissionTypeDelta: z.object({ add: ids.default([]), remove: ids.default([]) }),
  loginLink: z.object({
    userId: id.optional(),
    externalId: z.string().optional(),
    email: z.string().optional(),
    redirectPath: z
      .string()
      .regex(/^\/(?![/\\])/u, 'must be a path of the same origin')
      .optional(),
  }),
  notificationType: z.object({
    channels: z.record(
      z.string(),
      z.object({ enabled: z.boolean().optional(), subject: z.string().optional(), body: z.string().optional() }),
    ),
  }),
};

const filterId = z.coerce.number().int();

/** Query parameters of the lists. */
export const queries = {
  departments: z.object({
    parentId: filterId.optional(),
    name: z.string().optional(),
    externalId: z.string().optional(),
    updatedSince: z.string().optional(),
  }),
  named: z.object({ name: z.string().optional(), externalId: z.string().optional() }),
  users: z.object({
    email: z.string().optional(),
    username: z.string().optional(),
    externalId: z.string().optional(),
    isActive: z.stringbool().optional(),
    departmentId: filterId.optional(),
    updatedSince: z.string().optional(),
  }),
  page: z.object({
    page: z.coerce.number().int().min(1).default(1),
    pageSize: z.coerce.number().int().min(1).max(200).default(50),
  }),
};

/** Parses or answers 422 with the fields that do not fit. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const fields: Record<string, string[]> = {};
  for (const issue of parsed.error.issues) {
    const field = issue.path.map(String).join('.') || 'body';
    (fields[field] ??= []).push(issue.message);
  }
  throw new ApiError(422, 'validation_failed', 'The given data was invalid', { fields });
}
