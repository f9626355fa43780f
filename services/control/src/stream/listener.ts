import { backoffMs, sleep } from '@orgstream/runtime';
import pg from 'pg';

/**
 * Keeps one connection listening, and calls `onNotify` for each notification and after every (re)connection: what was
 * notified meanwhile is lost. A hint only: everything it wakes polls too.
 */
export async function listen(options: {
  readonly url: string;
  readonly channels: readonly string[];
  readonly onNotify: (channel: string) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { url, channels, onNotify, signal } = options;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'orgstream-control-listen',
      keepAlive: true,
    });
    try {
      const closed = new Promise<void>((resolve) => {
        client.on('error', () => resolve());
        client.on('end', () => resolve());
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      client.on('notification', ({ channel }) => onNotify(channel));
      await client.connect();
      for (const channel of channels) await client.query(`listen ${channel}`);
      for (const channel of channels) onNotify(channel);
      failures = 0;
      if (!signal.aborted) await closed;
    } catch {
      // Whoever needs the database says so; here there is only the poll to fall back on.
    }
    await client.end().catch(() => {});
    if (!signal.aborted) await sleep(backoffMs(failures + 1, { baseMs: 200, capMs: 5_000 }), signal);
  }
}
