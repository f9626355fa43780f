import { insertPlainRows } from '@orgstream/simulator-ziik';
import { cpuSeconds, rate, secondsUntil, watchRss } from './measure.ts';
import { startRig } from './rig.ts';

const ROWS = Number(process.env['ROWS'] ?? 500_000);

/** The normalizer over a topic that waits: `ziik.changes` to `directory.changes`. */
export async function normalize(): Promise<unknown> {
  await using rig = await startRig({ services: ['ziik-cdc', 'normalizer'] });
  await rig.world.supervisor.pause('normalizer');
  await insertPlainRows(rig.ziik, { people: ROWS });
  await secondsUntil(() => rig.written('ziik.changes'), ROWS, {
    startedMs: performance.now(),
    deadlineMs: 300_000,
    what: 'the topic to fill',
  });
  await rig.world.supervisor.pause('ziik-cdc');
  const [before, read] = [await rig.written('directory.changes'), await rig.written('ziik.changes')];
  const startedMs = performance.now();
  await rig.world.supervisor.resume('normalizer');
  const { pid } = rig.world.supervisor.handle('normalizer')!;
  const rss = watchRss(pid);
  const seconds = await secondsUntil(() => rig.written('directory.changes'), before + read, {
    startedMs,
    deadlineMs: 300_000,
    what: 'facts in Kafka',
  });
  return {
    ...rate(read, seconds, cpuSeconds(pid), rss.stop()),
    note: 'one tenant, so one partition; includes the start of the process',
  };
}
