import { AppError, isAppError, type ErrorCode } from '@orgstream/core';
import pg from 'pg';

/**
 * Text formats the decoder relies on, whatever the role's or the server's defaults are. Row security off = a query that
 * a policy would filter fails: rows hidden from a snapshot would be taken for rows that are gone.
 */
const SESSION_OPTIONS =
  '-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c lock_timeout=60s -c row_security=off';

/** Opens a connection to a source. Throws SOURCE_UNREACHABLE or SOURCE_AUTH_FAILED. */
export async function connectSource(
  url: string,
  options: { readonly name: string; readonly replication?: boolean; readonly timeoutMs?: number },
): Promise<pg.Client> {
  const config: pg.ClientConfig & { replication?: string } = {
    connectionString: url,
    application_name: options.name,
    connectionTimeoutMillis: options.timeoutMs ?? 10_000,
    // The system's default would notice a dead other end after two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: SESSION_OPTIONS,
    ...(options.replication ? { replication: 'database' } : {}),
  };
  const client = new pg.Client(config);
  // An error of an idle connection is reported by the next query; without a listener it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw translateSourceError(error, 'connecting to the source');
  }
}

/** SQLSTATE classes and codes (Appendix A of the PostgreSQL manual) that mean one of our codes. */
const bySqlState: readonly (readonly [prefix: string, code: ErrorCode])[] = [
  ['28', 'SOURCE_AUTH_FAILED'],
  ['3D000', 'SOURCE_AUTH_FAILED'],
  ['42501', 'SOURCE_GRANT_MISSING'],
  ['42P01', 'SOURCE_SCHEMA_MISMATCH'],
  ['42703', 'SOURCE_SCHEMA_MISMATCH'],
  ['55006', 'SLOT_IN_USE'],
];

/**
 * Translates a failure of a source connection, by SQLSTATE, never by text. The database's message is dropped: it may
 * quote row values.
 */
export function translateSourceError(error: unknown, doing: string): AppError {
  if (isAppError(error)) return error;
  const state = (error as { code?: unknown }).code;
  const sqlState = typeof state === 'string' ? state : 'none';
  const code = bySqlState.find(([prefix]) => sqlState.startsWith(prefix))?.[1] ?? 'SOURCE_UNREACHABLE';
  return new AppError(code, `${doing}: ${sqlState === 'none' ? (error as Error).message : `SQLSTATE ${sqlState}`}`, {
    sqlState,
  });
}
