import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type Status } from '@orgstream/control-api';
import type { StackFile } from './stack-file.ts';

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
  const control = createClient({ url: file.controlUrl, token: file.adminToken });
  const deadline = performance.now() + options.deadlineMs;
  for (;;) {
    const status = await control.getStatus({ query: { waitMs: 2_000 } }).catch((error: unknown) => error as Error);
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
