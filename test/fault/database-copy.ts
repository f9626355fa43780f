import pg from 'pg';
import type { OwnWorld } from './own-world.ts';

/** A copy of our database as it was. */
export interface DatabaseCopy {
  /**
   * Puts the copy in the database's place; all services are stopped meanwhile, as the runbook has it. `before` they start
   * again.
   */
  restore(before?: () => Promise<void>): Promise<void>;
}

/** Copies our whole database: replica, links, work, offsets, what is known of the sources. Services are stopped meanwhile. */
export async function copyDatabase(own: OwnWorld, services: readonly string[]): Promise<DatabaseCopy> {
  const name = nameOf(own);
  const copy = `${name}_copy_${process.hrtime.bigint()}`;
  await stopped(own, services, (server) => server.query(`create database ${copy} template ${name}`));
  return {
    restore: (before) =>
      stopped(own, services, async (server) => {
        await server.query(`drop database ${name} with (force)`);
        await server.query(`alter database ${copy} rename to ${name}`);
        await before?.();
      }),
  };
}

const nameOf = (own: OwnWorld): string => new URL(own.world.file().postgresUrl).pathname.slice(1);

async function stopped(
  own: OwnWorld,
  services: readonly string[],
  work: (server: pg.Client) => Promise<unknown>,
): Promise<void> {
  const { supervisor } = own.world;
  await Promise.all(services.map((service) => supervisor.pause(service)));
  const server = new pg.Client({ connectionString: own.stack.postgresUrl });
  await server.connect();
  try {
    await server.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
      [nameOf(own)],
    );
    await work(server);
  } finally {
    await server.end();
    await Promise.all(services.map((service) => supervisor.resume(service)));
  }
}
