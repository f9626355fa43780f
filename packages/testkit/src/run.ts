import { execFile } from 'node:child_process';

export interface RunResult {
  readonly ok: boolean;
  /** Stdout and stderr together. */
  readonly output: string;
}

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a short command to its end; a missing command or a time-out is `ok: false`, not an exception. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs, ...rest } = options;
  return new Promise((resolve) => {
    execFile(command, [...args], { ...rest, timeout: timeoutMs ?? 30_000, maxBuffer: 16 << 20 }, (error, out, err) => {
      const text = `${out}${err}`;
      resolve({ ok: error === null, output: error === null || text !== '' ? text : error.message });
    });
  });
}
