import type { Knex } from '@orgstream/database';

/** Rows of one statement. Arrays bind as one parameter, also readonly ones, which knex's types do not take. */
export async function query<T>(db: Knex, sql: string, bindings: readonly unknown[]): Promise<readonly T[]> {
  const { rows } = await db.raw<{ rows: T[] }>(sql, bindings as readonly string[]);
  return rows;
}
