import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { descendants, isAlive } from './fixtures/alive.ts';
import { spawnProcess, type ProcessHandle } from './process.ts';
import { processReaper } from './reaper.ts';
import { tempFolder } from './temp-folder.ts';
import { until } from './until.ts';

interface Family {
  readonly children: readonly number[];
  readonly folder: string;
  readonly reaper: number;
}

async function startParent(...flags: string[]): Promise<{ parent: ProcessHandle; family: Family }> {
  const main = fileURLToPath(new URL('./fixtures/parent.ts', import.meta.url));
  const parent = await spawnProcess({ name: 'parent', command: process.execPath, args: [main, ...flags] });
  const line = await until(() => /^\{.*\}$/m.exec(parent.output())?.[0], { deadlineMs: 10_000, what: 'the parent' });
  return { parent, family: JSON.parse(line) as Family };
}

function reapersOf(pid: number): number {
  const isReaper = (child: number): boolean => readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('reaper-main');
  return descendants(pid).filter(isReaper).length;
}

async function expectNothingLeft(family: Family): Promise<void> {
  const left = (): number[] => [...family.children, family.reaper].filter(isAlive);
  await until(() => left().length === 0, { deadlineMs: 8_000, what: () => `the end of ${left().join(', ')}` });
  await until(() => !existsSync(family.folder), { deadlineMs: 5_000, what: 'the folder to be removed' });
}

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a parent ended by %s leaves no process and no folder',
  async (signal) => {
    const { parent, family } = await startParent();
    expect(family.children.filter(isAlive)).toHaveLength(3);
    expect(existsSync(family.folder)).toBe(true);
    process.kill(parent.pid, signal); // the parent alone, not its group
    await parent.exited;
    await expectNothingLeft(family);
  },
  20_000,
);

test('a killed reaper is replaced, and the new one keeps the promise', async () => {
  const { parent, family } = await startParent();
  process.kill(family.reaper, 'SIGKILL');
  await until(() => !isAlive(family.reaper), { deadlineMs: 5_000, what: 'the reaper to be gone' });
  const reapers = await until(() => reapersOf(parent.pid), { deadlineMs: 5_000, what: 'a new reaper' });
  expect(reapers).toBe(1);
  process.kill(parent.pid, 'SIGKILL');
  await expectNothingLeft(family);
}, 20_000);

test('a child that ignores the first signal gets SIGKILL', async () => {
  const { parent, family } = await startParent('--stubborn');
  expect(family.children.filter(isAlive)).toHaveLength(4);
  process.kill(parent.pid, 'SIGKILL');
  await expectNothingLeft(family);
}, 20_000);

test('a process that was stopped is forgotten, its folder too', async () => {
  const folder = await tempFolder();
  const child = await spawnProcess({ name: 'sleep', command: 'sleep', args: ['1000'] });
  expect((await child.stop()).signal).toBe('SIGTERM');
  await folder[Symbol.asyncDispose]();
  expect(existsSync(folder.path)).toBe(false);
  expect(isAlive(child.pid)).toBe(false);
  expect(processReaper().watching).toBe(0);
});
