import { z } from 'zod';
import { ApiError } from './api-error.ts';

/** Reads parameters; what does not fit is a 422 that names the fields. */
export function parse<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const fields: Record<string, string[]> = {};
  for (const issue of result.error.issues) (fields[String(issue.path[0] ?? 'body')] ??= []).push(issue.message);
  throw new ApiError(422, 'validation_failed', 'The given data was invalid', { fields });
}
