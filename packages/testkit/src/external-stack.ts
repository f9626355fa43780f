import { AppError } from '@orgstream/core';
import { createDatabase } from './databases.ts';
import type { Stack, StackKind, StackUrls } from './stack-types.ts';
import { uniqueName } from './unique.ts';

/** Servers somebody else runs, named by KAFKA_BROKERS, REGISTRY_URL and POSTGRES_URL. */
export function startExternal(env: NodeJS.ProcessEnv): Promise<Stack> {
  const need = (name: string): string => {
    const value = env[name];
    if (!value) throw new AppError('CONFIG_INVALID', `STACK=external needs ${name}`);
    return value;
  };
  const urls = {
    kind: 'external',
    kafkaBrokers: need('KAFKA_BROKERS'),
    registryUrl: need('REGISTRY_URL'),
    postgresUrl: need('POSTGRES_URL'),
  } as const;
  return Promise.resolve(foreignStack(urls, () => Promise.resolve()));
}

/** A stack whose parts are not our child processes: it cannot be hurt from here. */
export function foreignStack(urls: StackUrls, dispose: () => Promise<void>): Stack {
  const refuse = (): Promise<void> => Promise.reject(noControl(urls.kind));
  return {
    ...urls,
    pids: {},
    createDatabase: (name = uniqueName('test', '_')) => createDatabase(urls.postgresUrl, name),
    stopBroker: refuse,
    startBroker: refuse,
    replaceBroker: refuse,
    stopRegistry: refuse,
    startRegistry: refuse,
    stopPostgres: refuse,
    startPostgres: refuse,
    [Symbol.asyncDispose]: dispose,
  };
}

function noControl(kind: StackKind): AppError {
  return new AppError(
    'STACK_UNAVAILABLE',
    `parts of a stack of kind ${kind} are not stopped from here: use STACK=embedded`,
  );
}
