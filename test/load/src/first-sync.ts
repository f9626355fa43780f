import { generateOrganisation } from '@orgstream/simulator-ziik';
import { countCalls, join, waitConverged, type Joined } from '@orgstream/world';
import { cpuSeconds, watchRss } from './measure.ts';
import { startRig, type Rig } from './rig.ts';

const PEOPLE = Number(process.env['PEOPLE'] ?? 20_000);
const round = (value: number): number => Math.round(value * 100) / 100;

/** One tenant's first sync against a simulator without rate limit. */
export async function firstSync(): Promise<unknown> {
  await using rig = await startRig();
  const { result } = await syncOne(rig, PEOPLE);
  return result;
}

/** Generates an organisation, joins it and waits until it has converged. */
export async function syncOne(
  rig: Rig,
  people: number,
): Promise<{ readonly joined: Joined; readonly result: unknown }> {
  const organisation = await generateOrganisation(rig.ziik, {
    seed: 5,
    units: Math.max(20, Math.round(people / 40)),
    people,
  });
  const { pid } = rig.world.supervisor.handle('learningbank-sink')!;
  const rss = watchRss(pid);
  const cpu = cpuSeconds(pid);
  const startedMs = performance.now();
  const joined = await join(rig.file, organisation.siteId, { name: 'Bench' });
  await waitConverged(rig.file, { deadlineMs: 1_200_000 });
  const seconds = (performance.now() - startedMs) / 1_000;
  const calls = await countCalls(rig.file, joined.platform);
  return {
    joined,
    result: {
      people,
      units: organisation.unitIds.length,
      seconds: round(seconds),
      peoplePerSecond: Math.round(people / seconds),
      callsPerPerson: round((calls.reads + calls.writes) / people),
      sinkCpuSeconds: round(cpuSeconds(pid) - cpu),
      sinkPeakRssMiB: rss.stop(),
    },
  };
}
