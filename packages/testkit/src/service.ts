import { join } from 'node:path';
import { AppError } from '@orgstream/core';
import { ready } from './embedded/ready.ts';
import { freePort } from './ports.ts';
import { spawnProcess, type ProcessHandle } from './process.ts';
import { repoRoot } from './repo.ts';

export interface ServiceOptions {
  /** Folder under services/, for example `normalizer`; its src/main.ts is run. */
  readonly name: string;
  /** Another file to run, relative to the repository's root. */
  readonly main?: string;
  /** The service's settings; OPS_HOST and OPS_PORT are set here unless given. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Everything it writes is appended here too. */
  readonly logFile?: string;
  /** Give up when /readyz does not answer 200 within this time; default 30 000. `false`: do not wait. */
  readonly readyMs?: number | false;
}

/** One of our services as a process. It never outlives this one. */
export interface ServiceHandle extends ProcessHandle {
  /** Base of /metrics, /livez and /readyz. */
  readonly opsUrl: string;
  /** Whether /readyz answers 200 now. */
  isReady(): Promise<boolean>;
  /** The text of /metrics. */
  metrics(): Promise<string>;
  /** Waits for /readyz; fails early with STACK_UNAVAILABLE and the end of the log when the process ends. */
  waitReady(deadlineMs?: number): Promise<void>;
}

/**
 * As in deploy/Dockerfile: a small young generation. The services make much garbage and keep little; with V8's default of
 * 16 MiB it stands in memory: 350 MB instead of 230, at the same rate (docs/benchmarks.md).
 */
const nodeFlags = ['--max-semi-space-size=2'];

/** Runs `node services/<name>/src/main.ts` and, unless told otherwise, waits until it is ready. */
export async function startService(options: ServiceOptions): Promise<ServiceHandle> {
  const port = options.env['OPS_PORT'] ?? String(await freePort());
  const handle = await spawnProcess({
    name: options.name,
    command: process.execPath,
    args: [...nodeFlags, join(repoRoot, options.main ?? `services/${options.name}/src/main.ts`)],
    cwd: repoRoot,
    env: { OPS_HOST: '127.0.0.1', ...options.env, OPS_PORT: port },
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
  });
  const service = withOps(handle, `http://127.0.0.1:${port}`);
  if (options.readyMs === false) return service;
  try {
    await service.waitReady(options.readyMs);
  } catch (error) {
    await handle[Symbol.asyncDispose]();
    throw error;
  }
  return service;
}

function withOps(handle: ProcessHandle, opsUrl: string): ServiceHandle {
  const isReady = async (): Promise<boolean> => (await get(`${opsUrl}/readyz`)).ok;
  return Object.assign(handle, {
    opsUrl,
    isReady,
    waitReady: (deadlineMs = 30_000) => ready(handle, isReady, { deadlineMs }),
    metrics: async () => {
      const { ok, body } = await get(`${opsUrl}/metrics`);
      if (!ok) throw new AppError('STACK_UNAVAILABLE', `reading metrics of ${handle.name}`);
      return body;
    },
  });
}

async function get(url: string): Promise<{ ok: boolean; body: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return { ok: response.ok, body: await response.text() };
}
