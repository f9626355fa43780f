import { STACK_VARIABLE } from './shared-stack.ts';
import type { Stack } from './stack-types.ts';
import { startStack } from './stack.ts';

/** One stack per vitest process, whichever project asks first; the last to leave stops it. */
interface Shared {
  users: number;
  readonly stack: Promise<Stack>;
}

const key = Symbol.for('orgstream.testkit.shared-stack');
const holder = globalThis as { [key]?: Shared };

/** vitest's globalSetup: starts the shared stack unless the environment names one that runs. Returns the tear-down. */
export default async function setup(): Promise<() => Promise<void>> {
  if (process.env[STACK_VARIABLE] && !holder[key]) return () => Promise.resolve();
  const shared = (holder[key] ??= { users: 0, stack: startStack() });
  shared.users++;
  const { kind, kafkaBrokers, registryUrl, postgresUrl } = await shared.stack;
  process.env[STACK_VARIABLE] = JSON.stringify({ kind, kafkaBrokers, registryUrl, postgresUrl });
  return async () => {
    if (--shared.users > 0) return;
    delete holder[key];
    delete process.env[STACK_VARIABLE];
    await (await shared.stack)[Symbol.asyncDispose]();
  };
}
