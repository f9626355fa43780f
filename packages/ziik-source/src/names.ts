import { AppError } from '@orgstream/core';

/** Longest source name: slot names take 63 characters, `orgstream_` is ten of them. */
const MAX_SOURCE_NAME = 40;

/** Name of the slot and of the publication of a source. Dashes become underscores; source names hold none. */
export function slotNameOf(source: string): string {
  return `orgstream_${source.replaceAll('-', '_')}`;
}

/** Throws USAGE unless `source` may be the first part of a tenant key. */
export function checkSourceName(source: string): void {
  if (/^[a-z0-9][a-z0-9-]*$/.test(source) && source.length <= MAX_SOURCE_NAME) return;
  throw new AppError(
    'USAGE',
    `source name ${source} must be lower-case letters, digits and dashes, at most ${MAX_SOURCE_NAME}`,
  );
}
