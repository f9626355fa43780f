import { z } from 'zod';

/**
 * What Ziik's API does differently from one place to the next (vendors.md §1.13): objects in arrays, empty arrays for
 * empty objects, numbers as strings. Made with PHP, where these are the same.
 */

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unwrapped(body: unknown): unknown {
  return isObject(body) && 'data' in body ? body['data'] : body;
}

/** One thing: bare, in `data`, or alone in an array. */
export function one<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z.preprocess((body) => {
    const inside = unwrapped(body);
    return Array.isArray(inside) && inside.length === 1 ? inside[0] : inside;
  }, schema) as z.ZodType<T>;
}

/** Several things: an array, bare or in `data`; a single one may come without it. */
export function several<T>(schema: z.ZodType<T>): z.ZodType<T[]> {
  return z.preprocess((body) => {
    const inside = unwrapped(body);
    return isObject(inside) ? [inside] : inside;
  }, z.array(schema)) as z.ZodType<T[]>;
}

/** An object, or nothing: null, absent, `[]` or `{}`. */
export function maybe<T>(schema: z.ZodType<T>): z.ZodType<T | null> {
  const emptied = (value: unknown) => (isEmpty(value) ? null : (value ?? null));
  return z.preprocess(emptied, schema.nullable()) as z.ZodType<T | null>;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A whole number that may be written as a string. */
export const int = z.union([
  z.int(),
  z
    .string()
    .regex(/^\d{1,15}$/u)
    .transform(Number),
]);

export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');

/** An empty one is none. */
export const textOrNull = z
  .string()
  .nullish()
  .transform((value) => value || null);

export const flag = z.union([z.boolean(), z.literal([0, 1]).transform((value) => value === 1)]);
