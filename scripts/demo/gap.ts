import { createRandom, dailyWeights, randomChanges } from '@orgstream/simulator-ziik';
import { countCalls, waitConverged, type Joined, type StackFile } from '@orgstream/world';
import type pg from 'pg';
import type { Operator } from './operator.ts';
import type { Screen } from './screen.ts';

/** Disable; a month of changes; re-enable; the gap report; initiate synchronisation. */
export async function monthOff(
  { screen, file, ziik, operator }: { screen: Screen; file: StackFile; ziik: pg.Pool; operator: Operator },
  joined: Joined,
  /** Of the same source: when it is in step, everything before was read. */
  other: Joined,
): Promise<{ readonly gapItems: number; readonly gapApplied: number }> {
  screen.heading('Disabled for a month');
  const { integration, siteId } = joined;
  await operator.setEnabled(integration, false);
  const before = await countCalls(file, joined.platform);
  // Addresses that go round in a circle are parked until somebody sorts them out at the source; not this story.
  const weights = { ...dailyWeights, handOverEmail: 0 };
  const changes = await randomChanges(ziik, siteId, { random: createRandom(4), count: 400, weights });
  await waitConverged(file, { deadlineMs: 60_000, integrations: [other.integration] });
  const sent = (await countCalls(file, joined.platform)).writes - before.writes;
  screen.line(`  ${changes.length} changes in Ziik while ${joined.tenant} was disabled, ${sent} of them sent`);
  await operator.setEnabled(integration, true);
  const run = await operator.runOfKind(integration, 'gap', ['planned']);
  const { items = 0, parked = 0 } = run.counts;
  screen.line(`  enabled again: the gap report, before anything is sent`);
  for (const what of ['created', 'changed', 'moved', 'left', 'deleted'])
    screen.line(`    ${what.padEnd(8)} ${String(run.counts[what] ?? 0).padStart(4)}`);
  screen.line(`    ${items} objects; ${parked} of them wait for somebody to put them right in Ziik`);
  await operator.api.startRun({ params: { integration }, body: { kind: 'sync' } });
  await operator.finished(run);
  const gapApplied = await operator.countItems(run, 'applied');
  const parkedNow = [...(await operator.itemsByCode(run, 'parked'))];
  // Without a code of its own it waits for one of the others.
  const left = parkedNow.map(([code, count]) => `${count} ${code === '' ? 'waiting for them' : code}`);
  screen.line(
    `  "Initiate synchronisation": ${gapApplied} objects brought into step${left.length === 0 ? '' : `; left: ${left.join(', ')}`}`,
  );
  await waitConverged(file, { deadlineMs: 60_000, integrations: [integration] });
  return { gapItems: items, gapApplied };
}
