import { readFileSync } from 'node:fs';
import pg from 'pg';

/** Where changes are made: a pool, or a client; a client inside a transaction stays in it. */
export type Db = pg.Pool | pg.ClientBase;

/** Ids are bigint: decimal strings here, as `pg` returns them. Numbers are taken too. */
export type Id = string;
export type IdLike = string | number;

/** Creates the reference schema where it is missing. Idempotent. */
export async function applySchema(db: Db): Promise<void> {
  await db.query(readFileSync(new URL('../schema.sql', import.meta.url), 'utf8'));
}

/** Creates what the API keeps beside the captured tables. Idempotent. */
export async function applyChatSchema(db: Db): Promise<void> {
  await db.query(readFileSync(new URL('../chat-schema.sql', import.meta.url), 'utf8'));
}

/** Runs `work` in one transaction; joins the caller's when `db` is a client that has one open. */
export async function inTransaction<T>(db: Db, work: (tx: pg.ClientBase) => Promise<T>): Promise<T> {
  if (!(db instanceof pg.Pool)) return onClient(db, work);
  const client = await db.connect();
  try {
    const result = await onClient(client, work);
    client.release();
    return result;
  } catch (error) {
    client.release(client.getTransactionStatus() !== 'I');
    throw error;
  }
}

async function onClient<T>(client: pg.ClientBase, work: (tx: pg.ClientBase) => Promise<T>): Promise<T> {
  if (client.getTransactionStatus() !== 'I') return work(client);
  await client.query('begin');
  try {
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

const tables = ['sites', 'units', 'user_types', 'users', 'memberships', 'membership_user_types'] as const;
export type Table = (typeof tables)[number];

/** Takes `count` ids from a table's sequence, ascending, so that rows of several tables can refer to each other. */
export async function reserveIds(db: Db, table: Table, count: number): Promise<Id[]> {
  const { rows } = await db.query<{ id: Id }>(
    `select nextval(pg_get_serial_sequence($1, 'id')) as id from generate_series(1, $2::int)`,
    [table, count],
  );
  return rows.map((row) => row.id);
}

/** First row of an answer; undefined when there is none. */
export async function one<R extends pg.QueryResultRow>(db: Db, sql: string, values: unknown[]): Promise<R | undefined> {
  return (await all<R>(db, sql, values))[0];
}

const names = new Map<string, string>();

/** Rows of a statement that each connection prepares once: the API asks the same few things thousands of times. */
export async function all<R extends pg.QueryResultRow>(db: Db, sql: string, values: unknown[]): Promise<R[]> {
  let name = names.get(sql);
  if (name === undefined) names.set(sql, (name = `s${names.size}`));
  return (await db.query<R>({ name, text: sql, values })).rows;
}
