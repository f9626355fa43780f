import { insertPlainRows } from '@orgstream/simulator-ziik';
import { join } from '@orgstream/world';
import { cpuSeconds, rate, secondsUntil, watchRss } from './measure.ts';
import { startRig } from './rig.ts';

const PEOPLE = Number(process.env['PEOPLE'] ?? 100_000);

/** The sink's ingest over a topic that waits: three facts a person, into an empty replica, work marked. */
export async function ingest(): Promise<unknown> {
  await using rig = await startRig();
  await rig.world.supervisor.pause('learningbank-sink');
  const { siteId } = await insertPlainRows(rig.ziik, { people: PEOPLE, memberships: true });
  // Credentials that the platform refuses: what is measured is ingest, without the calls that would follow.
  await join(rig.file, siteId, {
    name: 'Bench',
    platform: {},
    credentials: { username: 'nobody', password: 'wrong', token: 'wrong' },
  });
  const facts = 3 * PEOPLE;
  await secondsUntil(() => rig.written('directory.changes'), 2 * facts, {
    startedMs: performance.now(),
    deadlineMs: 600_000,
    what: 'the topic to fill',
  });
  const { high } = { high: await rig.written('directory.changes') };
  const startedMs = performance.now();
  await rig.world.supervisor.resume('learningbank-sink');
  const { pid } = rig.world.supervisor.handle('learningbank-sink')!;
  const rss = watchRss(pid);
  const ingested = async (): Promise<number> =>
    Number(
      (
        await rig.database.query(
          `select coalesce(sum(next_offset), 0) as n from sink.ingest_offset where topic = 'directory.changes'`,
        )
      ).rows[0].n,
    );
  const seconds = await secondsUntil(ingested, high, { startedMs, deadlineMs: 600_000, what: 'facts in the replica' });
  return {
    ...rate(high, seconds, cpuSeconds(pid), rss.stop()),
    note: 'half of the facts are the stream’s copies of the snapshot’s',
  };
}
