import { AppError } from '@orgstream/core';
import { z } from 'zod';

/** Makes the cursor of the next page from the sort key of the last item. Opaque, and validated when it comes back. */
function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Kinds of the parts of a sort key. */
const parts = {
  uuid: z.uuid(),
  number: z.string().regex(/^[0-9]{1,18}$/),
  text: z
    .string()
    .min(1)
    .max(200)
    .refine((text) => !text.includes('\0') && text.isWellFormed()),
  instant: z.string().regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?\+00$/),
};

/** The sort key in a cursor, part by part; throws REQUEST_INVALID for one that is not ours. */
export function decodeCursor<const P extends readonly (keyof typeof parts)[]>(
  cursor: string | undefined,
  shape: P,
): { readonly [I in keyof P]: string } | undefined {
  if (cursor === undefined) return undefined;
  const key = parse(cursor);
  const fits = Array.isArray(key) && key.length === shape.length;
  if (!fits || !shape.every((part, i) => parts[part].safeParse(key[i]).success && isDate(part, key[i]))) {
    throw new AppError('REQUEST_INVALID', 'cursor: it is not one of this list', { field: 'cursor' });
  }
  return key as unknown as { readonly [I in keyof P]: string };
}

/** Postgres refuses the 31st of February, and has no year 0. */
function isDate(part: keyof typeof parts, value: unknown): boolean {
  if (part !== 'instant') return true;
  const iso = String(value).slice(0, 19).replace(' ', 'T');
  const date = new Date(`${iso}Z`);
  return !iso.startsWith('0000') && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A page of rows that were asked for with one more than `limit`. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  options: { readonly item: (row: R) => T; readonly key: (row: R) => readonly string[] },
): { items: T[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(options.item),
    next: rows.length > limit && last !== undefined ? encodeCursor(options.key(last)) : null,
  };
}
