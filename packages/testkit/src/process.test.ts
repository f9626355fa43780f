import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAlive } from './fixtures/alive.ts';
import { spawnProcess } from './process.ts';
import { tempFolder } from './temp-folder.ts';
import { until } from './until.ts';

const shell = (script: string) => ({ name: 'shell', command: 'sh', args: ['-c', script] });

test('what it writes is kept, and appended to the log file', async () => {
  await using folder = await tempFolder();
  const logFile = join(folder.path, 'log');
  await using child = await spawnProcess({ ...shell('echo out; echo err >&2; exit 3'), logFile });
  expect(await child.exited).toEqual({ code: 3, signal: null });
  const both = (text: string): boolean => text.includes('out\n') && text.includes('err\n');
  await until(() => both(child.output()), { deadlineMs: 2_000, what: 'both lines' });
  await until(async () => both(await readFile(logFile, 'utf8')), { deadlineMs: 2_000, what: 'both lines in the file' });
  expect(child.running).toBe(false);
  expect(child.kill()).toBe(false);
});

test('a command that is missing is an error that names the process', async () => {
  const missing = spawnProcess({ name: 'broker', command: 'no-such-command', args: [] });
  await expect(missing).rejects.toMatchObject({
    code: 'STACK_UNAVAILABLE',
    message: expect.stringMatching(/^starting broker: .*ENOENT/),
  });
});

test('its environment is ours plus what is asked for', async () => {
  const script = 'echo "$ADDED-${REMOVED:-gone}-${PATH:+path}"';
  process.env['REMOVED'] = 'still here';
  await using child = await spawnProcess({ ...shell(script), env: { ADDED: 'yes', REMOVED: undefined } });
  delete process.env['REMOVED'];
  const line = await until(() => child.output(), { deadlineMs: 2_000, what: 'its line' });
  expect(line).toBe('yes-gone-path\n');
});

test('stopping ends its children too, and goes on to SIGKILL when asked nicely is not enough', async () => {
  await using child = await spawnProcess(shell("trap '' TERM; sleep 1000 & echo $!; while :; do wait; done"));
  const line = await until(() => /^\d+\n/.exec(child.output())?.[0], { deadlineMs: 2_000, what: 'the grandchild' });
  expect(await child.stop({ graceMs: 50 })).toEqual({ code: null, signal: 'SIGKILL' });
  await until(() => !isAlive(Number(line)), { deadlineMs: 2_000, what: 'the end of the grandchild' });
});

test('disposing a process that has ended already is nothing', async () => {
  const child = await spawnProcess(shell('true'));
  await child.exited;
  await child[Symbol.asyncDispose]();
  expect(await child.stop()).toEqual({ code: 0, signal: null });
});
