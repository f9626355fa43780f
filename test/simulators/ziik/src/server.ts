import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { createApp } from './app.ts';
import { applySchema } from './db.ts';

/** A running Ziik: its database, and the `_sim` endpoints beside it. */
export interface ZiikSimulator extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** Creates the schema where it is missing and listens, by default on 127.0.0.1; port 0 = any free one. */
export async function startZiikSimulator(options: {
  databaseUrl: string;
  host?: string;
  port?: number;
}): Promise<ZiikSimulator> {
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 5 });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  const stopping = new AbortController();
  try {
    await applySchema(pool);
    const server = createServer(createApp(pool, stopping.signal));
    server.requestTimeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
    });
    const close = async () => {
      stopping.abort();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      await pool.end();
    };
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      pool,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}
