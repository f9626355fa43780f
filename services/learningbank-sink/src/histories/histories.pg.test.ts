import fc from 'fast-check';
import { expect, test } from 'vitest';
import { steps } from './test-support/commands.ts';
import { endOf } from './test-support/end.ts';
import { World } from './test-support/world.ts';

const runs = Number(process.env['HISTORIES'] ?? 20);
const seed = Number(process.env['HISTORY_SEED'] ?? 4000);
const path = process.env['HISTORY_PATH'];
/** Side by side: most of a history is waiting. */
const lanes = Number(process.env['HISTORY_LANES'] ?? 5);

const property = fc.asyncProperty(
  fc.noBias(fc.commands(steps, { maxCommands: 30, size: 'max', replayPath: process.env['HISTORY_REPLAY'] ?? '' })),
  async (history) => {
    await using world = await World.open();
    await fc.asyncModelRun(() => ({ model: {}, real: world }), history);
    expect(await endOf(world)).toEqual([]);
  },
);

test.concurrent.each(Array.from({ length: lanes }, (_, lane) => [lane]))(
  'whatever happens on the way, the end is what the rules say (%i)',
  async (lane) => {
    await fc.assert(property, {
      numRuns: Math.ceil(runs / lanes),
      seed: seed + lane,
      ...(path === undefined ? {} : { path }),
      endOnFailure: process.env['HISTORY_SHRINK'] === undefined,
      verbose: 1,
    });
  },
  3_600_000,
);
