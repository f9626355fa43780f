import { tenantKey } from '@orgstream/core';
import { createDatabase, insertCommand } from '@orgstream/database';
import { insertPlainRows } from '@orgstream/simulator-ziik';
import { cpuSeconds, rate, secondsUntil, watchRss } from './measure.ts';
import { startRig } from './rig.ts';

const ROWS = Number(process.env['ROWS'] ?? 1_000_000);

/** A snapshot of one tenant of a million rows, while the stream is idle. The rows are there before the slot is. */
export async function cdcSnapshot(): Promise<unknown> {
  await using rig = await startRig({ services: ['ziik-cdc'] });
  const { siteId } = await insertPlainRows(rig.ziik, { people: ROWS });
  // The slot saw the insert; let the stream pass it first, so that only the snapshot is measured.
  await secondsUntil(() => rig.written('ziik.changes'), ROWS, {
    startedMs: performance.now(),
    deadlineMs: 300_000,
    what: 'the stream to pass the insert',
  });
  const { pid } = rig.world.supervisor.handle('ziik-cdc')!;
  const db = createDatabase(rig.file.postgresUrl, { max: 1 });
  const [before, cpuBefore] = [await rig.written('ziik.changes'), cpuSeconds(pid)];
  const rss = watchRss(pid);
  const startedMs = performance.now();
  await insertCommand(db, {
    addressee: 'ziik-cdc',
    kind: 'snapshot',
    payload: { source: rig.file.source, tenant: tenantKey(rig.file.source, siteId), reason: 'bench' },
  });
  await db.destroy();
  const seconds = await secondsUntil(() => rig.written('ziik.changes'), before + ROWS, {
    startedMs,
    deadlineMs: 300_000,
    what: 'rows in Kafka',
  });
  return rate(ROWS, seconds, cpuSeconds(pid) - cpuBefore, rss.stop());
}
