import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWorld } from './world.ts';

/** Path of the stack file of the world that all e2e files of a run share. */
export const WORLD_VARIABLE = 'ORGSTREAM_WORLD';

/**
 * vitest's globalSetup of the e2e project: one world for the whole run, unless the environment names one that runs
 * (`ORGSTREAM_WORLD=.orgstream/stack.json` uses that of `npm run dev`). Services that a test kills are restarted.
 */
export default async function setup(): Promise<() => Promise<void>> {
  if (process.env[WORLD_VARIABLE]) return () => Promise.resolve();
  const directory = await mkdtemp(join(tmpdir(), 'orgstream-e2e-'));
  const world = await startWorld({ directory, say: (line) => console.log(line), rateLimitPerMinute: 0 });
  process.env[WORLD_VARIABLE] = join(directory, 'stack.json');
  return async () => {
    delete process.env[WORLD_VARIABLE];
    await world[Symbol.asyncDispose]();
    if (process.env['KEEP_LOGS'] === undefined) await rm(directory, { recursive: true, force: true });
  };
}
