import { AppError } from '@orgstream/core';

/** The one strong ETag of If-Match, without quotes; `*` is not taken: the caller must have read what it changes. */
export function readIfMatch(header: string | undefined): string {
  if (header === undefined || header.trim() === '') {
    throw new AppError('PRECONDITION_REQUIRED', 'If-Match is missing', { field: 'If-Match' });
  }
  const match = /^"([!#-~]{1,100})"$/.exec(header.trim());
  if (!match) {
    throw new AppError('REQUEST_INVALID', 'If-Match: takes one ETag in quotes, as it was answered', {
      field: 'If-Match',
    });
  }
  return match[1]!;
}

export function stale(): AppError {
  return new AppError('PRECONDITION_FAILED', 'If-Match: it was changed since it was read', { field: 'If-Match' });
}
