import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** A connection that is lost again and again is made anew after this, at first and at most. */
const [firstPauseMs, longestPauseMs] = [200, 5_000];

/**
 * Keeps one connection listening on `channels`, and calls `onNotify` for each notification and once after every
 * (re)connection with an empty payload, which speaks of everything: what was notified meanwhile is lost. Runs until the
 * signal aborts. A hint only: callers poll too.
 */
export async function listen(options: {
  readonly url: string;
  /** Of the connection, as Postgres shows it. */
  readonly name: string;
  readonly channels: readonly string[];
  readonly onNotify: (channel: string, payload: string) => void;
  readonly onTrouble?: (error: unknown) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { signal } = options;
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const client = new pg.Client({ connectionString: options.url, application_name: options.name, keepAlive: true });
    try {
      const closed = endOf(client, signal);
      client.on('notification', ({ channel, payload }) => options.onNotify(channel, payload ?? ''));
      await client.connect();
      for (const channel of options.channels) await client.query(`listen ${channel}`);
      for (const channel of options.channels) options.onNotify(channel, '');
      pauseMs = firstPauseMs;
      if (!signal.aborted) await closed;
    } catch (error) {
      options.onTrouble?.(error);
    }
    await client.end().catch(() => undefined);
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function endOf(client: pg.Client, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    client.on('error', () => resolve());
    client.on('end', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
