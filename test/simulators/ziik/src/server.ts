import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CallLog, Faults, RateLimit, SimClock } from '@orgstream/simulator-kit';
import pg from 'pg';
import { Tokens } from './api/tokens.ts';
import { createApp } from './app.ts';
import { applyChatSchema, applySchema } from './db.ts';

/** A running Ziik: its database, its API and pages, and the `_sim` endpoints beside them. */
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
  random?: () => number;
}): Promise<ZiikSimulator> {
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 8 });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  const stopping = new AbortController();
  try {
    await applySchema(pool);
    await applyChatSchema(pool);
    let url = '';
    const state = {
      db: pool,
      tokens: await Tokens.open(pool),
      clock: new SimClock(),
      calls: new CallLog({ scopeKey: 'siteId' as const, authRoutes: ['/authenticate', '/renew'] }),
      faults: new Faults('siteId', options.random),
      rates: new Map<string, RateLimit>(),
      newRate: () => new RateLimit(),
      url: () => url,
    };
    const server = createServer({ keepAlive: true, noDelay: true }, createApp(state, stopping.signal));
    server.requestTimeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const close = async () => {
      stopping.abort();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        // Calls that hang on purpose would never end.
        server.closeAllConnections();
      });
      await pool.end();
    };
    return {
      url,
      pool,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}
