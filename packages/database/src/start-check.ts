import { AppError } from '@orgstream/core';
import type { Knex } from 'knex';
import { missingMigrations } from './migrate.ts';
import { postgresError } from './postgres-error.ts';

/** SQLSTATE of a URL that names a role, a password or a database that the server does not take. */
const refused: readonly string[] = ['28P01', '28000', '3D000'];

/**
 * Refuses to start on a database that will not do, before anything else is begun: CONFIG_INVALID when the server refuses
 * the URL, POSTGRES_UNREACHABLE, DATABASE_NOT_MIGRATED when a migration of this version has not been run. One that is
 * newer is fine: migrations only ever add before they take away.
 */
export async function checkDatabase(db: Knex): Promise<void> {
  let missing: readonly string[];
  try {
    missing = await missingMigrations(db);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== undefined && refused.includes(code)) {
      throw new AppError('CONFIG_INVALID', `configuration: DATABASE_URL: Postgres refuses it (SQLSTATE ${code})`);
    }
    throw postgresError(error, 'looking at the database');
  }
  if (missing.length === 0) return;
  throw new AppError('DATABASE_NOT_MIGRATED', `the database lacks ${missing.join(', ')}; run \`orgstream migrate\``);
}
