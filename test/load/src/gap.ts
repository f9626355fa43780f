import { insertPlainRows } from '@orgstream/simulator-ziik';
import { countCalls, join, waitConverged } from '@orgstream/world';
import type pg from 'pg';
import { cpuSeconds, rate, secondsUntil, watchRss } from './measure.ts';
import { startRig, type Rig } from './rig.ts';

const CHANGES = Number(process.env['CHANGES'] ?? 50_000);
const FIRST = 200;
const CHUNK = 500;

/**
 * So many people change while the integration is disabled; enabled again, what they come to is planned as a run of kind gap,
 * which waits to be approved. Two rates: marking (source → work) and planning (work → run items).
 */
export async function gap(): Promise<unknown> {
  await using rig = await startRig();
  const { siteId, unitId } = await insertPlainRows(rig.ziik, { people: FIRST, memberships: true });
  const joined = await join(rig.file, siteId, { name: 'Bench' });
  await waitConverged(rig.file, { deadlineMs: 300_000 });
  const before = await countCalls(rig.file, joined.platform);
  const { pid } = rig.world.supervisor.handle('learningbank-sink')!;
  const rss = watchRss(pid);

  await enable(rig, joined.integration, false);
  const marking = await measured(pid, async (startedMs) => {
    const hired = hire(rig.ziik, { siteId, unitId });
    const marked = (): Promise<number> =>
      count(rig, `select count(*) from sink.work where lane = 3 and for_run = 'gap' and kind = 'person'`);
    const seconds = await secondsUntil(marked, CHANGES, { startedMs, deadlineMs: 900_000, what: 'the marks' });
    await hired;
    return seconds;
  });
  await enable(rig, joined.integration, true);
  const planning = await measured(pid, (startedMs) => {
    const planned = (): Promise<number> =>
      count(
        rig,
        `select coalesce(max((counts ->> 'items')::int), 0) from sink.run where kind = 'gap' and state = 'planned'`,
      );
    return secondsUntil(planned, CHANGES, { startedMs, deadlineMs: 900_000, what: 'the plan' });
  });
  const after = await countCalls(rig.file, joined.platform);
  const peak = rss.stop();
  return {
    marking: rate(CHANGES, marking.seconds, marking.cpu, peak),
    planning: rate(CHANGES, planning.seconds, planning.cpu, peak),
    writes: after.writes - before.writes,
  };
}

async function measured(
  pid: number,
  work: (startedMs: number) => Promise<number>,
): Promise<{ readonly seconds: number; readonly cpu: number }> {
  const cpu = cpuSeconds(pid);
  const seconds = await work(performance.now());
  return { seconds, cpu: cpuSeconds(pid) - cpu };
}

async function count(rig: Rig, sql: string): Promise<number> {
  const { rows } = await rig.database.query<Record<string, string>>(sql);
  return Number(Object.values(rows[0] ?? {})[0] ?? 0);
}

/** As control does it. */
async function enable(rig: Rig, integration: string, enabled: boolean): Promise<void> {
  await rig.database.query('update control.integration set enabled = $2, generation = generation + 1 where id = $1', [
    integration,
    enabled,
  ]);
}

/** People and memberships, in transactions of `CHUNK` people. */
async function hire(
  ziik: pg.Pool,
  { siteId, unitId }: { readonly siteId: string; readonly unitId: string },
): Promise<void> {
  for (let from = 0; from < CHANGES; from += CHUNK) {
    await ziik.query(
      `with people as (
         insert into users (site_id, first_name, last_name, email, language)
         select $1::bigint, 'Ny', 'Person ' || n, 'ny.' || n || '@gap-' || $1::bigint || '.example', 'da'
           from generate_series($3::int + 1, $4::int) as n returning id)
       insert into memberships (site_id, user_id, unit_id) select $1, id, $2 from people`,
      [siteId, unitId, from, Math.min(from + CHUNK, CHANGES)],
    );
  }
}
