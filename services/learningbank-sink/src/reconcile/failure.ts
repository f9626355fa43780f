import { isAppError, type ErrorCode } from '@orgstream/core';
import type { ObjectKind } from '../model.ts';

/** What a failed call means for its object. */
export type Consequence =
  /** The write may have happened: look at the target before anything else of this object. */
  | { readonly kind: 'read_back'; readonly code: ErrorCode; readonly waitMs: number }
  /** Somebody else has the name or e-mail: plan again from a fresh look at the target. `code`: what it parks with then. */
  | { readonly kind: 'taken'; readonly code: ErrorCode }
  /** The target does not know the object, or one that the call names. */
  | { readonly kind: 'missing' }
  /** 403: of this object, or of the platform? A probe tells. */
  | { readonly kind: 'forbidden' }
  /** A matter of the platform, not of the object: nothing is burnt. */
  | { readonly kind: 'platform'; readonly code: ErrorCode; readonly waitMs: number }
  | { readonly kind: 'retry'; readonly code: ErrorCode; readonly waitMs: number; readonly unexpected: boolean }
  | { readonly kind: 'park'; readonly code: ErrorCode; readonly detail: Readonly<Record<string, unknown>> }
  /** Not ours to write any more: forget the claim. */
  | { readonly kind: 'lost' };

const takenBy: Readonly<Record<ObjectKind, ErrorCode>> = {
  unit: 'DEPARTMENT_NAME_TAKEN',
  role: 'PERMISSION_TYPE_NAME_TAKEN',
  person: 'EMAIL_TAKEN',
};

/** Judges the failure of `op` on an object of `kind`. Pure; unknown errors are retried, and parked by their number. */
export function consequenceOf(error: unknown, op: string, kind: ObjectKind): Consequence {
  if (!isAppError(error)) return { kind: 'retry', code: 'UNEXPECTED', waitMs: 0, unexpected: true };
  const waitMs = error.waitMs ?? 0;
  if (error.data['ambiguous'] === true) return { kind: 'read_back', code: error.code, waitMs };
  switch (error.code) {
    case 'LEASE_LOST':
      return { kind: 'lost' };
    case 'TARGET_RATE_LIMITED':
    case 'TARGET_AUTH_FAILED':
    case 'PLATFORM_PAUSED':
    case 'SECRET_UNREADABLE':
      return { kind: 'platform', code: error.code, waitMs };
    case 'TARGET_FORBIDDEN':
      return { kind: 'forbidden' };
    case 'TARGET_NOT_FOUND':
      return { kind: 'missing' };
    case 'TARGET_CONFLICT':
      return { kind: 'taken', code: op.endsWith('.delete') ? 'DEPARTMENT_NOT_EMPTY' : takenBy[kind] };
    case 'TARGET_UNREACHABLE':
    case 'TARGET_ERROR':
    case 'TARGET_ANSWER_INVALID':
      return { kind: 'retry', code: error.code, waitMs, unexpected: false };
    default:
      if (error.disposition === 'park') return { kind: 'park', code: error.code, detail: parkDetail(error.data) };
      return { kind: 'retry', code: error.code, waitMs, unexpected: error.disposition === 'halt' };
  }
}

/** Names of fields and codes of the API only: `data` never holds values, and the row is read by operators. */
function parkDetail(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    ['status', 'targetCode', 'fields'].flatMap((name) => (name in data ? [[name, data[name]]] : [])),
  );
}
