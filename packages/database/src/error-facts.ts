import { isAppError } from '@orgstream/core';

/**
 * An error as fields of a log line. Postgres quotes rows and values in its messages and details, so of its errors only
 * the SQLSTATE and the names of table and constraint are told; AppErrors and programming errors hold no personal data.
 */
export function errorFacts(error: unknown): Readonly<Record<string, unknown>> {
  if (isAppError(error)) return { code: error.code, err: error };
  const { code, severity, table, constraint } = (error ?? {}) as Readonly<Record<string, unknown>>;
  if (severity === undefined || typeof code !== 'string') return { err: error };
  return { sqlState: code, table, constraint };
}
