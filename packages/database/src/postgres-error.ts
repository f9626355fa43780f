import { AppError } from '@orgstream/core';

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);

/**
 * What a failure of our own Postgres is to the shell, by SQLSTATE or network code: POSTGRES_UNREACHABLE (retry) for lost
 * connections, restarts, exhausted resources, statements that took too long, deadlocks and serialization failures; DATABASE_NOT_MIGRATED for missing
 * tables; anything else comes back as it is. An AppError passes through.
 */
export function postgresError(error: unknown, doing: string): unknown {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  if (isTransient(error, code)) {
    return new AppError('POSTGRES_UNREACHABLE', `${doing}: ${code ?? 'connection lost'}`, { cause: error });
  }
  if (code === '42P01' || code === '42703' || code === '3F000') {
    return new AppError('DATABASE_NOT_MIGRATED', `${doing}: ${code}; run orgstream migrate`, { cause: error });
  }
  return error;
}

/** A value that Postgres refuses (SQLSTATE classes 22 and 23, or over a limit): the same statement fails again. */
export function isDataError(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return code.startsWith('22') || code.startsWith('23') || code.startsWith('54');
}

/**
 * Takes row values out of a Postgres error, which may end in a log: its message quotes them where a value is refused
 * (classes 22 and 23), `detail` and `where` anywhere.
 */
export function withoutValues(error: unknown): void {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return;
  for (const name of ['detail', 'where', 'internalQuery', 'hint']) Reflect.deleteProperty(error, name);
  if (!code.startsWith('22') && !code.startsWith('23')) return;
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  error.message = `SQLSTATE ${code}`;
  error.stack = [`error: ${error.message}`, ...frames].join('\n');
}

function isTransient(error: unknown, code: string | undefined): boolean {
  if (error instanceof Error && error.name === 'KnexTimeoutError') return true;
  // node-postgres reports a connection that ended under a query without any code.
  if (code === undefined) return error instanceof Error && error.message.startsWith('Connection terminated');
  return networkCodes.has(code) || /^(08|53|57P|57014|40001|40P01|55P03|25006)/.test(code);
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
