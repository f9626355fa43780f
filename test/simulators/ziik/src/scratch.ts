import { freshDatabase } from '@orgstream/testkit';
import pg from 'pg';
import { applySchema } from './db.ts';

/** A database of its own with the reference schema, for one test file. */
export interface Scratch extends AsyncDisposable {
  readonly url: string;
  readonly pool: pg.Pool;
  /** Rows of a query. */
  rows<R extends pg.QueryResultRow>(sql: string, ...values: unknown[]): Promise<R[]>;
}

/** Opens a scratch Ziik; testkit's stack must run. */
export async function openScratch(): Promise<Scratch> {
  const database = await freshDatabase('ziik');
  const pool = new pg.Pool({ connectionString: database.url, max: 3 });
  await applySchema(pool);
  return {
    url: database.url,
    pool,
    rows: async (sql, ...values) => (await pool.query(sql, values)).rows,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}
