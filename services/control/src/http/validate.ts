import { AppError } from '@orgstream/core';
import type { z } from 'zod';

/** Parses one part of a request; REQUEST_INVALID names the field, never its value: it may be a secret or a person's. */
export function parsePart<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: 'path' | 'query' | 'body',
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...issue.path.map(String), ...(unknown === undefined ? [] : [unknown])].map(printable);
  const field = path.length === 0 ? where : path.join('.');
  throw new AppError('REQUEST_INVALID', `${where}: ${field}: ${says(issue)}`, { field });
}

/** zod's words quote values of closed sets only where they are ours. */
function says(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return 'is not known here';
  return issue.code === 'invalid_union' ? 'is none of the forms it may have' : issue.message;
}

/** Keys come from the caller. */
function printable(key: string): string {
  return key.replaceAll(/[^\w.-]/g, '?').slice(0, 60);
}
