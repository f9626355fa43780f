import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { run } from '../program.ts';
import type { FakeControl } from './fake-control.ts';

/** How a command line ended, and what a person saw. */
export interface Seen {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, away from any stack file. */
export async function orgstream(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  signal?: AbortSignal,
): Promise<Seen> {
  const seen = { out: '', err: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((seen.out += String(text)), true));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((seen.err += String(text)), true));
  try {
    return { code: await run(argv, env, mkdtempSync(join(tmpdir(), 'orgstream-cli-')), signal), ...seen };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

/** The same, with a fake control to talk to. */
export const against =
  (control: FakeControl) =>
  (...argv: readonly string[]): Promise<Seen> =>
    orgstream(argv, { ORGSTREAM_URL: control.url, ORGSTREAM_TOKEN: 'ost_test' });

/** A file that is there for the time of the test. */
export function file(content: unknown, name = 'file.json'): string {
  const path = join(mkdtempSync(join(tmpdir(), 'orgstream-cli-')), name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
