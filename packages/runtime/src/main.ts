import { isAppError, type ErrorCode } from '@orgstream/core';
import type { z } from 'zod';
import { readConfig } from './config.ts';
import { createLogger, type Logger } from './log.ts';

/** A running part of the product; disposed in reverse order of its making. */
export interface Service extends AsyncDisposable {
  /** Resolves when the signal aborts, after finishing what is in flight; rejects when going on would lose or corrupt. */
  run(): Promise<void>;
}

/** Aborts on SIGTERM or SIGINT; repeated signals change nothing: who cannot wait sends SIGKILL. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.on('SIGTERM', stop).on('SIGINT', stop);
  return controller.signal;
}

/** Time for a failed process to end by itself. */
const LINGER_MS = 2_000;

/** What to do about a process that cannot start or go on, where it is its surroundings that are not as they should be. */
const remedies: Partial<Record<ErrorCode, string>> = {
  CONFIG_INVALID: 'set the variables that the message names',
  POSTGRES_UNREACHABLE: 'check the database and DATABASE_URL',
  DATABASE_NOT_MIGRATED: 'run `orgstream migrate`',
  KAFKA_UNREACHABLE: 'check the brokers and KAFKA_BROKERS',
  TOPIC_MISSING: 'run `orgstream topics apply`',
  REGISTRY_UNREACHABLE: 'check the registry and REGISTRY_URL',
  SCHEMA_NOT_REGISTERED: 'run `orgstream schemas register`',
};

/** Environment → config → service → wait. A failure is one log line with its code, and exit code 1; 2 for bad settings. */
export async function runMain<S extends z.ZodObject>(options: {
  readonly name: string;
  readonly config: S;
  readonly create: (context: {
    readonly config: z.infer<S>;
    readonly log: Logger;
    readonly signal: AbortSignal;
  }) => Promise<Service>;
}): Promise<void> {
  let log = createLogger({ service: options.name, level: 'info' });
  try {
    const config = readConfig(options.config, process.env);
    log = createLogger({
      service: options.name,
      level: String((config as { LOG_LEVEL?: string }).LOG_LEVEL ?? 'info'),
    });
    await using service = await options.create({ config, log, signal: shutdownSignal() });
    log.info('started');
    await service.run();
    log.info('stopped');
  } catch (error) {
    if (isAppError(error) && remedies[error.code] !== undefined) {
      // For the operator to mend: what and how, no stack.
      log.fatal({ code: error.code, ...error.data, remedy: remedies[error.code] }, error.message);
    } else {
      const facts = isAppError(error) ? { code: error.code, ...error.data } : {};
      log.fatal({ ...facts, err: error }, 'stopping: going on would lose or corrupt');
    }
    process.exitCode = isAppError(error, 'CONFIG_INVALID') ? 2 : 1;
    // Something half made may hold the process: it is about to be started anew, and must not wait for that.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
