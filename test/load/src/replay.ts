import { createDatabase, insertCommand, readCommand } from '@orgstream/database';
import { countCalls } from '@orgstream/world';
import { syncOne } from './first-sync.ts';
import { cpuSeconds, rate, secondsUntil, watchRss } from './measure.ts';
import { startRig } from './rig.ts';

const PEOPLE = Number(process.env['PEOPLE'] ?? 100_000);

/** A replay of `directory.changes` of a converged tenant: reads everything, changes nothing, makes no call. */
export async function replay(): Promise<unknown> {
  await using rig = await startRig();
  const { joined, result: firstSync } = await syncOne(rig, PEOPLE);
  const before = await countCalls(rig.file, joined.platform);
  const { pid } = rig.world.supervisor.handle('learningbank-sink')!;
  const db = createDatabase(rig.file.postgresUrl, { max: 1 });
  const cpu = cpuSeconds(pid);
  const rss = watchRss(pid);
  const startedMs = performance.now();
  const id = await insertCommand(db, { addressee: 'learningbank-sink', kind: 'replay', payload: {} });
  const done = async (): Promise<number> => ((await readCommand(db, id))?.state === 'done' ? 1 : 0);
  const seconds = await secondsUntil(done, 1, { startedMs, deadlineMs: 600_000, what: 'the replay to end' });
  const { changed, marked } = (await readCommand(db, id))!.result as {
    readonly changed: number;
    readonly marked: number;
  };
  await db.destroy();
  const after = await countCalls(rig.file, joined.platform);
  const facts = await rig.written('directory.changes');
  return {
    ...rate(facts, seconds, cpuSeconds(pid) - cpu, rss.stop()),
    changed,
    marked,
    calls: after.reads + after.writes - before.reads - before.writes,
    firstSync,
  };
}
