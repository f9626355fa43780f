import { createDatabase, missingMigrations } from '@orgstream/database';
import type { Check } from './check.ts';
import { ok, broken, warning, type Finding } from './finding.ts';

/** Clocks of machines that differ by more make times on screen, expiries and ages wrong. */
const SKEW_MS = 2_000;

/** How far a clock is from ours, given half the round trip for the way. */
export function skewFinding(whose: string, theirsMs: number, sentMs: number, answeredMs: number): readonly Finding[] {
  const skewMs = Math.round(theirsMs - (sentMs + answeredMs) / 2);
  if (Math.abs(skewMs) <= SKEW_MS + (answeredMs - sentMs) / 2) return [];
  const text = `the clock of ${whose} is ${Math.abs(skewMs / 1_000).toFixed(1)} s ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  return [warning(text, 'let both follow one NTP server')];
}

/** Our Postgres: reachable, migrated, its clock. */
export const postgresCheck: Check = {
  area: 'postgres',
  deadlineMs: 6_000,
  remedy: 'check the database and DATABASE_URL',
  async run({ settings }) {
    // A pool of its own, with a short deadline: that of the other commands waits for half a minute.
    const db = createDatabase(settings.read('DATABASE_URL'), { max: 1, name: 'orgstream-doctor' });
    try {
      const sentMs = Date.now();
      const { rows } = await db.raw<{ rows: { now: Date; version: string }[] }>(
        `select clock_timestamp() as now, current_setting('server_version') as version`,
      );
      const skew = skewFinding('Postgres', rows[0]!.now.getTime(), sentMs, Date.now());
      const missing = await missingMigrations(db);
      const migrated =
        missing.length === 0
          ? ok('migrated')
          : broken(`${missing.join(', ')} has not been run`, 'orgstream migrate', 'DATABASE_NOT_MIGRATED');
      return [ok(`PostgreSQL ${rows[0]!.version} answers`), migrated, ...skew];
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === undefined || !['28P01', '28000', '3D000'].includes(code)) throw error;
      return [broken(`Postgres refuses the URL (SQLSTATE ${code})`, 'set DATABASE_URL', 'CONFIG_INVALID')];
    } finally {
      void db.destroy().catch(() => {});
    }
  },
};
