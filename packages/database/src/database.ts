import knexModule, { type Knex } from 'knex';

export type { Knex } from 'knex';

/** A pool on our Postgres. `bigint` and `numeric` come back as strings: convert at the edge, with `Number` only below 2^53. */
export function createDatabase(url: string, options: { readonly max?: number; readonly name?: string } = {}): Knex {
  return knexModule({
    client: 'pg',
    connection: { connectionString: url, application_name: options.name ?? 'orgstream' },
    pool: { min: 0, max: options.max ?? 10 },
    acquireConnectionTimeout: 30_000,
    // knex prints connection errors with their stack by itself; they reach the caller, who decides.
    log: { warn() {}, error() {}, debug() {}, deprecate() {} },
  });
}
