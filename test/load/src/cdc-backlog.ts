import { setTimeout as delay } from 'node:timers/promises';
import { insertPlainRows } from '@orgstream/simulator-ziik';
import type pg from 'pg';
import { cpuSeconds, rate, secondsUntil, watchRss } from './measure.ts';
import { startRig, type Rig } from './rig.ts';

const ROWS = Number(process.env['ROWS'] ?? 500_000);

/** Changes waiting in the slot while ziik-cdc was down: one row per transaction, then 100 rows per transaction. */
export async function cdcBacklog(): Promise<unknown> {
  await using rig = await startRig({ services: ['ziik-cdc'] });
  await insertPlainRows(rig.ziik, { people: ROWS });
  await quiet(rig);
  const oneRow = await drain(rig, (ziik) => update(ziik, 1), ROWS);
  const hundredRows = await drain(rig, (ziik) => update(ziik, 100), ROWS);
  return { rowsPerTransaction1: oneRow, rowsPerTransaction100: hundredRows };
}

/** Commits inside the server: half a million transactions in seconds. */
async function update(ziik: pg.Pool, rowsPerTransaction: number): Promise<void> {
  await ziik.query(`do $$ declare low bigint; high bigint; begin
    select min(id), max(id) into low, high from users;
    while low <= high loop
      update users set last_name = 'E' || md5(low::text || clock_timestamp()::text) where id >= low and id < low + ${rowsPerTransaction};
      commit;
      low := low + ${rowsPerTransaction};
    end loop; end $$`);
}

async function drain(rig: Rig, change: (ziik: pg.Pool) => Promise<void>, rows: number): Promise<unknown> {
  await rig.world.supervisor.pause('ziik-cdc');
  console.error(`making ${rows} changes …`);
  await change(rig.ziik);
  const before = await rig.written('ziik.changes');
  const startedMs = performance.now();
  await rig.world.supervisor.resume('ziik-cdc');
  const { pid } = rig.world.supervisor.handle('ziik-cdc')!;
  const rss = watchRss(pid);
  const seconds = await secondsUntil(() => rig.written('ziik.changes'), before + rows, {
    startedMs,
    deadlineMs: 300_000,
    what: 'records in Kafka',
  });
  return {
    ...rate(rows, seconds, cpuSeconds(pid), rss.stop()),
    note: 'seconds and CPU include the start of the process',
  };
}

/** Waits until nothing has been written for a second. */
async function quiet(rig: Rig): Promise<void> {
  for (let last = -1; ;) {
    const now = await rig.written('ziik.changes');
    if (now === last && now > 0) return;
    last = now;
    await delay(1_000);
  }
}
