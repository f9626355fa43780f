import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** `.orgstream/stack.json`: where everything of a running world is. Written last, when all is ready, and at each restart. */
export interface StackFile {
  /** Name of the source that reads `ziikPostgresUrl`. */
  readonly source: string;
  readonly ziikPostgresUrl: string;
  readonly postgresUrl: string;
  readonly kafkaBrokers: string;
  readonly registryUrl: string;
  /** Base URL of the first platform, with /api/v1. */
  readonly learningbankUrl: string;
  readonly learningbankSimUrl: string;
  readonly learningbankCredentials: { readonly username: string; readonly password: string; readonly token: string };
  readonly ziikSimUrl: string;
  /** The admin API. */
  readonly controlUrl: string;
  /** What the internet reaches: hooks, logins, shortcuts. */
  readonly edgeUrl: string;
  /** Bearer token for the admin API, of role admin. */
  readonly adminToken: string;
  /** Of this world only; lets the CLI open and seal secrets. */
  readonly secretKey: string;
  readonly metricsUrls: Readonly<Record<string, readonly string[]>>;
  readonly pids: Readonly<Record<string, readonly number[]>>;
}

/** Replaces the file in one step, so that a reader never sees half of it; only its owner may read it. */
export async function writeStackFile(path: string, stack: StackFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}

export async function readStackFile(path: string): Promise<StackFile> {
  return JSON.parse(await readFile(path, 'utf8')) as StackFile;
}
