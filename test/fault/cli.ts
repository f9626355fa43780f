import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** How a command line ended. */
export interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const root = join(import.meta.dirname, '..', '..');

/** Runs a file of the repository as a process, with these settings only, until it ends. */
export function runMain(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[] = [],
): Promise<CommandEnd> {
  const { PATH } = process.env;
  return new Promise((resolve) => {
    // Elsewhere than the repository: no stack of `npm run dev` lends its settings.
    const options = { cwd: import.meta.dirname, env: { PATH, OPS_PORT: '0', ...env }, timeout: 90_000 };
    execFile(process.execPath, [join(root, file), ...args], options, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
  });
}

/** Runs the CLI. */
export function orgstream(
  env: Readonly<Record<string, string | undefined>>,
  ...args: readonly string[]
): Promise<CommandEnd> {
  return runMain('packages/cli/src/main.ts', env, args);
}
