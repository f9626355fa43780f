import { readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { MARKER, type LastSignal, type ReaperMessage } from './reaper-protocol.ts';

// The reaper's process, see reaper.ts. It never ends by a signal to its parent's group, only by the end of the pipe.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

interface Watched {
  readonly signal: LastSignal;
  /** Start time of the process, so that a pid used again is left alone. */
  readonly started: string | undefined;
}

const GRACE_MS = 2_000;
const marker = process.argv[2] ?? '';
const watched = new Map<number, Watched>();
const folders = new Set<string>();

for await (const line of createInterface({ input: process.stdin })) handle(JSON.parse(line) as ReaperMessage);
await reap();

function handle(message: ReaperMessage): void {
  switch (message.op) {
    case 'watch':
      watched.set(message.pid, { signal: message.signal, started: startTime(message.pid) });
      break;
    case 'forget':
      watched.delete(message.pid);
      break;
    case 'folder':
      folders.add(message.path);
      break;
    case 'forgetFolder':
      folders.delete(message.path);
      break;
  }
}

async function reap(): Promise<void> {
  // Children spawned in the last instant of the parent, before it could announce them.
  for (const pid of markedPids()) if (!watched.has(pid)) watched.set(pid, { signal: 'SIGKILL', started: undefined });
  for (const [pid, { signal }] of watched) if (isSame(pid)) send(pid, signal);
  const end = performance.now() + GRACE_MS;
  while (performance.now() < end && [...watched.keys()].some(isSame)) await sleep(20);
  for (const pid of watched.keys()) if (isSame(pid)) send(pid, 'SIGKILL');
  for (const pid of markedPids()) send(pid, 'SIGKILL');
  for (const path of folders) await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/** To the child's process group (children of its own included), or to the child alone if it leads none. */
function send(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
    } catch {
      // Gone already.
    }
  }
}

function isSame(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const now = startTime(pid);
  if (now === '') return false;
  const before = watched.get(pid)?.started;
  return before === undefined || now === undefined || now === before;
}

/**
 * Field 22 of /proc/<pid>/stat, counted after the command's closing parenthesis. Undefined where there is no /proc;
 * empty for a process that has ended and only waits to be collected.
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : fields[19];
  } catch {
    return undefined;
  }
}

function markedPids(): number[] {
  const needle = `${MARKER}=${marker}`;
  return numericEntries('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(needle);
    } catch {
      return false;
    }
  });
}

function numericEntries(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
