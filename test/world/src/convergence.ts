import { setTimeout as delay } from 'node:timers/promises';
import { openEnvironment, readStatus, type Environment, type Status } from '@orgstream/cli';
import type { StackFile } from './stack-file.ts';

/** The CLI's view of a running world. */
export function openWorldEnvironment(file: StackFile): Environment {
  const { postgresUrl, kafkaBrokers, registryUrl, secretKey } = file;
  const env = {
    DATABASE_URL: postgresUrl,
    KAFKA_BROKERS: kafkaBrokers,
    REGISTRY_URL: registryUrl,
    ORGSTREAM_SECRET_KEY: secretKey,
  };
  return openEnvironment(env, '/');
}

/**
 * Waits until everything committed at the source before a question was at the target, but for parked objects, for the
 * given integrations (default: all). `onStatus` sees every look.
 */
export async function waitConverged(
  file: StackFile,
  options: {
    readonly deadlineMs: number;
    readonly integrations?: readonly string[];
    readonly onStatus?: (status: Status) => void;
  },
): Promise<Status> {
  await using environment = openWorldEnvironment(file);
  const deadline = performance.now() + options.deadlineMs;
  for (;;) {
    const status = await readStatus(environment, { waitMs: 2_000 }).catch((error: unknown) => error as Error);
    if (!(status instanceof Error)) {
      options.onStatus?.(status);
      const asked = status.integrations.filter((i) => options.integrations?.includes(i.id) ?? true);
      if (asked.length > 0 && asked.every((i) => i.converged)) return status;
    }
    if (performance.now() > deadline) {
      const seen = status instanceof Error ? status.message : JSON.stringify(status);
      throw new Error(`not converged within ${options.deadlineMs} ms: ${seen}`);
    }
    await delay(150);
  }
}
