import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { MARKER, type LastSignal, type ReaperMessage } from './reaper-protocol.ts';

/**
 * Ends children and removes folders once this process is gone, however it went (SIGKILL included).
 *
 * A process of its own, in a session of its own, holds the reading end of a pipe whose only writing end is here. The
 * kernel closes that end when we die; the reaper then kills what it was told to watch.
 */
export class Reaper {
  /** Put into the environment of every child, see {@link MARKER}. */
  readonly marker = randomUUID();
  readonly #state = new Map<string, ReaperMessage>();
  #process: ChildProcess | undefined;

  /** To be called before the child is spawned, so that the reaper exists when the child does. */
  prepare(): void {
    this.#process ??= this.#start();
  }

  watch(pid: number, signal: LastSignal = 'SIGKILL'): void {
    this.#set(`pid ${pid}`, { op: 'watch', pid, signal });
  }

  forget(pid: number): void {
    this.#unset(`pid ${pid}`, { op: 'forget', pid });
  }

  watchFolder(path: string): void {
    this.#set(`folder ${path}`, { op: 'folder', path });
  }

  forgetFolder(path: string): void {
    this.#unset(`folder ${path}`, { op: 'forgetFolder', path });
  }

  /** Process id of the reaper, once there is one. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** How many processes and folders it would end and remove now. */
  get watching(): number {
    return this.#state.size;
  }

  #set(key: string, message: ReaperMessage): void {
    this.#state.set(key, message);
    this.prepare();
    this.#send(message);
  }

  #unset(key: string, message: ReaperMessage): void {
    if (this.#state.delete(key)) this.#send(message);
  }

  #send(message: ReaperMessage): void {
    this.#process?.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #start(): ChildProcess {
    const { [MARKER]: _outer, NODE_OPTIONS: _options, ...env } = process.env;
    const main = fileURLToPath(new URL('./reaper-main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, this.marker], {
      detached: true, // a signal to our process group must not end it
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env,
    });
    child.stdin.on('error', () => {});
    child.once('exit', () => this.#restart(child));
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    return child;
  }

  /** A reaper somebody killed is replaced: the promise to end the children still holds. */
  #restart(gone: ChildProcess): void {
    if (this.#process !== gone) return;
    this.#process = undefined;
    if (this.#state.size === 0) return;
    this.prepare();
    for (const message of this.#state.values()) this.#send(message);
  }
}

let shared: Reaper | undefined;

/** The reaper of this process: one is enough, as it is about this process' death and nothing else. */
export function processReaper(): Reaper {
  return (shared ??= new Reaper());
}
