import pg from 'pg';

/**
 * Holds snapshots in the middle, for as long as it lives: a lock on one of the source's tables lets a snapshot read what
 * comes before that table, and waits. Writers wait too.
 */
export async function holdTable(url: string, table: string): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query(`begin; lock table ${table} in access exclusive mode`);
  return {
    async [Symbol.asyncDispose]() {
      await client.end();
    },
  };
}
