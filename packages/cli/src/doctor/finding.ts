import { AppError, isAppError, manualOf, type ErrorCode } from '@orgstream/core';
import { postgresError } from '@orgstream/database';

/** `ok`: as it should be. `warning`: works, and wants a look. `broken`: something does not work, or will not. */
type Level = 'ok' | 'warning' | 'broken';

/** One thing that `orgstream doctor` has to say. */
export interface Finding {
  readonly level: Level;
  readonly code: ErrorCode | null;
  readonly message: string;
  /** What the operator can paste or do; null when there is nothing to do. */
  readonly remedy: string | null;
}

export const ok = (message: string): Finding => ({ level: 'ok', code: null, message, remedy: null });
export const warning = (message: string, remedy: string, code: ErrorCode | null = null): Finding => ({
  level: 'warning',
  code,
  message,
  remedy,
});
export const broken = (message: string, remedy: string, code: ErrorCode | null = null): Finding => ({
  level: 'broken',
  code,
  message,
  remedy,
});

/** What the operator does about a code. */
export const remedyOf = (code: ErrorCode): string =>
  manualOf(code)
    .remedy.replace(/^Resumes by itself; operator: /, '')
    .replace(/\.$/, '');

/**
 * What a failure of a check says. No values and no stack: messages of drivers may quote both. A missing setting has been
 * told under its own head; an outage has the remedy of what was looked at.
 */
export function findingOf(error: unknown, options: { readonly doing: string; readonly remedy: string }): Finding {
  const known = postgresError(error, options.doing);
  if (isAppError(known, 'CONFIG_INVALID')) {
    const variables = known.cause instanceof AppError ? known.cause.data['variables'] : undefined;
    const names = Array.isArray(variables) ? variables.join(', ') : 'a setting';
    return warning(`not examined: ${names} is missing or malformed`, 'see settings', 'CONFIG_INVALID');
  }
  if (isAppError(known)) {
    const remedy = known.disposition === 'retry' ? options.remedy : remedyOf(known.code);
    return broken(known.message, remedy, known.code);
  }
  const code = (error as { readonly code?: unknown } | null)?.code;
  return broken(`${options.doing}: ${typeof code === 'string' ? code : 'no answer'}`, options.remedy, 'UNEXPECTED');
}
