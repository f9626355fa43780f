import type { Problem } from '@orgstream/control-api';
import { AppError, manualOf, type ErrorCode } from '@orgstream/core';
import { postgresError } from '@orgstream/database';

/** HTTP status of a code; a code that is not here was found by a service while it did what was asked: 409. */
const statuses: Partial<Record<ErrorCode, number>> = {
  REQUEST_INVALID: 400,
  TEMPLATE_INVALID: 400,
  TOKEN_REFUSED: 401,
  ASSERTION_INVALID: 401,
  ASSERTION_USED: 401,
  ISSUER_UNKNOWN: 401,
  ROLE_TOO_LOW: 403,
  ADMIN_REQUIRED: 403,
  NOT_FOUND: 404,
  TENANT_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  PRECONDITION_FAILED: 412,
  BODY_TOO_LARGE: 413,
  BODY_NOT_JSON: 415,
  IDEMPOTENCY_KEY_REUSED: 422,
  SETTING_NOT_OF_PRESET: 422,
  PRECONDITION_REQUIRED: 428,
  TOO_MANY_REQUESTS: 429,
  COMMAND_UNANSWERED: 503,
  POSTGRES_UNREACHABLE: 503,
  DATABASE_NOT_MIGRATED: 503,
  ISSUER_UNREACHABLE: 503,
};

/** Failures that are ours: their message is for the log, not for the caller. */
export const isOurs = (status: number): boolean => status >= 500;

function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 409;
}

/** What the caller is told; the message of an error that is not an AppError stays here: it may quote anything. */
export function toProblem(error: unknown, requestId: string): { readonly problem: Problem; readonly error: AppError } {
  const known = toAppError(error);
  const status = known.code === 'UNEXPECTED' && known.data['unexpected'] === true ? 500 : statusOf(known.code);
  const { meaning, remedy } = manualOf(known.code);
  const field = known.data['field'];
  return {
    error: known,
    problem: {
      type: `urn:orgstream:code:${known.code}`,
      title: meaning,
      status,
      detail: status === 500 ? 'answering the request' : known.message,
      code: known.code,
      ...(typeof field === 'string' ? { field } : {}),
      remedy,
      requestId,
    },
  };
}

/** Errors of body-parser and the router carry a `type` or a status; what they quote is left out. */
function toAppError(error: unknown): AppError {
  const known = postgresError(error, 'asking the database');
  if (known instanceof AppError) return known;
  const { type, status } = (known ?? {}) as { readonly type?: unknown; readonly status?: unknown };
  if (type === 'entity.too.large') return new AppError('BODY_TOO_LARGE', 'reading the body: it is larger than 1 MB');
  if (status === 415) return new AppError('BODY_NOT_JSON', 'reading the body: its encoding or charset is not taken');
  if (type === 'request.aborted') return new AppError('REQUEST_INVALID', 'reading the body: it ended early');
  if (status === 400) return new AppError('REQUEST_INVALID', 'reading the request: path or body is malformed');
  return new AppError('UNEXPECTED', 'answering the request', { cause: error, unexpected: true });
}
