import { AppError, type ErrorCode } from '@orgstream/core';
import { errorAnswer, type Route } from './learningbank-contract.ts';
import { retryAfterMs } from './retry-after.ts';

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
export function noAnswer(route: Route, error: unknown, ended: 'timeout' | 'aborted' | null): AppError {
  const reason = ended ?? causeCode(error);
  return new AppError('TARGET_UNREACHABLE', `${route.route}: no answer (${reason})`, {
    route: route.route,
    reason,
    ...ambiguity(route.write && !neverSent.has(reason)),
  });
}

/** An answer with a 2xx status that is not what was asked for; `fields` are names, never values. */
export function invalidAnswer(
  route: Route,
  status: number,
  reason: 'content_type' | 'empty' | 'not_json' | 'shape' | 'values' | 'redirect' | 'not_from_api' | 'too_large',
  fields: readonly string[] = [],
): AppError {
  return new AppError('TARGET_ANSWER_INVALID', `${route.route}: HTTP ${status} with an invalid answer (${reason})`, {
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
  route: Route,
  answer: { status: number; text: string; retryAfter: string | null },
  nowMs: number,
): AppError {
  const { status } = answer;
  if (status < 400) return invalidAnswer(route, status, 'redirect');
  const said = readError(answer.text);
  const code = codeOf(route, status);
  const needsEnvelope = code === 'TARGET_NOT_FOUND' || code === 'TARGET_CONFLICT' || code === 'TARGET_REFUSED';
  // A proxy's own 404 must not look like a user who is gone.
  if (code === null || (needsEnvelope && said === null)) return invalidAnswer(route, status, 'not_from_api');
  const waitMs = status === 429 || status >= 500 ? retryAfterMs(answer.retryAfter, nowMs) : undefined;
  return new AppError(code, `${route.route}: HTTP ${status}`, {
    route: route.route,
    status,
    ...(said?.code === undefined ? {} : { targetCode: said.code }),
    ...(code === 'TARGET_REFUSED' ? { fields: said?.fields ?? [] } : {}),
    ...(waitMs === undefined ? {} : { waitMs }),
    ...ambiguity(route.write && status >= 500),
  });
}

function codeOf(route: Route, status: number): ErrorCode | null {
  if (status === 429) return 'TARGET_RATE_LIMITED';
  if (status >= 500 || status === 408 || status === 425) return 'TARGET_ERROR';
  if (status === 401) return 'TARGET_AUTH_FAILED';
  if (route.route === 'auth.token') return [400, 403, 422].includes(status) ? 'TARGET_AUTH_FAILED' : null;
  if (status === 403) return 'TARGET_FORBIDDEN';
  if (status === 404 || status === 410) return route.mayMiss ? 'TARGET_NOT_FOUND' : null;
  return status === 409 ? 'TARGET_CONFLICT' : 'TARGET_REFUSED';
}

function readError(text: string): { code: string | undefined; fields: string[] } | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = errorAnswer.safeParse(body);
  if (!parsed.success) return null;
  const { code, fields } = parsed.data.error;
  const names = Object.keys(fields ?? {}).filter((name) => apiWord.test(name));
  return { code: apiWord.test(code) ? code : undefined, fields: names };
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
