import knexModule, { type Knex } from 'knex';
import { withoutValues } from './postgres-error.ts';

export type { Knex } from 'knex';

interface DatabaseOptions {
  readonly max?: number;
  readonly name?: string;
  /** A statement that takes longer is ended; without it none is. */
  readonly statementTimeoutMs?: number;
}

/** A pool on our Postgres. `bigint` and `numeric` come back as strings: convert at the edge, with `Number` only below 2^53. */
export function createDatabase(url: string, options: DatabaseOptions = {}): Knex {
  const db = knexModule({
    client: 'pg',
    // Without probes a query on a connection whose other end is gone would wait for ever.
    connection: {
      connectionString: url,
      application_name: options.name ?? 'orgstream',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...(options.statementTimeoutMs === undefined ? {} : { statement_timeout: options.statementTimeoutMs }),
    },
    pool: { min: 0, max: options.max ?? 10 },
    acquireConnectionTimeout: 30_000,
    // knex prints connection errors with their stack by itself; they reach the caller, who decides.
    log: { warn() {}, error() {}, debug() {}, deprecate() {} },
    // The default writes every binding, names and e-mails too, into the error's message.
    compileSqlOnError: false,
  });
  db.on('query-error', withoutValues);
  return db;
}
