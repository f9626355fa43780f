import { AppError, type ErrorCode } from '@orgstream/core';
import { retryAfterMs } from './retry-after.ts';
import type { Route } from './route.ts';

/** What a vendor's API says in the body of a refusal; null = the body is not the API's own. */
interface Refusal {
  readonly code: string | undefined;
  /** Names of the fields it complains about. */
  readonly fields: readonly string[];
}

/** How failures of one vendor are called, and how its refusals are read. */
export interface Vendor {
  readonly codes: Readonly<
    Record<
      | 'unreachable'
      | 'error'
      | 'rateLimited'
      | 'answerInvalid'
      | 'authFailed'
      | 'forbidden'
      | 'notFound'
      | 'conflict'
      | 'refused',
      ErrorCode
    >
  >;
  readonly readRefusal: (body: unknown) => Refusal | null;
}

/** Codes of a connection that was never made: nothing was sent. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Only tokens of an API may pass into an error: what a vendor writes into free text may be about a person. */
const apiWord = /^[\w.[\]-]{1,64}$/u;

/**
 * The one translation of a call without an answer. The foreign error is not kept as cause: undici's messages can hold
 * the URL, and the URL of a look-up holds an e-mail address.
 */
export function noAnswer(
  { codes }: Vendor,
  route: Route,
  error: unknown,
  ended: 'timeout' | 'aborted' | null,
): AppError {
  const reason = ended ?? causeCode(error);
  return new AppError(codes.unreachable, `${route.route}: no answer (${reason})`, {
    route: route.route,
    reason,
    ...ambiguity(route.write && !neverSent.has(reason)),
  });
}

/** An answer with a 2xx status that is not what was asked for; `fields` are names, never values. */
export function invalidAnswer(
  { codes }: Vendor,
  route: Route,
  status: number,
  reason: 'content_type' | 'empty' | 'not_json' | 'shape' | 'values' | 'redirect' | 'not_from_api' | 'too_large',
  fields: readonly string[] = [],
): AppError {
  return new AppError(codes.answerInvalid, `${route.route}: HTTP ${status} with an invalid answer (${reason})`, {
    route: route.route,
    status,
    reason,
    ...(fields.length > 0 ? { fields } : {}),
    // A 4xx without the API's envelope did not do anything either, but only the API itself could say so.
    ...ambiguity(route.write),
  });
}

/** The one translation of a status that is not a success. */
export function failedAnswer(
  vendor: Vendor,
  route: Route,
  answer: { status: number; text: string; retryAfter: string | null },
  nowMs: number,
): AppError {
  const { status } = answer;
  if (status < 400) return invalidAnswer(vendor, route, status, 'redirect');
  const said = readRefusal(vendor, answer.text);
  const kind = kindOf(route, status);
  const needsEnvelope = kind === 'notFound' || kind === 'conflict' || kind === 'refused';
  // A proxy's own 404 must not look like a user who is gone.
  if (kind === null || (needsEnvelope && said === null)) return invalidAnswer(vendor, route, status, 'not_from_api');
  const waitMs = status === 429 || status >= 500 ? retryAfterMs(answer.retryAfter, nowMs) : undefined;
  return new AppError(vendor.codes[kind], `${route.route}: HTTP ${status}`, {
    route: route.route,
    status,
    ...(said?.code === undefined ? {} : { targetCode: said.code }),
    ...(kind === 'refused' ? { fields: said?.fields ?? [] } : {}),
    ...(waitMs === undefined ? {} : { waitMs }),
    ...ambiguity(route.write && status >= 500),
  });
}

function kindOf(route: Route, status: number): keyof Vendor['codes'] | null {
  if (status === 429) return 'rateLimited';
  if (status >= 500 || status === 408 || status === 425) return 'error';
  if (status === 401) return 'authFailed';
  if (route.login) return [400, 403, 422].includes(status) ? 'authFailed' : null;
  if (status === 403) return 'forbidden';
  if (status === 404 || status === 410) return route.mayMiss ? 'notFound' : null;
  return status === 409 ? 'conflict' : 'refused';
}

function readRefusal(vendor: Vendor, text: string): Refusal | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  const said = vendor.readRefusal(body);
  if (said === null) return null;
  const { code, fields } = said;
  return {
    code: code !== undefined && apiWord.test(code) ? code : undefined,
    fields: fields.filter((name) => apiWord.test(name)),
  };
}

function causeCode(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && apiWord.test(code)) return code;
  }
  return 'unknown';
}

function ambiguity(ambiguous: boolean): { ambiguous?: true } {
  return ambiguous ? { ambiguous: true } : {};
}
