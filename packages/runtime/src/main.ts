import { isAppError } from '@orgstream/core';
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
    const facts = isAppError(error) ? { code: error.code, ...error.data } : {};
    log.fatal({ ...facts, err: error }, 'stopping: going on would lose or corrupt');
    process.exitCode = isAppError(error, 'CONFIG_INVALID') ? 2 : 1;
  }
}
