import { readFileSync } from 'node:fs';
import { AppError } from '@orgstream/core';
import { createDatabase, dropDatabase } from './databases.ts';
import { stackKinds, type StackUrls } from './stack-types.ts';
import { uniqueName } from './unique.ts';

/** Names a stack that already runs: {@link StackUrls} as JSON, or the path of a file that holds it. */
export const STACK_VARIABLE = 'ORGSTREAM_STACK';

/**
 * The stack all test files of a run share. vitest's global set-up (vitest-global-setup.ts) starts it and leaves its
 * URLs in the environment, which test workers and their children inherit.
 */
export function useStack(env: NodeJS.ProcessEnv = process.env): StackUrls {
  const text = env[STACK_VARIABLE];
  if (!text) {
    throw new AppError(
      'STACK_UNAVAILABLE',
      `no shared stack: name the file *.pg.test.ts or *.kafka.test.ts and run it by vitest, or set ${STACK_VARIABLE}`,
    );
  }
  return parseStack(text.startsWith('{') ? text : readFileSync(text, 'utf8'));
}

/** Reads {@link StackUrls} from JSON (also from .orgstream/stack.json, which has no kind). */
export function parseStack(json: string): StackUrls {
  const value = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const field = (name: string): string => {
    const text = value[name];
    if (typeof text === 'string' && text !== '') return text;
    throw new AppError('CONFIG_INVALID', `${STACK_VARIABLE} has no ${name}`);
  };
  return {
    kind: stackKinds.find((kind) => kind === value['kind']) ?? 'external',
    kafkaBrokers: field('kafkaBrokers'),
    registryUrl: field('registryUrl'),
    postgresUrl: field('postgresUrl'),
  };
}

/** A database of its own in a shared cluster; disposing drops it, whoever is connected. */
export interface FreshDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** A new, empty database; default in the shared stack's cluster. */
export async function freshDatabase(prefix = 'test', adminUrl = useStack().postgresUrl): Promise<FreshDatabase> {
  const name = uniqueName(prefix, '_');
  const url = await createDatabase(adminUrl, name);
  return { name, url, [Symbol.asyncDispose]: () => dropDatabase(adminUrl, name) };
}
