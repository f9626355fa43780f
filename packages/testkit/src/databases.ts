import pg from 'pg';
import { until } from './until.ts';

/** Makes a database beside the one `adminUrl` names, and returns its URL. */
export async function createDatabase(adminUrl: string, name: string): Promise<string> {
  await withClient(adminUrl, async (client) => {
    await client.query(`create database ${pg.escapeIdentifier(name)}`);
  });
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Drops a database although somebody is connected or streams from one of its slots; nothing happens if it is gone. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const drop = async (): Promise<boolean> => {
      // A slot in use makes DROP DATABASE fail even with FORCE; one at rest goes with its database.
      await client.query('select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1', [
        name,
      ]);
      await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
      return true;
    };
    await until(drop, { deadlineMs: 10_000, what: `database ${name} to be dropped`, intervalMs: 50 });
  });
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
