import type { Knex } from 'knex';
import * as control from './migrations/0001-control.ts';
import * as cdc from './migrations/0002-cdc.ts';
import * as sinkFacts from './migrations/0003-sink-facts.ts';
import * as sinkWork from './migrations/0003-sink-work.ts';
import * as chatLogin from './migrations/0004-chat-login.ts';

interface Step {
  readonly up: (knex: Knex) => Promise<void>;
}

/** Append only. Names are ours, so that a rename of a file never re-runs a migration (facts: the loader stores file names). */
const steps: readonly (readonly [name: string, step: Step])[] = [
  ['0001-control', control],
  ['0002-cdc', cdc],
  ['0003-sink-facts', sinkFacts],
  ['0003-sink-work', sinkWork],
  ['0004-chat-login', chatLogin],
];

const source: Knex.MigrationSource<(typeof steps)[number]> = {
  getMigrations: async () => [...steps],
  getMigrationName: ([name]) => name,
  getMigration: async ([, { up }]) => ({ up, down: async () => {} }),
};

/** Any number will do, as long as it stays the same: two replicas migrating at once would fail at `create table`. */
const MIGRATION_LOCK = 7_201_101;

/** Brings the database to the newest version, alone under an advisory lock; returns the migrations it ran. */
export async function migrate(knex: Knex): Promise<readonly string[]> {
  const lock = await knex.client.acquireConnection();
  try {
    await knex.raw('select pg_advisory_lock(?)', [MIGRATION_LOCK]).connection(lock);
    const [, ran] = await knex.migrate.latest({ migrationSource: source });
    return ran as readonly string[];
  } finally {
    await knex.raw('select pg_advisory_unlock(?)', [MIGRATION_LOCK]).connection(lock);
    await knex.client.releaseConnection(lock);
  }
}

/** Migrations of this version that have not been run on the database. */
export async function missingMigrations(knex: Knex): Promise<readonly string[]> {
  const { rows: tables } = await knex.raw<{ rows: { there: boolean }[] }>(
    `select to_regclass('knex_migrations') is not null as there`,
  );
  const { rows } = tables[0]!.there
    ? await knex.raw<{ rows: { name: string }[] }>('select name from knex_migrations')
    : { rows: [] };
  const run = new Set(rows.map(({ name }) => name));
  return steps.map(([name]) => name).filter((name) => !run.has(name));
}
