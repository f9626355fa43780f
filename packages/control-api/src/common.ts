import { operations, runItemStates, runKinds, runStates } from '@orgstream/core';
import { z } from 'zod';

/** Roles, weakest first: each may do what the ones before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export const Uuid = z.uuid();
export const Instant = z.iso.datetime().describe('ISO 8601, UTC.');
/** Postgres takes no zero byte and no half of a surrogate pair, and no control character has a place in an id or a name. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const printable = /^[^\u0000-\u001f\u007f-\u009f]*$/;
/** One line of text. */
export const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(printable, 'takes no control characters')
    .refine((text) => text.isWellFormed(), 'is no text');
export const TenantKey = z
  .string()
  .max(80)
  // A site has one key: no leading zeros; and an id that fits a bigint.
  .regex(/^[a-z0-9][a-z0-9-]*\.[1-9][0-9]{0,17}$/, 'must be <source>.<site id>')
  .describe('`<source>.<site id>`, for example `eu1.42`.');
export const SourceName = z
  .string()
  .max(60)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes');
export const ObjectKind = z.enum(['unit', 'role', 'person']);
/** Id of an object at the source. */
export const SourceId = line(200);
/** Id at the target. */
export const TargetId = z.int().min(1);
export const RunKindName = z.enum(runKinds);
export const RunStateName = z.enum(runStates);
export const RunItemStateName = z.enum(runItemStates);
export const OperationName = z.enum(operations);
export const Facts = z.record(z.string(), z.unknown());
export const Code = z.string().describe('Error code, see docs/errors.md.');

/** Everybody who may look reads the address: a password in it would be no secret. */
const isBare = ({ username, password, search, hash }: URL): boolean =>
  [username, password, search, hash].every((part) => part === '');
/** Base URL of a vendor's API. */
export const bareUrl = (description: string) =>
  z
    .url({ protocol: /^https?$/ })
    .max(500)
    .refine((url) => !URL.canParse(url) || isBare(new URL(url)), 'takes no user, query or fragment')
    .describe(description);

export const ObjectRef = z.object({ kind: ObjectKind, id: SourceId });

export const Finding = z.object({
  level: z.enum(['error', 'warning', 'info']),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
});
export type Finding = z.infer<typeof Finding>;

/** Query of a list. */
export const paging = {
  cursor: z.string().min(1).max(1_000).optional().describe('`next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('Items in one page.'),
};

export const page = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe('Cursor of the next page; null on the last.'),
  });

/** An answer that is not a success (RFC 9457). */
export const Problem = z.object({
  type: z.string().describe('URI of the code in the manual.'),
  title: z.string().describe('What the code means.'),
  status: z.int(),
  detail: z.string().describe('What was being done and what is the matter.'),
  code: Code,
  field: z.string().optional().describe('The field that does not fit.'),
  remedy: z.string().describe('What to do about it.'),
  requestId: z.string(),
});
export type Problem = z.infer<typeof Problem>;
