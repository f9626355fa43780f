import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { AppError } from '@orgstream/core';
import { OutputTail } from './output-tail.ts';
import type { LastSignal } from './reaper-protocol.ts';
import { MARKER } from './reaper-protocol.ts';
import { processReaper } from './reaper.ts';

export interface SpawnOptions {
  /** For errors and logs. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to this process' environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  readonly gid?: number;
  /** Everything the process writes is appended here too. */
  readonly logFile?: string;
  /** What the reaper sends when this process dies; default SIGKILL. */
  readonly lastSignal?: LastSignal;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process that never outlives this one. Disposing kills it. */
export interface ProcessHandle extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly running: boolean;
  /** Resolves when the process is gone, however it went; never rejects. */
  readonly exited: Promise<Exit>;
  /** The last 256 KiB of stdout and stderr, in the order they came. */
  output(): string;
  /** Lines of stdout and stderr as they come; returns the function that ends the subscription. */
  onLine(listener: (line: string) => void): () => void;
  /** Sends a signal to the process and the children it has; false when it is gone. */
  kill(signal?: NodeJS.Signals): boolean;
  /** Sends `signal` (default SIGTERM), then SIGKILL after `graceMs` (default 10 000), and waits for the end. */
  stop(options?: { readonly signal?: NodeJS.Signals; readonly graceMs?: number }): Promise<Exit>;
}

/** Starts a process that ends with this one, also when this one is killed by SIGKILL. */
export async function spawnProcess(options: SpawnOptions): Promise<ProcessHandle> {
  const reaper = processReaper();
  reaper.prepare();
  const child = spawn(options.command, [...options.args], {
    // Leads a group of its own: Ctrl-C in a terminal reaches us only, and we can signal it with all its children.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env, [MARKER]: reaper.marker },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  if (child.pid !== undefined) reaper.watch(child.pid, options.lastSignal);
  await spawned(child, options);
  const handle = new ChildHandle(child, options);
  void handle.exited.then(() => reaper.forget(handle.pid));
  return handle;
}

function spawned(child: ChildProcess, options: SpawnOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new AppError('STACK_UNAVAILABLE', `starting ${options.name}: ${cause.message}`, { cause })),
    );
  });
}

class ChildHandle implements ProcessHandle {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #tail = new OutputTail(256 * 1024);
  readonly #log: WriteStream | undefined;

  constructor(child: ChildProcess, options: SpawnOptions) {
    this.#child = child;
    this.name = options.name;
    this.pid = child.pid!;
    this.#log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a' });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#tail.add(text);
        this.#log?.write(text);
      });
    }
    child.on('error', () => {}); // a failed kill; the state below says it all
    this.exited = new Promise((resolve) => {
      child.once('close', () => this.#log?.end());
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  output(): string {
    return this.#tail.text();
  }

  onLine(listener: (line: string) => void): () => void {
    return this.#tail.onLine(listener);
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    if (!this.running) return false;
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return this.#child.kill(signal);
    }
  }

  async stop(options: { readonly signal?: NodeJS.Signals; readonly graceMs?: number } = {}): Promise<Exit> {
    this.kill(options.signal ?? 'SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), options.graceMs ?? 10_000);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop({ signal: 'SIGKILL' });
  }
}
