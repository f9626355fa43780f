import { isAppError, type ErrorCode } from '@orgstream/core';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { z } from 'zod';
import { readConfig, type CommonConfig } from './config.ts';
import { createLogger, type Logger } from './log.ts';
import { startOpsServer, type Health } from './ops-server.ts';

/** What a service is made of: settings, and what every process has. */
export interface ServiceContext<C> {
  readonly config: C;
  readonly log: Logger;
  /** Aborts when the process is to stop. */
  readonly signal: AbortSignal;
  /** Of /metrics. */
  readonly registry: Registry;
}

/** A running part of the product; disposed in reverse order of its making. */
export interface Service extends AsyncDisposable {
  readonly health: Health;
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

/**
 * Environment → config → service → /metrics, /livez, /readyz → wait. A failure is one log line with its code, and exit code
 * 1; 2 for bad settings.
 */
export async function runMain<S extends z.ZodObject>(options: {
  readonly name: string;
  readonly config: S;
  readonly create: (context: ServiceContext<z.infer<S>>) => Promise<Service>;
}): Promise<void> {
  let log = createLogger({ service: options.name, level: 'info' });
  try {
    const config = readConfig(options.config, process.env);
    const common = config as unknown as z.infer<typeof CommonConfig>;
    log = createLogger({ service: options.name, level: common.LOG_LEVEL });
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    await using service = await options.create({ config, log, signal: shutdownSignal(), registry });
    const { health } = service;
    await using _ops = await startOpsServer({ host: common.OPS_HOST, port: common.OPS_PORT, registry, health });
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
