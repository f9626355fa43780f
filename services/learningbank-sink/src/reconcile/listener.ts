import type { Logger } from '@orgstream/runtime';
import { backoffMs, sleep } from '@orgstream/runtime';
import pg from 'pg';
import { errorFacts } from './error-facts.ts';

/**
 * Keeps one connection listening on `channels`, and calls `onNotify` for each notification and once after every
 * (re)connection, because what was notified meanwhile is lost. Runs until the signal aborts. A hint only: callers poll too.
 */
export async function listen(options: {
  readonly url: string;
  readonly channels: readonly string[];
  /** An empty payload speaks of everything. */
  readonly onNotify: (channel: string, payload: string) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { signal, log } = options;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    const client = new pg.Client({
      connectionString: options.url,
      application_name: 'orgstream-sink-listen',
      keepAlive: true,
    });
    try {
      await client.connect();
      const closed = new Promise<void>((resolve) => {
        client.on('error', () => resolve());
        client.on('end', () => resolve());
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      client.on('notification', ({ channel, payload }) => options.onNotify(channel, payload ?? ''));
      for (const channel of options.channels) await client.query(`listen ${channel}`);
      for (const channel of options.channels) options.onNotify(channel, '');
      attempt = 0;
      if (!signal.aborted) await closed;
    } catch (error) {
      log.debug(errorFacts(error), 'not listening, polling');
    }
    await client.end().catch(() => {});
    if (!signal.aborted) await sleep(backoffMs(Math.max(1, attempt), { baseMs: 200, capMs: 5_000 }), signal);
  }
}
