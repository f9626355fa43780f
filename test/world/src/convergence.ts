import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase } from '@orgstream/database';
import { createKafka } from '@orgstream/kafka';
import { createSecretBox } from '@orgstream/runtime';
import { readStatus, type Status, type StatusParts } from '@orgstream/status';
import type { StackFile } from './stack-file.ts';

/** Connections to a running world, for questions about its status. */
function openParts(file: StackFile): StatusParts & AsyncDisposable {
  const db = createDatabase(file.postgresUrl, { max: 3, name: 'orgstream-world' });
  return {
    db,
    kafka: createKafka({ brokers: file.kafkaBrokers.split(','), clientId: 'orgstream-world' }),
    secrets: createSecretBox(file.secretKey),
    [Symbol.asyncDispose]: () => db.destroy(),
  };
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
  await using parts = openParts(file);
  const deadline = performance.now() + options.deadlineMs;
  for (;;) {
    const status = await readStatus(parts, { waitMs: 2_000 }).catch((error: unknown) => error as Error);
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
