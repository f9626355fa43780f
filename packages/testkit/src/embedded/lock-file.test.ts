import { existsSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { spawnProcess } from '../process.ts';
import { tempFolder } from '../temp-folder.ts';
import { withLockFile } from './lock-file.ts';

test('one at a time, and the lock is gone afterwards', async () => {
  await using folder = await tempFolder();
  const lock = join(folder.path, 'lock');
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await turn();
    inside--;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLockFile(lock, work)));
  expect(most).toBe(1);
  expect(existsSync(lock)).toBe(false);
});

test('the lock of a dead process is taken over', async () => {
  await using folder = await tempFolder();
  const lock = join(folder.path, 'lock');
  await using child = await spawnProcess({ name: 'true', command: 'true', args: [] });
  await child.exited;
  await writeFile(lock, String(child.pid));
  expect(await withLockFile(lock, () => Promise.resolve('done'))).toBe('done');
});

test.each([
  ['that never got its owner', ''],
  ['whose process id belongs to somebody else now', String(process.pid)],
])('an old lock %s is taken over', async (_, text) => {
  await using folder = await tempFolder();
  const lock = join(folder.path, 'lock');
  await writeFile(lock, text);
  const hourAgo = Date.now() / 1000 - 3_600;
  await utimes(lock, hourAgo, hourAgo);
  expect(await withLockFile(lock, () => Promise.resolve('done'))).toBe('done');
});

test('work that fails frees the lock', async () => {
  await using folder = await tempFolder();
  const lock = join(folder.path, 'lock');
  await expect(withLockFile(lock, () => Promise.reject(new Error('no network')))).rejects.toThrow('no network');
  expect(existsSync(lock)).toBe(false);
});
