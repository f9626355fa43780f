import { areFilesCached } from './embedded/files.ts';
import { STACK_VARIABLE } from './shared-stack.ts';
import type { Stack } from './stack-types.ts';
import { startStack } from './stack.ts';

/** One stack per vitest process, whichever project asks first; the last to leave stops it. */
interface Shared {
  users: number;
  readonly stack: Promise<Stack>;
  /** Whether this start has nothing to fetch, so that its time says something. */
  readonly cached: boolean;
  readonly startedAt: number;
}

const key = Symbol.for('orgstream.testkit.shared-stack');
const holder = globalThis as { [key]?: Shared };

/** vitest's globalSetup: starts the shared stack unless the environment names one that runs. Returns the tear-down. */
export default async function setup(): Promise<() => Promise<void>> {
  if (process.env[STACK_VARIABLE] && !holder[key]) return () => Promise.resolve();
  const shared = (holder[key] ??= startShared());
  shared.users++;
  const { kind, kafkaBrokers, registryUrl, postgresUrl } = await shared.stack;
  const startMs = shared.cached ? Math.round(performance.now() - shared.startedAt) : undefined;
  process.env[STACK_VARIABLE] ??= JSON.stringify({ kind, kafkaBrokers, registryUrl, postgresUrl, startMs });
  return async () => {
    if (--shared.users > 0) return;
    delete holder[key];
    delete process.env[STACK_VARIABLE];
    await (await shared.stack)[Symbol.asyncDispose]();
  };
}

function startShared(): Shared {
  return { users: 0, cached: areFilesCached(), startedAt: performance.now(), stack: startStack() };
}
