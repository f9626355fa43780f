import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** No work takes this long: its owner's process id was given to somebody else, or it died before it wrote one. */
const STALE_MS = 900_000;

/**
 * Runs `work` while holding the lock file, which names its owner's process id; a lock whose owner is gone is taken over.
 *
 * It saves work, it does not guard correctness: two callers that take over the same dead lock at once may both run, so
 * `work` must look again first and publish its result atomically.
 */
export async function withLockFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!(await take(path))) {
    if (!(await isHeld(path))) await rm(path, { force: true });
    else await sleep(100);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isHeld(path: string): Promise<boolean> {
  const [text, file] = await Promise.all([readFile(path, 'utf8'), stat(path)]).catch(() => []);
  if (text === undefined || file === undefined) return false;
  if (Date.now() - file.mtimeMs > STALE_MS) return false;
  // Created but not yet written by its owner.
  if (text === '') return true;
  try {
    process.kill(Number(text), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
