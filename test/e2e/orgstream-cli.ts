import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { readStackFile } from '@orgstream/world';
import { worldPath } from './scene.ts';

const root = join(import.meta.dirname, '..', '..');

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real `orgstream`, as an operator would, against the shared world; `env` changes single settings. */
export async function orgstream(
  args: readonly string[],
  { env = {}, input = '' }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<CliResult> {
  const file = await readStackFile(worldPath());
  const child = spawn(process.execPath, [join(root, 'packages/cli/src/main.ts'), ...args], {
    cwd: import.meta.dirname,
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: file.postgresUrl,
      KAFKA_BROKERS: file.kafkaBrokers,
      REGISTRY_URL: file.registryUrl,
      ORGSTREAM_SECRET_KEY: file.secretKey,
      ORGSTREAM_URL: file.controlUrl,
      ORGSTREAM_TOKEN: file.adminToken,
      EDGE_PUBLIC_URL: file.edgeUrl,
      ...env,
    },
  });
  child.stdin.end(input);
  const [stdout, stderr] = ['', ''].map((): string[] => []) as [string[], string[]];
  child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code ?? -1));
  });
  return { exitCode, stdout: stdout.join(''), stderr: stderr.join('') };
}
