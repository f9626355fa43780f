import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

export interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Runs a program of the workspace (or node) with its output passed on; resolves with its exit code and that output. */
export function runStep(step: Step, signal: AbortSignal): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const command = step.command === 'node' ? process.execPath : join(root, 'node_modules', '.bin', step.command);
    const child = spawn(command, [...step.args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const stop = (): void => void child.kill('SIGTERM');
    signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        process.stdout.write(text);
      });
    }
    child.once('error', reject);
    child.once('close', (code, killed) => {
      signal.removeEventListener('abort', stop);
      resolve({ code: code ?? (killed ? 130 : 1), output });
    });
  });
}

export const checks: readonly Step[] = [
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  { name: 'generated files', command: 'node', args: ['scripts/generate.ts', '--check'] },
  { name: 'types', command: 'tsc', args: ['-p', '.'] },
  { name: 'lint', command: 'oxlint', args: ['--deny-warnings'] },
  {
    name: 'directions',
    command: 'depcruise',
    args: ['--config', '.dependency-cruiser.cjs', 'packages', 'services', 'test', 'scripts'],
  },
  { name: 'unused', command: 'knip', args: [] },
];
