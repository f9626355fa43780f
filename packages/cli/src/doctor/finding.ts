import { isAppError, manualOf, type ErrorCode } from '@orgstream/core';

/** `ok`: as it should be. `warning`: works, and wants a look. `broken`: something does not work, or will not. */
export type Level = 'ok' | 'warning' | 'broken';

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

/** What a failure of a check says. No values and no stack: messages of drivers may quote both. */
export function findingOf(error: unknown, doing: string): Finding {
  if (isAppError(error)) return broken(error.message, manualOf(error.code).remedy, error.code);
  const code = (error as { readonly code?: unknown } | null)?.code;
  return broken(`${doing}: ${typeof code === 'string' ? code : 'no answer'}`, 'see docs/errors.md', 'UNEXPECTED');
}
